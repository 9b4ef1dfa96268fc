"""A day that is played: nothing of it ends or falls away without a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest
from commands import Closebell
from flow_rooms import room_at

import flows.replay
from db import Database
from errors import SourceUnavailable
from flows.replay import PlayedRun, play
from flows.room import Room
from flows.summary import RunSummary
from market.clock import SEOUL, FixedClock
from sources.replay import ReplayClock
from tasks.replay import REPLAY

SESSION = date(2026, 3, 13)


def at(clock: str) -> datetime:
    return datetime.combine(SESSION, time.fromisoformat(clock), SEOUL)


class Played:
    """A day whose runs take `seconds` of the world each, prepared in `prepared` seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, speed: float, begin: str = "09:00") -> None:
        self.elapsed = 0.0
        self.seconds, self.prepared = 1.0, 0.0
        self.error: Exception | None = None
        self.clock = ReplayClock(at(begin), speed, elapsed=lambda: self.elapsed, sleep=self._pass)
        monkeypatch.setattr(flows.replay, "_outcome", self._outcome)
        monkeypatch.setattr(flows.replay, "_prepare", lambda *_: self._pass(self.prepared))

    def _pass(self, seconds: float) -> None:
        self.elapsed += seconds

    def _outcome(self, *_: object) -> RunSummary:
        self._pass(self.seconds)
        if self.error:
            raise self.error
        return RunSummary(state="completed", sessions=[SESSION], seconds=self.seconds)

    def play(self, until: time | None = None) -> list[PlayedRun]:
        told: list[PlayedRun] = []
        # Nothing that is opened is looked at: the runs are made up.
        room = replace(
            room_at(Database("postgresql://nowhere/none"), FixedClock(at("09:00"))),
            clock=self.clock,
            source_name=REPLAY,
        )
        assert isinstance(room, Room)
        assert play(room, until, told.append) == told
        return told


def named(runs: list[PlayedRun], state: str | None = None) -> list[str]:
    return [f"{run.slot:%H:%M} {run.flow}" for run in runs if state in (None, run.state)]


def test_a_whole_day_has_every_run_of_its_timetable(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Played(monkeypatch, speed=0).play()
    assert len(ran) == 2 + 75 + 3 + 1
    assert named(ran, "completed") == named(ran)
    assert named(ran)[:4] == [
        "09:02 exits", "09:05 intraday", "09:10 exits", "09:10 intraday",
    ]  # fmt: skip
    assert named(ran)[-3:] == ["15:15 intraday", "15:26 closing-bet", "15:31 end-of-day"]


def test_what_comes_too_late_is_said_and_the_close_is_scanned_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = Played(monkeypatch, speed=600)
    day.seconds = 20.0  # two hundred minutes of the clock, a run
    ran = day.play()
    assert named(ran) == named(Played(monkeypatch, speed=0).play())
    assert named(ran, "completed") == ["09:02 exits", "12:20 intraday", "15:31 end-of-day"]
    skipped = next(run for run in ran if run.state == "skipped")
    assert skipped.notes == (
        "intraday of 2026-03-13 09:05 is 197 minutes late, 4 at most are of use",
    )


def test_preparing_takes_no_time_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Played(monkeypatch, speed=60, begin="09:10")
    day.prepared = 600.0
    ran = day.play(until=time(9, 15))
    assert named(ran, "completed") == ["09:10 exits", "09:10 intraday", "09:15 intraday"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SourceUnavailable("replay: nothing to see"), "replay: nothing to see"),
        (TimeoutError("Scope timed out after 60 second(s)."), "timed out after 60 second"),
    ],
)
def test_a_run_that_fails_or_runs_out_of_time_is_told_and_the_day_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    day = Played(monkeypatch, speed=0)
    day.error = error
    ran = day.play(until=time(9, 10))
    assert named(ran, "failed") == [
        "09:02 exits",
        "09:05 intraday",
        "09:10 exits",
        "09:10 intraday",
    ]
    assert all(said in run.notes[0] for run in ran)


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_command_plays_the_sample_market_from_before_the_close_to_its_scan(
    tmp_path: Path,
) -> None:
    done = Closebell(tmp_path)("replay", "--speed", "0", "--from", "15:10", "--json", timeout=1700)
    assert (done.code, done.err) == (0, "")
    assert [(run["flow"], run["state"]) for run in done.json] == [
        ("intraday", "completed"),
        ("closing-bet", "completed"),
        ("intraday", "completed"),
        ("closing-bet", "completed"),
        ("end-of-day", "completed"),
    ]
