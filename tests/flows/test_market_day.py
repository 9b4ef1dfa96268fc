"""A market day by a simulated clock: its schedules start exactly the runs that are promised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from importlib import import_module

import pytest
from prefect.client.schemas.objects import State
from schedules import DEPLOYMENTS, starts

import flows.turn
from errors import ClosebellError, DatabaseUnavailable
from flows.turn import BY_SCHEDULE, Outcome, in_turn, scheduled_for
from market.calendar import TradingCalendar
from market.clock import Clock, FixedClock

ORDINARY, LATE_OPEN, EXAM = date(2026, 3, 13), date(2026, 1, 2), date(2026, 11, 19)
HOLIDAY = date(2026, 7, 17)
COLD_START = timedelta(seconds=4)


@pytest.fixture(autouse=True)
def live_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEBELL_SOURCE", "kiwoom")


class Begun(Exception):
    """The run has opened its room: it is at work."""


class Day:
    """Runs all scheduled runs of a day; `down` are flows whose services don't answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, day: date, down: frozenset[str]) -> None:
        self._patch, self._day, self._down = monkeypatch, day, down
        self.begun: dict[str, list[str]] = {}
        self.skipped: dict[str, set[str]] = {}
        self.failed: list[str] = []

    def run(self) -> Day:
        runs = [(moment, flow) for flow in DEPLOYMENTS for moment in starts(flow, self._day)]
        for moment, flow in sorted(runs):
            self._run(flow, moment)
        return self

    def _run(self, flow: str, moment: datetime) -> None:
        clock: Clock = FixedClock(moment + COLD_START)

        @contextmanager
        def opened(*_: object, **__: object) -> Iterator[None]:
            if flow in self._down:
                raise DatabaseUnavailable("nobody answers")
            raise Begun
            yield

        self._patch.setattr(flows.turn, "opened", opened)
        self._patch.setattr(flows.turn, "clock_of", lambda *_: clock)
        self._patch.setattr(flows.turn, "scheduled_for", lambda: moment)
        module, name = DEPLOYMENTS[flow]["entrypoint"].split(":")
        try:
            outcome: Outcome = getattr(import_module(module), name).fn()
        except Begun:
            self.begun.setdefault(flow, []).append(f"{moment:%H:%M}")
        except ClosebellError:
            self.begun.setdefault(flow, []).append(f"{moment:%H:%M}")
            self.failed.append(flow)
        else:
            assert isinstance(outcome, State)
            assert outcome.name == "Skipped"
            self.skipped.setdefault(str(outcome.message), set()).add(flow)


def every_five(first: str, last: str) -> list[str]:
    moment, end = (datetime.fromisoformat(f"2026-01-01T{clock}") for clock in (first, last))
    found = []
    while moment <= end:
        found.append(f"{moment:%H:%M}")
        moment += timedelta(minutes=5)
    return found


PROMISED = {
    ORDINARY: {
        "pre-open": ["07:40"],
        "morning": ["08:10"],
        "exits": ["09:02", "09:10"],
        "intraday": every_five("09:05", "15:15"),
        "closing-bet": ["15:05", "15:12", "15:26"],
        "end-of-day": ["15:31"],
        "net-buying": ["18:40"],
        "settle": ["20:10"],
    },
    LATE_OPEN: {
        "pre-open": ["08:40"],
        "morning": ["09:10"],
        "exits": ["10:02", "10:10"],
        "intraday": every_five("10:05", "15:15"),
        "closing-bet": ["15:05", "15:12", "15:26"],
        "end-of-day": ["15:31"],
        "net-buying": ["18:40"],
        "settle": ["20:10"],
    },
    EXAM: {
        "pre-open": ["08:40"],
        "morning": ["09:10"],
        "exits": ["10:02", "10:10"],
        "intraday": every_five("10:05", "16:15"),
        "closing-bet": ["16:05", "16:12", "16:26"],
        "end-of-day": ["16:31"],
        "net-buying": ["19:40"],
        "settle": ["21:10"],
    },
}


@pytest.mark.parametrize("day", PROMISED, ids=["ordinary", "late open", "exam"])
@pytest.mark.parametrize(
    "down", [frozenset(), frozenset({"pre-open", "exits", "intraday", "net-buying"})],
    ids=["all well", "half the services down"],
)  # fmt: skip
def test_a_session_starts_exactly_the_runs_that_are_promised(
    monkeypatch: pytest.MonkeyPatch, day: date, down: frozenset[str]
) -> None:
    ran = Day(monkeypatch, day, down).run()
    assert ran.begun == PROMISED[day]
    assert set(ran.failed) == down
    assert all("is no slot of" in reason for reason in ran.skipped)


def test_on_an_ordinary_session_nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Day(monkeypatch, ORDINARY, frozenset()).run().skipped == {}


def test_on_a_holiday_every_run_is_skipped_with_its_name_though_all_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = Day(monkeypatch, HOLIDAY, frozenset(DEPLOYMENTS)).run()
    assert ran.begun == {}
    assert ran.skipped == {"2026-07-17 is no session: Constitution Day": set(DEPLOYMENTS)}


@pytest.mark.parametrize(
    ("late", "begins"),
    [
        (timedelta(minutes=5), {"end-of-day"}),
        (timedelta(hours=3), {"end-of-day"}),
        (timedelta(hours=17), set()),
    ],
)
def test_late_runs_are_treated_as_the_timetable_says(
    monkeypatch: pytest.MonkeyPatch, late: timedelta, begins: set[str]
) -> None:
    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[None]:
        raise Begun
        yield

    monkeypatch.setattr(flows.turn, "opened", opened)
    begun = set()
    for flow, clock in (("intraday", "15:10"), ("closing-bet", "15:12"), ("end-of-day", "15:31")):
        moment = datetime.fromisoformat(f"{ORDINARY}T{clock}+09:00")
        monkeypatch.setattr(flows.turn, "scheduled_for", lambda at=moment: at)
        try:
            outcome = in_turn(flow, _never, clock=FixedClock(moment + late))
        except Begun:
            begun.add(flow)
        else:
            assert isinstance(outcome, State)
            assert "late" in str(outcome.message)
    assert begun == begins


def _never(*_: object) -> Outcome:
    raise AssertionError("no room was opened")


def test_prefect_s_own_mark_tells_a_schedule_s_run_from_a_person_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime.fromisoformat("2026-03-13T10:00:00+09:00")
    monkeypatch.setattr("flows.turn.flow_run.get_scheduled_start_time", lambda: moment)
    monkeypatch.setattr("flows.turn.flow_run.get_tags", lambda: [BY_SCHEDULE, "closebell"])
    assert scheduled_for() == moment
    monkeypatch.setattr("flows.turn.flow_run.get_tags", lambda: ["closebell"])
    assert scheduled_for() is None


def test_a_person_may_prepare_a_session_early_but_not_scan_what_has_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flows.turn, "scheduled_for", lambda: None)
    early = datetime.fromisoformat("2026-03-13T06:30:00+09:00")
    calendar = TradingCalendar()
    assert flows.turn.turn_of("pre-open", calendar, early, any_time=True).skip is None
    told = flows.turn.turn_of("intraday", calendar, early).skip
    assert told == "intraday of 2026-03-13 isn't due before 09:05"
