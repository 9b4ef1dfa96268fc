"""First history: the sessions the scanners look back on, fetched once, going on after a kill."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from flows.room import opened
from logs import get as logger
from scanners import LOOKBACK
from tasks.history import FASTEST, FirstHistory
from tasks.history import first_history as fetch


@flow(name="first-history")
def first_history(sources: Sequence[str] = FASTEST, sessions: int = LOOKBACK) -> FirstHistory:
    """Store the last `sessions` from the first of `sources` that has them.

    Raises:
        ClosebellError: see tasks/history.py; what was stored before stays.
    """
    with opened("stored") as room:
        return fetch(
            room.db,
            room.settings,
            room.calendar,
            room.clock,
            room.rules,
            sources=sources,
            sessions=sessions,
            say=logger().info,
        )
