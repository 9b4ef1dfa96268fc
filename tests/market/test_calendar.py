"""The trading calendar against the exchange's real sessions, and its rules one by one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import NotATradingSession
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock

GOLDEN = Path(__file__).parent / "golden" / "sessions.json"
CALENDAR = TradingCalendar()
KNOWN_DAYS = st.dates(date(1995, 5, 10), date(2060, 12, 31))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


def test_sessions_equal_every_real_one_since_1995(real_data: Path) -> None:
    real = pl.read_parquet(real_data / "sessions.parquet")["date"].to_list()
    assert len(real) == 7888
    assert CALENDAR.sessions(date(1995, 5, 2), date(2026, 8, 21)) == real


@pytest.mark.parametrize("year", ["2026", "2027"])
def test_closed_weekdays_and_months_of_a_year_are_the_published_ones(year: str) -> None:
    golden = json.loads(GOLDEN.read_text())[year]
    sessions = CALENDAR.sessions(date(int(year), 1, 1), date(int(year), 12, 31))
    weekdays = [date(int(year), 1, 1) + timedelta(n) for n in range(365)]
    closed = [d.isoformat() for d in weekdays if d.weekday() < 5 and d not in set(sessions)]
    assert closed == golden["closed_weekdays"]
    assert len(sessions) == golden["sessions"]
    months = [sum(d.month == month for d in sessions) for month in range(1, 13)]
    assert months == golden["sessions_by_month"]


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-06-03", "Local Election Day"),
        ("2026-07-17", "Constitution Day"),
        ("2027-05-03", "Alternative holiday for Labor Day"),
        ("2026-08-22", "Saturday"),
        ("2026-08-23", "Sunday"),
        ("2000-12-27", "closed by the exchange"),
    ],
)
def test_a_closed_day_says_why(day: str, why: str) -> None:
    assert not CALENDAR.is_session(date.fromisoformat(day))
    assert CALENDAR.why_closed(date.fromisoformat(day)) == why


def test_the_reason_is_in_english_whatever_the_users_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANGUAGE", "ko")
    assert TradingCalendar().why_closed(date(2026, 2, 17)) == "Korean New Year"


def test_a_session_has_no_reason_to_be_closed() -> None:
    assert CALENDAR.why_closed(date(2026, 8, 21)) == ""


def test_saturdays_were_sessions_until_the_five_day_week() -> None:
    assert CALENDAR.is_session(date(1998, 12, 5))
    assert not CALENDAR.is_session(date(1998, 12, 12))


def test_an_extra_holiday_closes_the_exchange() -> None:
    calendar = TradingCalendar(extra_holidays=[date(2026, 8, 21)])
    assert calendar.why_closed(date(2026, 8, 21)) == "closed by the setting extra_holidays"
    assert calendar.next(date(2026, 8, 20)) == date(2026, 8, 24)
    assert CALENDAR.is_session(date(2026, 8, 21))


def test_an_extra_holiday_on_the_first_session_moves_the_late_opening() -> None:
    calendar = TradingCalendar(extra_holidays=[date(2026, 1, 2)])
    assert calendar.hours(date(2026, 1, 5)).open == at("2026-01-05T10:00")


@pytest.mark.parametrize(
    ("day", "opens", "closes", "note"),
    [
        ("2026-03-20", "09:00", "15:30", None),
        ("2026-01-02", "10:00", "15:30", "first session of the year, opens late"),
        ("2024-11-14", "10:00", "16:30", "university entrance exam, everything later"),
        ("2025-11-13", "10:00", "16:30", "university entrance exam, everything later"),
        ("2026-11-19", "10:00", "16:30", "university entrance exam, everything later"),
        ("2027-11-18", "10:00", "16:30", "university entrance exam, everything later"),
        ("2014-11-13", "10:00", "16:00", "university entrance exam, everything later"),
        ("1997-11-19", "10:00", "15:30", "university entrance exam, everything later"),
        ("2016-07-29", "09:00", "15:00", None),
        ("2016-08-01", "09:00", "15:30", None),
        ("1998-12-04", "09:30", "15:00", None),
        ("1998-12-05", "09:30", "11:30", "Saturday, morning only"),
        ("1998-12-07", "09:00", "15:00", None),
        ("1995-05-02", "09:30", "15:00", None),
    ],
)
def test_hours_of_a_session(day: str, opens: str, closes: str, note: str | None) -> None:
    hours = CALENDAR.hours(date.fromisoformat(day))
    assert (hours.open, hours.close) == (at(f"{day}T{opens}"), at(f"{day}T{closes}"))
    assert hours.note == note


def test_every_exam_day_is_a_session() -> None:
    late = [s for s in CALENDAR.sessions(date(1995, 5, 2), date(2027, 12, 31)) if _exam(s)]
    assert len(late) == 34  # one a year for 33 years, and both days of 2017
    assert sum(day.year == 2017 for day in late) == 2


def _exam(session: date) -> bool:
    return "exam" in (CALENDAR.hours(session).note or "")


def test_hours_of_a_closed_day_are_refused_with_the_sessions_around_it() -> None:
    with pytest.raises(NotATradingSession, match=r"2026-06-03.*Local Election Day") as error:
        CALENDAR.hours(date(2026, 6, 3))
    assert error.value.remedy == "the sessions around it are 2026-06-02 and 2026-06-04"


@pytest.mark.parametrize("day", [date(1995, 5, 1), date(2101, 1, 3)])
def test_days_outside_the_known_years_are_refused(day: date) -> None:
    with pytest.raises(NotATradingSession, match="reaches from 1995-05-02 to 2100-12-31"):
        CALENDAR.is_session(day)


def test_there_is_no_session_before_the_first() -> None:
    with pytest.raises(NotATradingSession, match="1994-12-31"):
        CALENDAR.previous(date(1995, 5, 2))


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match="a date is needed"):
        CALENDAR.is_session(at("2026-03-20T00:00"))


@pytest.mark.parametrize(
    ("moment", "session", "closed"),
    [
        ("2026-03-20T08:59:59", "2026-03-19", "2026-03-19"),
        ("2026-03-20T09:00:00", "2026-03-20", "2026-03-19"),
        ("2026-03-20T15:29:59", "2026-03-20", "2026-03-19"),
        ("2026-03-20T15:30:00", "2026-03-20", "2026-03-20"),
        ("2026-03-20T23:59:59", "2026-03-20", "2026-03-20"),
        ("2026-03-22T12:00:00", "2026-03-20", "2026-03-20"),
        ("2026-01-02T09:30:00", "2025-12-30", "2025-12-30"),
        ("2026-01-02T10:00:00", "2026-01-02", "2025-12-30"),
        ("2026-11-19T09:59:59", "2026-11-18", "2026-11-18"),
        ("2026-11-19T15:30:00", "2026-11-19", "2026-11-18"),
        ("2026-11-19T16:30:00", "2026-11-19", "2026-11-19"),
        ("2026-06-03T12:00:00", "2026-06-02", "2026-06-02"),
    ],
)
def test_the_session_of_a_moment_and_the_last_closed_one(
    moment: str, session: str, closed: str
) -> None:
    assert CALENDAR.session_at(at(moment)) == date.fromisoformat(session)
    assert CALENDAR.last_closed(at(moment)) == date.fromisoformat(closed)


def test_a_minute_before_midnight_in_seoul_still_belongs_to_that_session() -> None:
    clock = FixedClock(datetime(2026, 3, 20, 14, 59, tzinfo=UTC))  # 23:59 in Seoul
    assert clock.now().time() == time(23, 59)
    assert CALENDAR.session_at(clock.now()) == date(2026, 3, 20)
    early = FixedClock(datetime(2026, 3, 19, 23, 59, tzinfo=UTC))  # 08:59 the next day in Seoul
    assert CALENDAR.session_at(early.now()) == date(2026, 3, 19)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 20, 12)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        CALENDAR.session_at(naive)
    with pytest.raises(ValueError, match="no time zone"):
        FixedClock(naive)


@given(KNOWN_DAYS)
def test_next_and_previous_are_neighbours(day: date) -> None:
    later, earlier = CALENDAR.next(day), CALENDAR.previous(day)
    assert earlier < day < later
    between = [] if not CALENDAR.is_session(day) else [day]
    assert CALENDAR.sessions(earlier, later) == [earlier, *between, later]


@given(KNOWN_DAYS, st.integers(0, 1200))
def test_a_range_holds_exactly_its_sessions(start: date, length: int) -> None:
    end = start + timedelta(length)
    each = (start + timedelta(n) for n in range(length + 1))
    assert CALENDAR.sessions(start, end) == [day for day in each if CALENDAR.is_session(day)]


def test_an_inverted_range_is_empty() -> None:
    assert CALENDAR.sessions(date(2026, 3, 20), date(2026, 3, 19)) == []


def test_asking_for_a_range_leaves_the_calendar_as_it_was() -> None:
    first = CALENDAR.sessions(date(2025, 12, 1), date(2026, 1, 31))
    first.clear()
    assert len(CALENDAR.sessions(date(2025, 12, 1), date(2026, 1, 31))) == 42


@pytest.mark.parametrize(
    ("slot", "moments"),
    [
        ("close", ["2026-11-18T06:30", "2026-11-19T07:30"]),
        ("final", ["2026-11-18T11:10", "2026-11-19T12:10"]),
        ("15:12", ["2026-11-18T06:12", "2026-11-19T06:12"]),
    ],
)
def test_a_schedule_gives_each_session_its_moment_in_utc(slot: str, moments: list[str]) -> None:
    schedule = CALENDAR.schedule(date(2026, 11, 18), date(2026, 11, 19), Slot.parse(slot))
    assert schedule["session"].to_list() == [date(2026, 11, 18), date(2026, 11, 19)]
    assert schedule["as_of"].to_list() == [
        datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments
    ]


def test_an_empty_schedule_keeps_its_columns() -> None:
    schedule = CALENDAR.schedule(date(2026, 3, 21), date(2026, 3, 22), Slot.CLOSE)
    assert schedule.height == 0
    assert schedule.columns == ["session", "as_of"]


@pytest.mark.parametrize("text", ["", "open", "9:00", "24:00", "15:60", "15:12:00"])
def test_a_text_that_is_no_slot_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no as-of slot"):
        Slot.parse(text)


def test_a_slot_reads_as_it_is_written() -> None:
    assert str(Slot.parse(" Close ")) == "close"
    assert Slot.parse("close") == Slot.CLOSE
    assert str(Slot.parse("09:20")) == "09:20"
