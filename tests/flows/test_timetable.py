"""Which run is due when, on every session of 2010 to 2026 and the days between."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.timetable import TIMETABLE, due, entry
from market.calendar import TradingCalendar
from market.clock import SEOUL

CALENDAR = TradingCalendar()
SESSIONS = CALENDAR.sessions(date(2010, 1, 1), date(2026, 12, 31))
FLOWS = [line.flow for line in TIMETABLE]
ORDINARY, LATE_OPEN, EXAM = date(2026, 3, 13), date(2026, 1, 2), date(2026, 11, 19)
CLOSED = date(2026, 7, 17)

flows = st.sampled_from(FLOWS)
sessions = st.sampled_from(SESSIONS)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), SEOUL)


def slots(flow: str, session: date) -> list[datetime]:
    return [moment for moment, _ in entry(flow).slots(CALENDAR.hours(session))]


def told(flow: str, session: date) -> list[str]:
    return [f"{moment:%H:%M}" for moment in slots(flow, session)]


@pytest.mark.parametrize(
    ("flow", "ordinary", "late_open", "exam"),
    [
        ("pre-open", "07:40", "08:40", "08:40"),
        ("morning", "08:10", "09:10", "09:10"),
        ("exits", "09:02 09:10", "10:02 10:10", "10:02 10:10"),
        ("closing-bet", "15:05 15:12 15:26", "15:05 15:12 15:26", "16:05 16:12 16:26"),
        ("end-of-day", "15:31", "15:31", "16:31"),
        ("net-buying", "18:40", "18:40", "19:40"),
        ("settle", "20:10", "20:10", "21:10"),
    ],
)
def test_the_times_of_each_kind_of_day(flow: str, ordinary: str, late_open: str, exam: str) -> None:
    assert told(flow, ORDINARY) == ordinary.split()
    assert told(flow, LATE_OPEN) == late_open.split()
    assert told(flow, EXAM) == exam.split()


@pytest.mark.parametrize(
    ("session", "first", "last", "runs"),
    [
        (ORDINARY, "09:05", "15:15", 75),
        (LATE_OPEN, "10:05", "15:15", 63),
        (EXAM, "10:05", "16:15", 75),
    ],
)
def test_intraday_comes_every_five_minutes(session: date, first: str, last: str, runs: int) -> None:
    found = slots("intraday", session)
    assert (f"{found[0]:%H:%M}", f"{found[-1]:%H:%M}", len(found)) == (first, last, runs)
    assert {b - a for a, b in itertools.pairwise(found)} == {timedelta(minutes=5)}


def test_the_steps_of_the_closing_bet_follow_their_times() -> None:
    steps = [due("closing-bet", s, CALENDAR, s).step for s in slots("closing-bet", EXAM)]
    assert steps == ["preview", "decision", "check"]


@pytest.mark.parametrize("flow", FLOWS)
def test_a_scheduled_run_at_its_slot_is_due_on_every_session(flow: str) -> None:
    for session in SESSIONS:
        found = slots(flow, session)
        assert found == sorted(set(found))
        for slot in (found[0], found[-1]):
            turn = due(flow, slot + timedelta(seconds=3), CALENDAR, slot.astimezone(UTC))
            assert (turn.session, turn.slot, turn.skip) == (session, slot, None)
            assert turn.slot is not None
            assert turn.slot.tzinfo is SEOUL


@given(flows, sessions, st.integers(0, 24 * 60 - 1))
def test_a_scheduled_run_at_any_other_minute_is_skipped_with_the_hours(
    flow: str, session: date, minute: int
) -> None:
    moment = at(session, "00:00") + timedelta(minutes=minute)
    turn = due(flow, moment, CALENDAR, moment)
    if moment in slots(flow, session):
        assert turn.skip is None
    else:
        assert turn.skip is not None
        assert f"{moment:%H:%M} is no slot of {flow} on {session}" in turn.skip


@given(flows, st.dates(date(2010, 1, 1), date(2026, 12, 31)), st.times(), st.booleans())
def test_a_closed_day_is_skipped_with_its_reason(
    flow: str, day: date, clock: time, scheduled: bool
) -> None:
    moment = datetime.combine(day, clock, SEOUL)
    turn = due(flow, moment, CALENDAR, moment if scheduled else None)
    if not CALENDAR.is_session(day):
        assert turn.slot is None
        assert turn.skip == f"{day} is no session: {CALENDAR.why_closed(day)}"


@given(flows, sessions, st.timedeltas(timedelta(), timedelta(days=3)))
def test_a_run_begins_as_late_as_its_line_allows_and_no_later(
    flow: str, session: date, late: timedelta
) -> None:
    for slot, moment in entry(flow).slots(CALENDAR.hours(session)):
        turn = due(flow, slot + late, CALENDAR, slot)
        assert (turn.skip is None) is (late <= moment.late)
        assert turn.session == session


@given(flows, sessions, st.times())
def test_a_person_s_run_stands_for_the_newest_slot_however_late(
    flow: str, session: date, clock: time
) -> None:
    now = datetime.combine(session, clock, SEOUL)
    turn = due(flow, now.astimezone(UTC), CALENDAR)
    begun = [slot for slot in slots(flow, session) if slot <= now]
    assert turn.slot == (begun[-1] if begun else None)
    assert (turn.skip is None) is bool(begun)


def test_a_late_intraday_run_skips_and_a_late_end_of_day_still_runs() -> None:
    slot = at(ORDINARY, "10:00")
    assert due("intraday", slot + timedelta(minutes=5), CALENDAR, slot).skip == (
        "intraday of 2026-03-13 10:00 is 5 minutes late, 4 at most are of use"
    )
    close = at(ORDINARY, "15:31")
    assert due("end-of-day", close + timedelta(hours=6), CALENDAR, close).skip is None


def test_the_run_of_the_other_timing_names_the_day_s_own_hours() -> None:
    early = at(EXAM, "15:31")
    assert due("end-of-day", early, CALENDAR, early).skip == (
        "15:31 is no slot of end-of-day on 2026-11-19, 10:00 to 16:30 "
        "(university entrance exam, everything later)"
    )
    assert "Constitution Day" in str(due("settle", at(CLOSED, "20:10"), CALENDAR).skip)


@given(sessions)
def test_a_late_run_never_reaches_into_the_next_one_of_its_kind(session: date) -> None:
    following = CALENDAR.next(session)
    for line in TIMETABLE:
        moments = list(line.slots(CALENDAR.hours(session)))
        after = [slot for slot, _ in moments[1:]] + slots(line.flow, following)[:1]
        for (slot, moment), then in zip(moments, after, strict=True):
            assert slot + moment.late < then


def test_a_run_that_must_make_room_ends_before_the_next_begins() -> None:
    assert [line.flow for line in TIMETABLE if line.collision == "CANCEL_NEW"] == ["intraday"]
    assert entry("intraday").every is not None
    assert entry("intraday").limit < entry("intraday").every
    assert [line.flow for line in TIMETABLE if line.priority == 1] == ["closing-bet"]


def test_an_unknown_flow_is_no_part_of_it() -> None:
    with pytest.raises(KeyError, match="brunch"):
        entry("brunch")
