"""How old the newest scans and collections are, measured against the market calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from api import views
from db.repositories import Repositories
from market.calendar import TradingCalendar

SCAN_WITHIN = timedelta(hours=6)
"""Of a session's close: its end-of-day scan is there, or late."""


def last_scans(
    tx: Repositories, calendar: TradingCalendar, now: datetime
) -> dict[str, dict[str, Any]]:
    """Each scanner's newest completed scan; stale once a later session is overdue."""
    due = calendar.last_closed(now - SCAN_WITHIN)
    closed = calendar.last_closed(now)
    return {
        run["scanner"]: {
            "session": run["session"],
            "as_of": run["as_of"],
            "completed_at": views.local(run["created_at"]),
            "age_seconds": _age(run["created_at"], now),
            "sessions_behind": max(0, len(calendar.sessions(run["session"], closed)) - 1),
            "stale": run["session"] < due,
        }
        for run in tx.runs.newest()
    }


def source_ages(collected: Mapping[str, datetime], now: datetime) -> dict[str, dict[str, Any]]:
    """When each source was last collected from."""
    return {
        name: {"collected_at": views.local(when), "age_seconds": _age(when, now)}
        for name, when in collected.items()
    }


def _age(when: datetime, now: datetime) -> float:
    return round(max(0.0, (now - when).total_seconds()), 1)
