"""A run finds out what it stands for, and works only when its turn has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import structlog
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

import logs
import settings
import tracing
from flows.failures import failures_recorded
from flows.room import Room, opened
from flows.summary import RunSummary
from flows.timetable import Due, due, entry
from market.calendar import TradingCalendar
from market.clock import SEOUL, Clock
from tasks.replay import clock_of
from tasks.sources import LIVE

BY_SCHEDULE = "auto-scheduled"
"""The tag Prefect gives to the runs that a schedule, not a person, started."""

Outcome = RunSummary | State[None]


def in_turn(
    flow: str,
    work: Callable[[Room, Due], Outcome],
    *,
    session: date | None = None,
    source: str | None = None,
    clock: Clock | None = None,
    any_time: bool = False,
) -> Outcome:
    """Do the flow's work if it is due; else end as Skipped, with the reason, opening nothing.

    A live flow is skipped, too, where its source doesn't tell of a session that is on (LIVE).

    Args:
        session: asked for by a person; slots and lateness aren't looked at then.
        source: see CLOSEBELL_SOURCE.
        clock: by default the machine's, or that of the session that is replayed.
        any_time: whether a person may run it on a session's day before its slot.

    Raises:
        ClosebellError: what `work` and opening the room raise.
    """
    config = settings.load()
    tracing.configure()
    logs.configure(config.log_level)
    calendar = TradingCalendar(config.extra_holidays)
    clock = clock or clock_of(source, config, calendar)
    turn = turn_of(flow, calendar, clock.now(), session, any_time=any_time)
    about = {"flow": flow, "session": turn.session.isoformat(), "flow_run_id": flow_run.get_id()}
    with (
        structlog.contextvars.bound_contextvars(**about),
        tracing.span(f"flow {flow}", session=about["session"], run_id=about["flow_run_id"]),
    ):
        if turn.skip:
            return _skipped(turn.skip)
        name = source or config.source or "stored"
        if entry(flow).live and name not in LIVE:
            return _skipped(f"{name} doesn't tell of a session that is on")
        with opened(source, clock=clock) as room, failures_recorded(room, flow, turn):
            return work(room, turn)


def _skipped(reason: str) -> State[None]:
    logs.get().info("skipped", reason=reason)
    return Completed(name="Skipped", message=reason)


def turn_of(
    flow: str,
    calendar: TradingCalendar,
    now: datetime,
    session: date | None = None,
    *,
    any_time: bool = False,
) -> Due:
    """What this run stands for; see `in_turn`."""
    if session is not None:
        closed = not calendar.is_session(session)
        why = f"{session} is no session: {calendar.why_closed(session)}" if closed else None
        return Due(session, None, why)
    turn = due(flow, now, calendar, scheduled_for())
    early = turn.slot is None and calendar.is_session(turn.session)
    return Due(turn.session, None) if any_time and early and scheduled_for() is None else turn


def scheduled_for() -> datetime | None:
    """The moment (Asia/Seoul) a schedule started this run for; None when a person did."""
    if BY_SCHEDULE not in flow_run.get_tags():
        return None
    # Prefect's own kind of datetime loses its zone when a timedelta is added in another one.
    return datetime.fromtimestamp(flow_run.get_scheduled_start_time().timestamp(), SEOUL)
