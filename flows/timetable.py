"""The timetable: which flow is due when in a session, and how late it may still begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

from market.calendar import SessionHours, TradingCalendar
from market.clock import SEOUL

Collision = Literal["ENQUEUE", "CANCEL_NEW"]


class Priority(IntEnum):
    """Of work queues; Prefect gives out the lowest number first."""

    FIRST = 1
    USUAL = 2


@dataclass(frozen=True)
class Moment:
    """When in a session: `offset` from its open or close, which an odd day moves apart.

    `late` is how long after it a run may still begin. `step` names the moment where a flow does
    different things at each.
    """

    anchor: Literal["open", "close"]
    offset: timedelta
    late: timedelta
    step: str | None = None

    def of(self, hours: SessionHours) -> datetime:
        """That moment of a session (aware, Asia/Seoul)."""
        return (hours.open if self.anchor == "open" else hours.close) + self.offset


@dataclass(frozen=True)
class Entry:
    """One flow's line of the timetable.

    `every` repeats the first of two moments up to the second. `limit` is the longest a run may
    take. `collision` is what becomes of a run that is due while another still goes. A `live` flow
    needs a source that tells of the session that is on, and is skipped with any other.
    """

    flow: str
    moments: tuple[Moment, ...]
    limit: timedelta
    every: timedelta | None = None
    collision: Collision = "ENQUEUE"
    priority: Priority = Priority.USUAL
    live: bool = False

    def slots(self, hours: SessionHours) -> Iterator[tuple[datetime, Moment]]:
        """Every moment of a session at which the flow is due, in order."""
        if self.every is None:
            yield from ((moment.of(hours), moment) for moment in self.moments)
            return
        first, last = self.moments
        at, end = first.of(hours), last.of(hours)
        while at <= end:
            yield at, first
            at += self.every


def _minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def _at_open(offset: float, *, late: float, step: str | None = None) -> Moment:
    return Moment("open", _minutes(offset), _minutes(late), step)


def _at_close(offset: float, *, late: float, step: str | None = None) -> Moment:
    return Moment("close", _minutes(offset), _minutes(late), step)


# Times in the comments are those of an ordinary day, 09:00 to 15:30.
TIMETABLE: Final = (
    # Both may have to fetch a session stock by stock, which takes 45 to 67 minutes.
    Entry("pre-open", (_at_open(-80, late=300),), limit=_minutes(100)),  # 07:40
    Entry("morning", (_at_open(-50, late=600),), limit=_minutes(120)),  # 08:10
    Entry(
        "exits",  # 09:02, 09:10
        (_at_open(2, late=5, step="open"), _at_open(10, late=15, step="reminder")),
        limit=_minutes(5),
        live=True,
    ),
    Entry(
        "intraday",  # 09:05, 09:10 … 15:15
        (_at_open(5, late=4), _at_close(-15, late=4)),
        every=_minutes(5),
        limit=_minutes(4.5),
        collision="CANCEL_NEW",
        live=True,
    ),
    Entry(
        "closing-bet",  # 15:05, 15:12, 15:26
        (
            _at_close(-25, late=5, step="preview"),
            _at_close(-18, late=2, step="decision"),
            _at_close(-4, late=2, step="check"),
        ),
        limit=_minutes(5),
        priority=Priority.FIRST,
        live=True,
    ),
    # Until half past seven of the next day; then pre-open catches up.
    Entry("end-of-day", (_at_close(1, late=16 * 60),), limit=_minutes(120)),  # 15:31
    Entry("net-buying", (_at_close(190, late=90),), limit=_minutes(90)),  # 18:40
    Entry("settle", (_at_close(280, late=11 * 60),), limit=_minutes(120)),  # 20:10
)


@dataclass(frozen=True)
class Due:
    """Whether a flow's turn has come: the session's slot (aware, Asia/Seoul), or why it is skipped.

    `slot` is None where the day has none to speak of.
    """

    session: date
    slot: datetime | None
    skip: str | None = None
    step: str | None = None


def entry(flow: str) -> Entry:
    """The flow's line of the timetable.

    Raises:
        KeyError: it isn't in the timetable.
    """
    for line in TIMETABLE:
        if line.flow == flow:
            return line
    raise KeyError(flow)


def due(
    flow: str, now: datetime, calendar: TradingCalendar, scheduled: datetime | None = None
) -> Due:
    """What a run of `flow` that begins `now` (aware) stands for.

    Args:
        scheduled: the moment (aware) a schedule started it for. The schedules hold the times of
            every kind of day, so one that isn't a slot of its day's session is skipped, and so is
            one that begins too late. Without it a person asked: the newest slot of the day,
            however late.
    """
    line = entry(flow)
    day = (scheduled or now).astimezone(SEOUL).date()
    if not calendar.is_session(day):
        return Due(day, None, f"{day} is no session: {calendar.why_closed(day)}")
    hours = calendar.hours(day)
    slots = list(line.slots(hours))
    if scheduled is None:
        begun = [(at, moment) for at, moment in slots if at <= now]
        if not begun:
            return Due(day, None, f"{flow} of {day} isn't due before {slots[0][0]:%H:%M}")
        at, moment = begun[-1]
        return Due(day, at, step=moment.step)
    for at, moment in slots:
        if at == scheduled:
            return Due(day, at, too_late(flow, at, moment, now), moment.step)
    return Due(
        day,
        None,
        f"{scheduled.astimezone(SEOUL):%H:%M} is no slot of {flow} on {day}, "
        f"{hours.open:%H:%M} to {hours.close:%H:%M}" + (f" ({hours.note})" if hours.note else ""),
    )


def too_late(flow: str, at: datetime, moment: Moment, now: datetime) -> str | None:
    """Why a run for the slot `at` is of no use any more, if it isn't."""
    if (late := now - at) <= moment.late:
        return None
    return (
        f"{flow} of {at:%Y-%m-%d %H:%M} is {late // _minutes(1)} minutes late, "
        f"{moment.late // _minutes(1)} at most are of use"
    )


SHOWN_BY: Final = {
    "end-of-day": "market_gate",
    "closing-bet": "closing_bet",
    "intraday": "daytrading",
}
"""The scanner whose completed run shows that a flow did its scan."""


def slot_of(flow: str, at: datetime | None) -> str:
    """The as-of slot that a run of `flow` for the moment `at` publishes."""
    if flow in ("net-buying", "settle"):
        return "final"
    return "close" if at is None or flow == "end-of-day" else f"{at.astimezone(SEOUL):%H:%M}"
