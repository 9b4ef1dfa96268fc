"""Pre-open: what is listed today, what the open signals' levels are today, what was missed."""

from __future__ import annotations

import time
from datetime import date

import polars as pl
from prefect import flow
from prefect.runtime import flow_run

from errors import ClosebellError, outward
from flows.catching_up import catch_up, left_to_the_morning
from flows.room import Room
from flows.summary import RunSummary
from flows.turn import Outcome, in_turn
from logs import get as logger
from sources.protocol import Listed, LiveSource
from tasks.beside import degraded
from tasks.last_closes import last_closes_step
from tasks.levels import levels_step, open_signals
from tasks.listing import listing_step
from tasks.quotes import bases_step, unseen


@flow(name="pre-open")
def pre_open(session: date | None = None, source: str | None = None) -> Outcome:
    """Prepare a session before it opens; catch up with what the one before it missed.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        ClosebellError: the listing couldn't be had. What else fails is noted, and tried again by
            the flow it belongs to.
    """
    return in_turn(
        "pre-open",
        lambda room, turn: run_pre_open(room, turn.session),
        session=session,
        source=source,
        any_time=True,
    )


def run_pre_open(room: Room, session: date) -> RunSummary:
    """The steps of the flow, given a session and everything they work with."""
    started = time.perf_counter()
    last = room.calendar.previous(session)
    signals = open_signals(room.db, room.calendar, session)
    bases: pl.DataFrame | None = None
    closes: pl.DataFrame | None = None
    if isinstance(room.source, LiveSource):
        listed = listing_step(room.db, room.source, session)
        notes, closes = [_counted(listed)], listed.last_closes
        listing = listed.instruments["ticker"].implode()
        there = signals.filter(pl.col("ticker").is_in(listing))["ticker"].unique().sort()
        try:
            bases = bases_step(room.source, there.to_list(), session) if there.len() else None
            notes += [] if bases is None else unseen(there, bases)
        except ClosebellError as error:
            notes.append(degraded(room.db, room.source.name, "today's scale of levels", error))
    else:
        notes = [f"{room.source_name} tells nothing of a session before its close"]
    moved = levels_step(room.db, room.calendar, session, signals, bases)
    notes += _moved(moved)
    if closes is not None:
        notes += last_closes_step(room.db, last, closes)
    notes += _caught_up(room, last)
    return RunSummary(
        state="completed",
        sessions=[session],
        notes=notes,
        seconds=round(time.perf_counter() - started, 3),
        flow_run_id=flow_run.get_id(),
    )


def _counted(listed: Listed) -> str:
    flags = listed.flags["flag"].cast(pl.String).value_counts().sort("flag")
    told = ", ".join(f"{n} {flag}" for flag, n in flags.iter_rows())
    return f"{listed.instruments.height} stocks listed" + (f", of them {told}" if told else "")


def _moved(moved: pl.DataFrame) -> list[str]:
    return [
        f"{row['ticker']} {row['name']}: levels of {row['session']} × {row['factor']:.6g}, "
        f"entry {_then(row, 'entry')}, target {_then(row, 'target')}, stop {_then(row, 'stop')}"
        for row in moved.unique(["ticker", "scanner"], keep="last", maintain_order=True).to_dicts()
    ]


def _then(row: dict[str, object], name: str) -> str:
    return "none" if row[name] is None else f"{row[name]:,} → {row[f'{name}_now']:,}"


def _caught_up(room: Room, last: date) -> list[str]:
    """What failed is said, and left to the morning, which has the official bars."""
    if left_to_the_morning(room, last):
        return [f"{last} had not been scanned at its close, which is left to the official bars"]
    try:
        return catch_up(room, last)
    except ClosebellError as error:
        logger().error("not caught up", of=last.isoformat(), cause=error.detail)
        return [f"{last} could not be caught up with: {outward(error)}"]
