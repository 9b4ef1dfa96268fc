"""The morning after: what purchases at the close opened at, and the reminder to sell."""

from __future__ import annotations

import time
from datetime import date

import polars as pl
from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.closing_bet import decision_slot
from flows.room import Room
from flows.so_far import live, slot_of
from flows.summary import RunSummary
from flows.timetable import Due
from flows.turn import Outcome, in_turn
from tasks.closing_bet import quotes_of
from tasks.exits import positions_of, remark
from tasks.quotes import unseen
from tasks.source_artifact import noted


@flow(name="exits")
def exits(session: date | None = None, source: str | None = None) -> Outcome:
    """Tell of the positions of the session before: their opening price, then where they stand.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        SourceUnavailable: the provider didn't answer.
    """
    return in_turn("exits", begin, session=session, source=source)


def begin(room: Room, turn: Due) -> Outcome:
    """The flow's work in its turn."""
    turn = slot_of(room, "exits", turn)
    return run_exits(room, turn.session, reminder=turn.step == "reminder")


def run_exits(room: Room, session: date, *, reminder: bool) -> Outcome:
    """The steps of the flow; a reminder tells also the prices of this moment."""
    started = time.perf_counter()
    before = room.calendar.previous(session)
    positions = positions_of(room.db, before, decision_slot(room, before))
    if positions.is_empty():
        return Completed(name="Skipped", message=f"nothing was bought at the close of {before}")
    with noted(room.db, room.source_name):
        quotes = quotes_of(live(room), positions["ticker"].unique().sort().to_list())
    # Until its first trade of the day a quote may still be that of an earlier session.
    opened = pl.when(pl.col("session") == session).then("open").otherwise(0)
    told = remark(
        room.db,
        positions,
        quotes.with_columns(open=opened),
        before=before,
        rule=room.trades.closing_bet.exit,
        at=room.clock.now() if reminder else None,
    )
    return RunSummary(
        state="completed",
        sessions=[session],
        notes=[
            f"{told.told} positions of {before}, {told.opened} have opened",
            *unseen(positions["ticker"], quotes),
        ],
        seconds=round(time.perf_counter() - started, 3),
        flow_run_id=flow_run.get_id(),
    )
