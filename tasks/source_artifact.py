"""How every source is doing, left with a run to read in the Prefect UI."""

from __future__ import annotations

from datetime import datetime

from prefect.artifacts import create_table_artifact

from db import Database
from market.clock import SEOUL


def leave_sources(db: Database) -> None:
    """One row a source: state, last uses, calls, waiting, breaker. Only within a run."""
    with db.reader() as tx:
        reports = tx.sources.reports()
    create_table_artifact(
        key="sources",
        table=[
            {
                "source": one.name,
                "state": one.state,
                "last success": _when(one.last_success),
                "last failure": _when(one.last_failure),
                "said": one.last_error or one.missing or "",
                "calls": one.calls,
                "repeated": one.retries,
                "seconds waited": round(one.waited),
                "breaker": one.breaker,
            }
            for one in reports
        ],
        description="Sources of prices and news as this run left them",
    )


def _when(moment: datetime | None) -> str:
    return f"{moment.astimezone(SEOUL):%Y-%m-%d %H:%M}" if moment else "never"
