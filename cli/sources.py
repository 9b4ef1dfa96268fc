"""What doctor says of sources: configured, last uses, calls, waiting, breaker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cli.checks import Check
from db import Database
from db.repositories.sources import SourceReport
from market.clock import SEOUL
from settings import Settings
from tasks.sources import WITHOUT, missing_of


def source_checks(config: Settings, db: Database | None) -> Iterator[Check]:
    """One line a source. Wrong is one that fails, or the chosen one without its keys.

    Args:
        db: where their uses are told; None if it can't be read yet.
    """
    reports: dict[str, SourceReport] = {}
    if db is not None:
        with db.reader() as tx:
            reports = {report.name: report for report in tx.sources.reports()}
    missing = missing_of(config)
    for name, lacks in missing.items():
        if lacks:
            works = f"not configured: {WITHOUT[name]}"
            yield Check(f"source {name}", config.source != name, works, f"set {lacks}")
        else:
            yield _configured(name, reports.get(name))
    for name, report in reports.items():
        if name not in missing and missing.get(name.split()[0]) is None:
            yield _configured(name, report)


def _configured(name: str, report: SourceReport | None) -> Check:
    if report is None:
        return Check(f"source {name}", True, "configured, not asked yet", "closebell doctor --live")
    said = [
        "degraded" if report.state == "degraded" else report.state,
        f"last success {_when(report.last_success)}",
    ]
    if report.last_failure:
        said.append(f"last failure {_when(report.last_failure)}: {report.last_error}")
    said.append(f"{report.calls:,} calls, {report.retries:,} of them repeated")
    said.append(f"{report.waited:,.0f} s of waiting for a place")
    said.append(f"breaker {report.breaker}")
    if report.open_until and report.breaker == "open":
        said[-1] += f" until {_when(report.open_until)}"
    well = report.state != "degraded"
    remedy = None if well else "what needs it is missing until it answers; closebell doctor --live"
    return Check(f"source {name}", well, "; ".join(said), remedy)


def _when(moment: datetime | None) -> str:
    return f"{moment.astimezone(SEOUL):%Y-%m-%d %H:%M}" if moment else "never"
