"""The evening's work: a session scored once more with its own net buying."""

from __future__ import annotations

import time
from datetime import date

from prefect.runtime import flow_run
from prefect.states import Completed

from errors import TooEarly
from flows.end_of_day import run_end_of_day
from flows.room import Room
from flows.summary import summarise
from flows.turn import Outcome
from logs import get as logger
from market.asof import Slot
from tasks.artifacts import leave_artifacts
from tasks.net_buying import net_buying_step
from tasks.publish import GATE, RunFacts, publish_step
from tasks.scan import scan_step


def rescore(room: Room, session: date) -> Outcome:
    """Collect a session's net buying and publish its scan in the slot `final`.

    Marked preliminary until the figures are final (20:10 on an ordinary day). A session that was
    never scanned is scanned at its close first.

    Raises:
        TooEarly: the session hasn't closed.
        ClosebellError: what the steps raise; what was published before stays.
    """
    started = time.perf_counter()
    run_id = flow_run.get_id()
    hours = room.calendar.hours(session)
    if (now := room.clock.now()) < (close := hours.close):
        raise TooEarly(
            f"{session} hasn't closed yet", remedy=f"run again after {close:%Y-%m-%d %H:%M} KST"
        )
    notes = catch_up_close(room, session)
    known = net_buying_step(room.db, room.source, session)
    if not known:
        return Completed(
            name="Skipped", message=f"nothing is known of the net buying of {session} yet"
        )
    scanned = scan_step(room.db, room.calendar, room.rules, session, session, Slot.FINAL)
    preliminary = now < Slot.FINAL.moment(hours)
    facts = RunFacts(source=room.source_name, preliminary=preliminary, flow_run_id=run_id)
    publish_step(room.db, scanned, [session], room.rules, facts)
    notes = [*notes, f"net buying of {known} stocks" + (", preliminary" if preliminary else "")]
    leave_artifacts(scanned, session, notes)
    return summarise(
        scanned,
        [session],
        notes=notes,
        seconds=time.perf_counter() - started,
        flow_run_id=run_id,
    )


def catch_up_close(room: Room, session: date) -> list[str]:
    """Scan a closed session at its close if nobody has; gives what to say of it."""
    with room.db.reader() as tx:
        scanned = tx.runs.completed(GATE, session, (str(Slot.CLOSE), str(Slot.FINAL)))
    if scanned:
        return []
    logger().warning("the session wasn't scanned at its close", of=session.isoformat())
    summary = run_end_of_day(room, session)
    return [f"{session} had not been scanned at its close and was now", *summary.notes]
