"""Morning: the exchange's official bars of the last session against the stored ones."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Final

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from errors import ClosebellError
from flows.catching_up import catch_up, newest
from flows.room import Room
from flows.summary import RunSummary
from flows.timetable import Due
from flows.turn import Outcome, in_turn
from logs import get as logger
from market.asof import Slot
from sources.krx.source import NotPublished
from sources.protocol import History
from tasks.publish import RunFacts, publish_step
from tasks.reconcile import Reconciliation, reconcile
from tasks.scan import scan_step
from tasks.sources import INVENTED, open_source

TRIES: Final = 6
BETWEEN: Final = timedelta(minutes=5)
"""The exchange publishes at about 08:00; a scheduled run of 08:10 asks until 08:35."""


@flow(name="morning")
def morning(session: date | None = None, source: str | None = None) -> Outcome:
    """Compare the session before with its official bars, correct it, and scan it again if need be.

    Args:
        session: the one that is about to open, by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        NotPublished: the exchange has nothing of the session before yet.
        ClosebellError: what the steps raise; what was done before it stays. What was missed is
            caught up with also where the exchange has nothing.
    """
    return in_turn("morning", run_morning, session=session, source=source, any_time=True)


def run_morning(room: Room, turn: Due) -> Outcome:
    """The steps of the flow, given its turn and everything they work with."""
    started = time.perf_counter()
    last = room.calendar.previous(turn.session)
    if room.source_name in INVENTED:
        return Completed(name="Skipped", message=f"the exchange knows no {room.source_name} market")
    if room.settings.krx_auth_key is None:
        return Completed(
            name="Skipped", message="krx isn't configured: CLOSEBELL_KRX_AUTH_KEY is missing"
        )
    with open_source("krx", room.settings, room.calendar, room.db, room.clock) as krx:
        assert krx is not None
        try:
            found = _reconciled(room, krx, last, patient=turn.slot is not None)
        except (ClosebellError, TimeoutError):
            _caught_up_all_the_same(room, last)
            raise
    notes = found.notes
    if found.differing or found.filled or found.added:
        notes += _scanned_again(room, last)
    notes += catch_up(room, last)
    return RunSummary(
        state="completed",
        sessions=[last],
        notes=notes,
        seconds=round(time.perf_counter() - started, 3),
        flow_run_id=flow_run.get_id(),
    )


def _caught_up_all_the_same(room: Room, last: date) -> None:
    """Why the exchange's bars aren't there is the error to tell of; what follows is logged."""
    try:
        catch_up(room, last)
    except (ClosebellError, TimeoutError) as error:
        logger().error("not caught up with", of=last.isoformat(), cause=str(error))


def _reconciled(room: Room, krx: History, last: date, *, patient: bool) -> Reconciliation:
    for tries in range(1, TRIES + 1):
        try:
            found = reconcile(room.db, krx, last, flow_run_id=flow_run.get_id())
        except NotPublished as error:
            if not patient or tries == TRIES:
                raise
            logger().warning("not published yet", of=last.isoformat(), cause=error.detail)
            room.clock.wait_until(room.clock.now() + BETWEEN)
        else:
            return found
    raise AssertionError("the last try raises")


def _scanned_again(room: Room, last: date) -> list[str]:
    """Every slot of the session after its close that was scanned before, with the new bars."""
    notes = []
    for slot in (Slot.CLOSE, Slot.FINAL):
        if newest(room, slot) != last:
            continue
        scanned = scan_step(room.db, room.calendar, room.rules, last, last, slot)
        facts = RunFacts(
            source=room.source_name,
            reason="official bars",
            flow_run_id=flow_run.get_id(),
        )
        changed = publish_step(room.db, scanned, [last], room.rules, facts)
        notes.append(f"{slot} scanned again: {'changed' if changed else 'the same signals'}")
    return notes
