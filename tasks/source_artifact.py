"""How a source did: noted for doctor and API, and left with the run to read in Prefect's UI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from db import Database
from errors import ClosebellError, outward
from market.clock import SEOUL
from tasks.sources import INVENTED


@contextmanager
def noted(db: Database, name: str) -> Iterator[None]:
    """Note whether the source of that name gives what it is asked for within; errors rise."""
    try:
        yield
    except (ClosebellError, TimeoutError) as error:
        said = outward(error) if isinstance(error, ClosebellError) else str(error) or "no answer"
        with db.transaction() as tx:
            tx.sources.failed(name, said)
        raise
    else:
        with db.transaction() as tx:
            tx.sources.succeeded(name)
    finally:
        if flow_run.get_id() and name not in INVENTED:
            leave_sources(db)


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
