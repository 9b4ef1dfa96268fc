"""Within the session: the whole market swept, the market gate and the day trades so far."""

from __future__ import annotations

import time
from datetime import date, datetime

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from db.repositories.snapshots import KeptSnapshot
from flows.room import Room
from flows.so_far import age_of, market_now, shared_near_closing_bet, slot_of
from flows.summary import RunSummary, summarise
from flows.timetable import Due
from flows.turn import Outcome, in_turn
from logs import get as logger
from market.asof import Slot
from market.data import MarketData
from tasks.artifacts import leave_artifacts
from tasks.publish import RunFacts, publish_step
from tasks.scan_so_far import naming_watched, scan_so_far
from tasks.snapshot import read_before, so_far
from tasks.volume_shares import expected, learn

SCANNERS = ("daytrading", "market_gate")
UNKNOWN = "volume so far says nothing yet; the watch list of the session before stands"


@flow(name="intraday")
def intraday(session: date | None = None, source: str | None = None) -> Outcome:
    """Scan the session so far; every five minutes while the exchange trades continuously.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        BadMarketData: the sweep can't be trusted; nothing was stored.
        SourceUnavailable: the provider didn't answer.
    """
    return in_turn("intraday", begin, session=session, source=source)


def begin(room: Room, turn: Due) -> Outcome:
    """The flow's work in its turn."""
    turn = slot_of(room, "intraday", turn)
    assert turn.slot is not None
    return run_intraday(room, turn.session, turn.slot)


def run_intraday(room: Room, session: date, at: datetime) -> Outcome:
    """The steps of the flow for the slot `at` (aware, Asia/Seoul)."""
    started = time.perf_counter()
    learn(room.db, room.calendar, session, room.settings)
    before = read_before(room.db, room.calendar, session)
    shared = shared_near_closing_bet(room, session)
    if isinstance(shared, str):
        return Completed(name="Skipped", message=shared)
    seen = shared or market_now(room, before, session)
    return publish_so_far(room, before, seen, Slot.at(at), started)


def publish_so_far(
    room: Room, before: MarketData, seen: KeptSnapshot, slot: Slot, started: float
) -> RunSummary:
    """Scan what was seen and publish it as preliminary, with the age of its prices."""
    db, session, now = room.db, seen.session, room.clock.now()
    expectation = expected(db, room.calendar.hours(session), seen.at, room.rules.daytrading)
    scanned = scan_so_far(
        db,
        so_far(db, before, seen),
        room.calendar,
        room.rules,
        session=session,
        slot=slot,
        known_until=now,
        expectation=expectation,
        scanners=SCANNERS,
    )
    notes = [age_of(seen, now)]
    withheld = {}
    known = expectation.in_session.usable(room.rules.daytrading)
    if not known and scanned.scan.results["daytrading"].signals.is_empty():
        withheld["daytrading"] = f"{UNKNOWN}; {notes[0]}"
        notes.append(UNKNOWN)
    else:
        last = room.calendar.previous(session)
        scanned, watched, confirmed = naming_watched(db, scanned, last)
        share = f"{expectation.in_session.expected_share:.0%} of the day's volume expected by then"
        notes.append(f"{share}, by {_ORIGIN[expectation.origin]}")
        if watched:
            notes.append(f"{confirmed} of {watched} stocks watched since {last} are confirmed")
    run_id = flow_run.get_id()
    facts = RunFacts(
        source=room.source_name,
        preliminary=True,
        reason=notes[0],
        flow_run_id=run_id,
        withheld=withheld,
    )
    publish_step(db, scanned, [session], room.rules, facts)
    logger().info("published so far", slot=str(slot), prices=notes[0])
    leave_artifacts(scanned, session, notes)
    return summarise(
        scanned, [session], notes=notes, seconds=time.perf_counter() - started, flow_run_id=run_id
    )


_ORIGIN = {"table": "the rules' table", "own": "the snapshots of sessions before"}
