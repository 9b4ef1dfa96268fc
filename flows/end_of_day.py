"""End of day: the whole market at the close, collected, checked, scanned, published."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta

from prefect import flow
from prefect.runtime import flow_run

from errors import BadMarketData, TooEarly
from flows.room import Room
from flows.summary import RunSummary, summarise
from flows.turn import Outcome, in_turn
from logs import get as logger
from market.asof import Slot
from tasks.artifacts import leave_artifacts
from tasks.beside import collect_beside
from tasks.check import check
from tasks.collect import collect, store
from tasks.deadman import tell_deadman
from tasks.publish import RunFacts, publish_step
from tasks.scan import scan_step
from tasks.tidy import tidy

CATCH_UP = 20  # sessions; more missed ones are a person's decision (closebell backfill)


@flow(name="end-of-day")
def end_of_day(
    session: date | None = None, source: str | None = None, accept_checks: bool = False
) -> Outcome:
    """Scan one session at its close, and before it the sessions missed since the last good one.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.
        accept_checks: publish although the checks refuse the data; the runs say so.

    Raises:
        BadMarketData: the checks refuse the data; nothing was stored.
        TooEarly: the session hasn't closed.
    """
    return in_turn(
        "end-of-day",
        lambda room, turn: run_end_of_day(room, turn.session, accept_checks=accept_checks),
        session=session,
        source=source,
    )


def run_end_of_day(room: Room, target: date, *, accept_checks: bool = False) -> RunSummary:
    """The steps of the flow, given a session and everything they work with."""
    started = time.perf_counter()
    run_id = flow_run.get_id()
    if room.clock.now() < (close := room.calendar.hours(target).close):
        raise TooEarly(
            f"{target} hasn't closed yet", remedy=f"run again after {close:%Y-%m-%d %H:%M} KST"
        )
    missed, notes = missed_sessions(room, target)
    first = missed[0] if missed else target

    notes += collect_beside(
        room.db,
        room.source,
        target,
        settings=room.settings,
        calendar=room.calendar,
        clock=room.clock,
    )
    data = collect(room.db, room.source, room.calendar, first, target)
    verdict = check(
        room.db, data, [*missed, target], calendar=room.calendar, settings=room.settings
    )
    notes += [f"{s} was left out: {why}" for s in missed if (why := verdict.refused(s))]
    caught_up = [s for s in missed if not verdict.refused(s)]
    if refused := verdict.refused(target):
        if not accept_checks:
            raise BadMarketData(
                f"{target} is not published: {refused}",
                remedy="collect or import it again, or publish all the same with --accept-checks",
            )
        notes.append(f"published although the checks refuse it: {refused}")
    if data is not None:
        store(room.db, verdict.keeping(data, [*caught_up, target]), target)

    scanned = scan_step(room.db, room.calendar, room.rules, first, target, Slot.CLOSE)
    facts = RunFacts(
        source=room.source_name,
        accepted={target: refused} if refused else {},
        flow_run_id=run_id,
    )
    if caught_up:
        plain = RunFacts(source=room.source_name, flow_run_id=run_id)
        publish_step(room.db, scanned, caught_up, room.rules, plain, announce="scan")
    publish_step(room.db, scanned, [target], room.rules, facts)
    notes += tell_deadman(room.settings, room.calendar, room.clock, room.source_name, target)

    tidy(room.db, room.clock.now(), room.settings)
    leave_artifacts(scanned, target, notes)
    return summarise(
        scanned,
        [*caught_up, target],
        notes=notes,
        seconds=time.perf_counter() - started,
        flow_run_id=run_id,
    )


def missed_sessions(room: Room, target: date) -> tuple[list[date], list[str]]:
    """The sessions between the last good one and `target`, in order, and what to say of them."""
    with room.db.reader() as tx:
        last_good = tx.runs.newest_session("market_gate", str(Slot.CLOSE))
    if last_good is None or last_good >= target:
        return [], []
    missed = room.calendar.sessions(last_good + timedelta(days=1), target - timedelta(days=1))
    if not missed:
        return [], []
    if len(missed) > CATCH_UP:
        return [], [
            f"{len(missed)} sessions since {last_good} were never scanned, too many to catch up: "
            f"closebell backfill --from {missed[0]} --to {missed[-1]}"
        ]
    logger().info("catching up", sessions=len(missed), since=last_good.isoformat())
    return missed, [f"caught up with {_named(missed)}"]


def _named(sessions: Sequence[date]) -> str:
    return f"{sessions[0]}" if len(sessions) == 1 else f"{sessions[0]} to {sessions[-1]}"
