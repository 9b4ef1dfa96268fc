"""Who sweeps when: closing-bet has the calls first, and young snapshots serve twice."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flow_rooms import CALENDAR, LiveSample, at, in_flow, live_room, state_of

import flows.so_far
from db import Database
from db.repositories.snapshots import KeptSnapshot
from flows.intraday import run_intraday
from flows.room import Room
from flows.so_far import PATIENCE, POLL, market_now, shared_near_closing_bet
from market.clock import SEOUL, FixedClock
from market.schemas import DailyBars, IndexBars
from sources.protocol import Collected
from tasks.snapshot import read_before

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]

SESSION = date(2026, 3, 13)
BEFORE = CALENDAR.previous(SESSION)


class Counted(LiveSample):
    """Counts the sweeps."""

    sweeps = 0

    def sweep(self, session: date) -> Collected:
        self.sweeps += 1
        return super().sweep(session)


def room(db: Database, clock: str) -> Room:
    """The live sample market at that time of the session."""
    made = live_room(db, at(SESSION, clock))
    assert isinstance(made.clock, FixedClock)
    object.__setattr__(made, "source", Counted(made.clock))
    return made


def sweeps(room: Room) -> int:
    assert isinstance(room.source, Counted)
    return room.source.sweeps


def moment(clock: str) -> datetime:
    return datetime.combine(SESSION, time.fromisoformat(clock), SEOUL)


def keep(db: Database, at: datetime) -> None:
    """A snapshot as another run leaves it."""
    data = LiveSample(FixedClock(at)).sweep(SESSION).data
    seen = KeptSnapshot(
        SESSION, at, "kiwoom", DailyBars.cast(data.bars), IndexBars.cast(data.index_bars)
    )
    with db.transaction() as tx:
        tx.snapshots.add(seen)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of them in earnest."""
    made: list[float] = []
    monkeypatch.setattr(flows.so_far, "time", SimpleNamespace(sleep=made.append))
    return made


@pytest.mark.parametrize(
    ("clock", "near"),
    [
        ("15:03:59", False), ("15:04:00", True), ("15:07:30", True), ("15:07:31", False),
        ("15:10:59", False), ("15:11:00", True), ("15:14:30", True), ("15:14:31", False),
        ("09:05:00", False),
    ],
)  # fmt: skip
def test_from_a_minute_before_each_moment_of_closing_bet_intraday_waits_and_gives_up_in_words(
    database: Database, pauses: list[float], clock: str, near: bool
) -> None:
    here = room(database, clock)
    shared = in_flow(lambda: shared_near_closing_bet(here, SESSION))
    if near:
        slot = "15:05" if clock < "15:10" else "15:12"
        assert shared == f"closing-bet of {slot} has the calls, and no snapshot of it came"
        assert pauses == [POLL] * int(PATIENCE / POLL)
    else:
        assert shared is None
        assert pauses == []
    assert sweeps(here) == 0


def test_the_snapshot_that_closing_bet_makes_meanwhile_is_taken(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = room(database, "15:05:10")
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            keep(database, moment("15:05:03"))

    monkeypatch.setattr(flows.so_far, "time", SimpleNamespace(sleep=pause))
    shared: Any = in_flow(lambda: shared_near_closing_bet(here, SESSION))
    assert shared.at == moment("15:05:03")
    assert len(waited) == 2
    assert sweeps(here) == 0


def test_a_replay_has_no_calls_to_share(database: Database, pauses: list[float]) -> None:
    here = room(database, "15:05")
    object.__setattr__(here, "source_name", "replay")
    assert in_flow(lambda: shared_near_closing_bet(here, SESSION)) is None
    assert pauses == []


def test_an_intraday_run_without_closing_bet_s_snapshot_is_skipped_and_makes_no_call(
    database: Database, pauses: list[float]
) -> None:
    here = room(database, "15:05:05")
    state = state_of(lambda: run_intraday(here, SESSION, moment("15:05")))
    assert (state.name, state.message) == (
        "Skipped",
        "closing-bet of 15:05 has the calls, and no snapshot of it came",
    )
    assert sweeps(here) == 0
    with database.reader() as tx:
        assert tx.runs.recent(10) == []


@pytest.mark.parametrize(("age", "swept"), [(0, 0), (119, 0), (120, 0), (121, 1), (600, 1)])
def test_a_snapshot_of_at_most_two_minutes_is_taken_instead_of_a_sweep(
    database: Database, age: int, swept: int
) -> None:
    here = room(database, "15:12:00")
    keep(database, moment("15:12") - timedelta(seconds=age))

    def now() -> KeptSnapshot:
        before = read_before(database, CALENDAR, SESSION)
        return market_now(here, before, SESSION, share=True)

    seen = in_flow(now)
    assert sweeps(here) == swept
    assert seen.at == moment("15:12") - timedelta(seconds=0 if swept else age)


def test_no_snapshot_of_another_session_or_of_later_is_taken(database: Database) -> None:
    here = room(database, "15:12:00")
    keep(database, moment("15:12") + timedelta(seconds=30))
    in_flow(lambda: market_now(here, read_before(database, CALENDAR, SESSION), SESSION, share=True))
    assert sweeps(here) == 1
