"""Forgetting what is kept for a while only."""

from __future__ import annotations

from datetime import datetime, timedelta

from db import Database
from logs import get as logger
from settings import Settings
from tasks.step import step

SILENT = timedelta(days=1)  # how long what no client is told of is kept


@step("tidy", timeout=120)
def tidy(db: Database, now: datetime, settings: Settings) -> int:
    """Forget events older than the setting events_days; gives how many."""
    with db.transaction() as tx:
        forgotten = tx.events.prune(now - timedelta(days=settings.events_days))
        forgotten += tx.events.forget_silent(now - SILENT)
    if forgotten:
        logger().info("old events forgotten", events=forgotten)
    return forgotten
