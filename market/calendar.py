"""When the Korea Exchange (XKRX) trades: its sessions and their hours, in Asia/Seoul."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import dataframely as dy
import polars as pl
from holidays import HolidayBase, financial_holidays

from errors import NotATradingSession
from market import history
from market.asof import Slot
from market.clock import SEOUL
from market.schemas import Schedule

DAY = timedelta(days=1)


@dataclass(frozen=True)
class SessionHours:
    """A session's regular trading hours: aware datetimes in Asia/Seoul.

    `note` says why the hours are unusual, and is None on an ordinary day.
    """

    session: date
    open: datetime
    close: datetime
    note: str | None = None


class TradingCalendar:
    """Every session from 1995-05-02 to the last year the `holidays` library knows (2100).

    `first` and `last` are the first and last day it can say anything about.
    Coming years hold only the closures that follow from today's law: an election called or a
    holiday declared later arrives with a new release of `holidays`, or by `extra_holidays`.
    """

    def __init__(self, extra_holidays: Iterable[date] = ()) -> None:
        self._extra = frozenset(extra_holidays)
        self.first = history.FIRST_SESSION
        self.last = date(financial_holidays("XKRX").end_year, 12, 31)
        self._years: dict[int, list[date]] = {}

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on `day`.

        Raises:
            NotATradingSession: `day` lies outside the years the calendar knows.
        """
        sessions = self._year(day)
        at = bisect_left(sessions, day)
        return at < len(sessions) and sessions[at] == day

    def sessions(self, start: date, end: date) -> list[date]:
        """All sessions from `start` to `end`, both included; empty when start > end."""
        if start > end:
            return []
        first, last = self._year(start), self._year(end)
        if first is last:
            return first[bisect_left(first, start) : bisect_right(first, end)]
        found = first[bisect_left(first, start) :]
        for year in range(start.year + 1, end.year):
            found += self._year(date(year, 12, 31))
        return found + last[: bisect_right(last, end)]

    def next(self, day: date) -> date:
        """The first session after `day` (a session or not)."""
        sessions = self._year(day)
        at = bisect_right(sessions, day)
        return sessions[at] if at < len(sessions) else self._year(date(day.year + 1, 1, 1))[0]

    def previous(self, day: date) -> date:
        """The last session before `day` (a session or not)."""
        sessions = self._year(day)
        at = bisect_left(sessions, day)
        return sessions[at - 1] if at else self._year(date(day.year - 1, 12, 31))[-1]

    def hours(self, session: date) -> SessionHours:
        """Opening and closing time of a session.

        Before 2000-05-22 there was a lunch break, which is not given. The two-hour Saturdays
        until 1998 and the late first opening of the years before 1999 are unconfirmed.

        Raises:
            NotATradingSession: the exchange is closed that day.
        """
        self.require(session)
        opens, closes, note = _hours(session, first=self._year(session)[0] == session)
        return SessionHours(
            session,
            datetime.combine(session, opens, SEOUL),
            datetime.combine(session, closes, SEOUL),
            note,
        )

    def require(self, day: date) -> date:
        """`day` itself if it is a session.

        Raises:
            NotATradingSession: it isn't; says why and names the sessions around it.
        """
        if self.is_session(day):
            return day
        raise NotATradingSession(
            f"{day} is no session of the Korea Exchange: {self.why_closed(day)}",
            remedy=f"the sessions around it are {self.previous(day)} and {self.next(day)}",
        )

    def session_at(self, moment: datetime) -> date:
        """The session a moment belongs to: that day's from its opening on, else the one before."""
        day = _local_day(moment)
        if self.is_session(day) and self.hours(day).open <= moment:
            return day
        return self.previous(day)

    def last_closed(self, moment: datetime) -> date:
        """The newest session whose close is not after `moment`."""
        day = _local_day(moment)
        if self.is_session(day) and self.hours(day).close <= moment:
            return day
        return self.previous(day)

    def schedule(self, start: date, end: date, slot: Slot) -> dy.DataFrame[Schedule]:
        """Every session from `start` to `end` and the moment (UTC) its `slot` stands for."""
        sessions = self.sessions(start, end)
        moments = [slot.moment(self.hours(session)).astimezone(UTC) for session in sessions]
        frame = pl.DataFrame(
            {"session": sessions, "as_of": moments},
            schema={"session": pl.Date, "as_of": pl.Datetime("us", "UTC")},
        )
        return Schedule.validate(frame)

    def why_closed(self, day: date) -> str:
        """Why the exchange doesn't trade on `day`, in words; empty for a session."""
        if self.is_session(day):
            return ""
        if day in self._extra:
            return "closed by the setting extra_holidays"
        if day.weekday() >= 5:
            return day.strftime("%A")
        name = history.OVERRIDES.get(day) or _library(day.year).get(day)
        return name or "closed by the exchange"

    def _year(self, day: date) -> list[date]:
        if isinstance(day, datetime):
            raise TypeError(f"a date is needed, not the moment {day}")
        if not self.first <= day <= self.last:
            raise NotATradingSession(
                f"nothing is known of {day}: the calendar reaches from {self.first} to {self.last}"
            )
        if day.year not in self._years:
            self._years[day.year] = self._sessions_of(day.year)
        return self._years[day.year]

    def _sessions_of(self, year: int) -> list[date]:
        closed = _closed_days(year) | self._extra
        day = max(date(year, 1, 1), history.FIRST_SESSION)
        days = (day + n * DAY for n in range((date(year, 12, 31) - day).days + 1))
        return [d for d in days if d.weekday() < _week_length(d) and d not in closed]


def _closed_days(year: int) -> frozenset[date]:
    if year <= history.LAST_TABLED_YEAR:
        listed = history.CLOSED[year].split()
        return frozenset(date(year, int(day[:2]), int(day[2:])) for day in listed)
    return frozenset(_library(year)) | frozenset(history.OVERRIDES)


def _library(year: int) -> HolidayBase:
    return financial_holidays("XKRX", years=year, language="en_US")  # else the user's own


def _week_length(day: date) -> int:
    return 6 if day < history.FIVE_DAY_WEEK else 5


def _hours(session: date, *, first: bool) -> tuple[time, time, str | None]:
    # https://blog.naver.com/daishin_blog/220724111002 lists the changes of the hours:
    # 1995-01-01 09:30-15:00, 1998-12-07 09:00-15:00, 2016-08-01 09:00-15:30.
    opens = time(9, 0) if session >= history.FIVE_DAY_WEEK else time(9, 30)
    closes = time(15, 30) if session >= date(2016, 8, 1) else time(15, 0)
    if session.weekday() == 5:
        return opens, time(11, 30), "Saturday, morning only"
    if session in history.EXAM_DAYS:
        # Half an hour later until 1998 comes to the same opening at 10:00.
        shift = timedelta(hours=1) if session.year >= 1999 else timedelta(minutes=30)
        return time(10, 0), _later(closes, shift), "university entrance exam, everything later"
    if first and session != history.FIRST_SESSION:
        return time(10, 0), closes, "first session of the year, opens late"
    return opens, closes, None


def _later(clock: time, shift: timedelta) -> time:
    return (datetime.combine(date.min, clock) + shift).time()


def _local_day(moment: datetime) -> date:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(SEOUL).date()
