"""Back-fill: every session of a range, scored in one pass, announced once."""

from __future__ import annotations

import time
from datetime import date

import structlog
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

import tracing
from errors import BadMarketData
from flows.failures import failures_recorded
from flows.room import Room, opened
from flows.summary import RunSummary, summarise
from flows.timetable import Due
from market.asof import Slot
from tasks.check import check
from tasks.collect import collect, store
from tasks.publish import RunFacts, publish_step
from tasks.scan import scan_step


@flow(name="backfill")
def backfill(
    first: date, last: date, source: str | None = None, accept_checks: bool = False
) -> RunSummary | State[None]:
    """Scan every session from `first` to `last` at its close.

    Sessions that the checks refuse are left out and named, unless `accept_checks`.

    Raises:
        BadMarketData: no session of the range may be published.
    """
    with opened(source) as room:
        sessions = room.calendar.sessions(first, last)
        if not sessions:
            return Completed(name="Skipped", message=f"no session from {first} to {last}")
        about = {"flow": "backfill", "flow_run_id": flow_run.get_id()}
        turn = Due(sessions[-1], None)
        with (
            structlog.contextvars.bound_contextvars(**about),
            tracing.span("flow backfill", first=str(first), last=str(last)),
            failures_recorded(room, "backfill", turn),
        ):
            return run_backfill(room, sessions, accept_checks=accept_checks)


def run_backfill(room: Room, sessions: list[date], *, accept_checks: bool = False) -> RunSummary:
    """The steps of the flow, given its sessions and everything they work with."""
    started = time.perf_counter()
    run_id = flow_run.get_id()
    first, last = sessions[0], sessions[-1]

    data = collect(room.db, room.source, room.calendar, first, last)
    verdict = check(room.db, data, sessions, calendar=room.calendar, settings=room.settings)
    refused = {s: why for s in sessions if (why := verdict.refused(s))}
    chosen = sessions if accept_checks else [s for s in sessions if s not in refused]
    if not chosen:
        raise BadMarketData(
            f"none of the {len(sessions)} sessions may be published; {refused[first]}",
            remedy="import or collect their bars, or publish all the same with --accept-checks",
        )
    said = "published although the checks refuse it" if accept_checks else "left out"
    notes = [f"{s} was {said}: {why}" for s, why in refused.items()]
    if data is not None:
        store(room.db, verdict.keeping(data, chosen), last)

    scanned = scan_step(room.db, room.calendar, room.rules, first, last, Slot.CLOSE)
    accepted = refused if accept_checks else {}
    facts = RunFacts(source=room.source_name, accepted=accepted, flow_run_id=run_id)
    publish_step(room.db, scanned, chosen, room.rules, facts, announce="scan")
    return summarise(
        scanned,
        chosen,
        notes=notes,
        seconds=time.perf_counter() - started,
        flow_run_id=run_id,
    )
