"""How old the newest scans and collections are, measured against the market calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from api import views
from db.repositories import Repositories
from db.repositories.sources import SourceReport
from market.calendar import TradingCalendar
from market.scanners import SCANNERS

SCAN_WITHIN = timedelta(hours=6)
"""Of a session's close: its end-of-day scan is there, or late."""


def last_scans(
    tx: Repositories, calendar: TradingCalendar, now: datetime
) -> dict[str, dict[str, Any]]:
    """Each scanner's newest completed scan, nulls before the first; stale once one is overdue.

    One that never scanned is behind by the sessions since the database was first put to use.
    """
    due = calendar.last_closed(now - SCAN_WITHIN)
    closed = calendar.last_closed(now)
    runs = {run["scanner"]: run for run in tx.runs.newest()}
    names = list(dict.fromkeys((*SCANNERS, "market_gate", *runs)))
    begun = tx.runs.begun() if len(runs) < len(names) else None
    found = {}
    for name in names:
        run = runs.get(name)
        done = run["session"] if run else calendar.last_closed(begun) if begun else closed
        found[name] = {
            "session": run and run["session"],
            "as_of": run and run["as_of"],
            "completed_at": run and views.local(run["created_at"]),
            "age_seconds": run and _age(run["created_at"], now),
            "sessions_behind": max(0, len(calendar.sessions(done, closed)) - 1),
            "stale": done < due,
        }
    return found


def source_states(tx: Repositories, now: datetime) -> dict[str, dict[str, Any]]:
    """How each source is doing, and when bars of it were last collected."""
    reports = {report.name: report for report in tx.sources.reports()}
    collected = tx.bars.collected()
    return {
        name: _source(reports.get(name), collected.get(name), now)
        for name in sorted(reports.keys() | collected.keys())
    }


def _source(
    report: SourceReport | None, collected: datetime | None, now: datetime
) -> dict[str, Any]:
    """A source without a report isn't asked over a network: files, or the sample market."""
    return {
        "state": report.state if report else "ok",
        "missing": report.missing if report else None,
        "collected_at": collected and views.local(collected),
        "age_seconds": None if collected is None else _age(collected, now),
        "last_success": report and report.last_success and views.local(report.last_success),
        "last_failure": report and report.last_failure and views.local(report.last_failure),
        "last_error": report.last_error if report else None,
        "calls": report.calls if report else 0,
        "retries": report.retries if report else 0,
        "waited_seconds": round(report.waited, 1) if report else 0.0,
        "breaker": report.breaker if report else "closed",
    }


def _age(when: datetime, now: datetime) -> float:
    return round(max(0.0, (now - when).total_seconds()), 1)
