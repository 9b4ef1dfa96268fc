"""Settle: the session's final net buying, its final scan, and what became of earlier signals."""

from __future__ import annotations

import time
from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from errors import ClosebellError
from flows.evening import rescore
from flows.room import Room
from flows.summary import RunSummary
from flows.turn import Outcome, in_turn
from tasks.settle import settle_step


@flow(name="settle")
def settle(session: date | None = None, source: str | None = None) -> Outcome:
    """Score a closed session with its final net buying and follow every open signal through it.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        ClosebellError: what the steps raise; signals are followed whether or not the net buying
            could be had.
    """
    return in_turn(
        "settle",
        lambda room, turn: run_settle(room, turn.session),
        session=session,
        source=source,
    )


def run_settle(room: Room, session: date) -> RunSummary:
    """The steps of the flow, given a session and everything they work with."""
    started = time.perf_counter()
    try:
        scored = rescore(room, session)
    except ClosebellError:
        _follow(room, session)
        raise
    told = _follow(room, session)
    seconds = round(time.perf_counter() - started, 3)
    if isinstance(scored, RunSummary):
        return scored.model_copy(update={"notes": [*scored.notes, told], "seconds": seconds})
    return RunSummary(
        state="completed",
        sessions=[session],
        notes=[str(scored.message), told],
        seconds=seconds,
        flow_run_id=flow_run.get_id(),
    )


def _follow(room: Room, session: date) -> str:
    done = settle_step(room.db, room.calendar, room.trades, session)
    return f"{done.followed} signals followed, {done.transitions} changed their status"
