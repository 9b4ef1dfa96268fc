"""A real session within the day: what each scan knew, said and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from databases import emptied
from prefect import flow
from prefect.client.schemas.objects import State
from realdata import raw_market
from replayed import (
    BEFORE,
    RULES,
    SESSION,
    at,
    clock_at,
    history,
    largest,
    recorded,
    room_at,
    store,
)

import flows.turn
from db.database import Database
from errors import BadMarketData
from flows.intraday import intraday, run_intraday
from flows.room import Room
from market.schemas import DailyBars
from scanners.rules import Rules
from sources.protocol import Collected
from sources.replay import RecordedMarket, ReplaySource

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]

STOCKS = 150


@dataclass
class Day:
    """The session so far, in a database of its own, and its clock."""

    room: Room
    market: RecordedMarket
    tickers: list[str]

    @property
    def db(self) -> Database:
        return self.room.db

    def at(self, clock: str) -> Room:
        moment = clock_at(clock)
        source = ReplaySource(self.market, self.room.calendar, moment)
        return replace(self.room, clock=moment, source=source)

    def scan(self, clock: str, slot: str | None = None) -> State[Any]:
        room = self.at(clock)
        return run(lambda: run_intraday(room, SESSION, at(slot or clock)))

    def signals(self, slot: str) -> pl.DataFrame:
        with self.db.reader() as tx:
            return tx.signals.find(session=SESSION, slot=slot, withdrawn=True).sort("ticker")

    def events(self) -> list[dict[str, Any]]:
        with self.db.reader() as tx:
            return tx.events.after(0)

    def runs(self) -> list[dict[str, Any]]:
        with self.db.reader() as tx:
            return tx.runs.recent(1000)


def run(work: Callable[[], Any]) -> State[Any]:
    @flow(name="intraday-under-test")
    def under_test() -> Any:
        return work()

    return under_test(return_state=True)


@pytest.fixture
def day(postgres_url: str, real_data: Path) -> Iterator[Day]:
    with emptied(postgres_url) as database:
        tickers = largest(real_data, STOCKS)
        store(database, history(real_data, tickers))
        market = recorded(real_data, database)
        yield Day(room_at(market, database, clock_at("09:00")), market, tickers)


def test_a_scan_is_of_its_slot_and_tells_the_age_of_its_prices(day: Day) -> None:
    summary = day.scan("10:15").result()
    assert summary.notes[0] == "prices of 10:13:54, 66 s old"
    assert summary.notes[1] == "30% of the day's volume expected by then, by the rules' table"
    assert summary.market_gate == "GREEN"
    found = day.signals("10:15")
    assert found.height == summary.scanners["daytrading"].signals > 10
    assert set(found["status"]) == {"open"}
    assert found["preliminary"].all()
    row = found.row(by_predicate=pl.col("ticker") == "047040", named=True)
    assert (row["score"], row["out_of"], row["grade"], row["entry"]) == (60, 75, "A", 14_300)
    with day.db.reader() as tx:
        gate = tx.gates.get(SESSION, "10:15")
        assert tx.prices.latest(["005930"])["price"].to_list() == [205_750]
        assert tx.prices.indices()["name"].to_list() == ["KOSDAQ", "KOSPI"]
    assert gate is not None
    assert (gate["preliminary"], gate["kospi_close"]) == (True, 5851.65)
    assert {r["reason"] for r in day.runs()} == {"prices of 10:13:54, 66 s old"}
    told = [e["topic"] for e in day.events() if e["kind"] != "data_update"]
    assert told == ["signal:daytrading", "market-gate"]
    assert {"changed": ["instruments", "prices"]} in [e["payload"] for e in day.events()]


def test_no_bar_of_a_session_that_is_on_is_stored(day: Day) -> None:
    day.scan("10:15")
    assert day.db.freshness().bars.session == BEFORE
    data = day.db.read_market_data(SESSION, SESSION)
    assert data.bars.is_empty()
    assert data.index_bars.is_empty()
    with day.db.reader() as tx:
        assert tx.runs.completed("market_gate", SESSION, ("10:15",))
        assert not tx.runs.completed("market_gate", SESSION, ("close", "final"))


def test_volume_follows_the_time_of_the_prices_not_of_the_run(day: Day) -> None:
    early = day.scan("10:15").result()
    late = day.scan("11:10").result()
    assert late.notes[0] == "prices of 10:13:54, 56 min old"
    assert late.notes[1] == early.notes[1]
    columns = ["ticker", "score", "grade", "entry"]
    assert day.signals("11:10").select(columns).equals(day.signals("10:15").select(columns))
    assert set(day.signals("11:10")["change"]) == {"carried"}


class Early:
    """The first snapshot of the session, said to be of a quarter past nine."""

    def __init__(self, source: ReplaySource, market: RecordedMarket) -> None:
        self._source = source
        self._market = market

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def sweep(self, session: date) -> Collected:
        swept = self._source.sweep(session)
        return replace(swept, collected_at=at("09:15"))


def test_before_twenty_past_nine_nobody_is_graded_and_the_watch_list_stands(day: Day) -> None:
    room = day.at("09:40")
    room = replace(
        room, source=Early(ReplaySource(day.market, room.calendar, room.clock), day.market)
    )
    summary = run(lambda: run_intraday(room, SESSION, at("09:15"))).result()
    assert summary.scanners["daytrading"].grades == {"S": 0, "A": 0, "B": 0, "C": 24}
    assert summary.market_gate == "GREEN"
    by_name = {r["scanner"]: r for r in day.runs()}
    assert by_name["daytrading"]["status"] == "skipped"
    assert by_name["daytrading"]["reason"].startswith("volume so far says nothing yet")
    assert by_name["market_gate"]["status"] == "completed"
    assert [e["topic"] for e in day.events() if e["kind"] != "data_update"] == ["market-gate"]


def test_the_watch_list_of_the_close_is_confirmed_by_the_scan(day: Day) -> None:
    from db.repositories.runs import NewRun

    first = day.scan("10:15").result()
    found = day.signals("10:15")
    watched = found["ticker"].to_list()[:3]
    frame = found.filter(pl.col("ticker").is_in(watched)).with_columns(
        session=pl.lit(BEFORE), change=pl.lit(0.01), reasons=pl.lit([], pl.List(pl.String)),
        flags=pl.lit([], pl.List(pl.String)),
    )  # fmt: skip
    with day.db.transaction() as tx:
        [number] = tx.runs.add(
            [
                NewRun(
                    scanner="daytrading", session=BEFORE, slot="close", status="completed",
                    rules_hash="x", rules_version="1", source="test", scanned=3, grades={},
                    left_out={}, seconds=0.0,
                )
            ]
        )  # fmt: skip
        tx.signals.replace(
            "daytrading", "close", {BEFORE: number}, frame, rules_hash="x", status="watch"
        )
    summary = day.scan("11:10").result()
    assert "3 of 3 stocks watched since 2026-03-17 are confirmed" in summary.notes
    assert summary.scanners["daytrading"].signals == first.scanners["daytrading"].signals
    word = f"on the watch list of {BEFORE}"
    confirmed = day.signals("11:10").filter(pl.col("reasons").str.contains(word))
    assert sorted(confirmed["ticker"]) == sorted(watched)


def test_a_scan_is_not_changed_by_what_came_later(day: Day, real_data: Path) -> None:
    day.scan("10:15")
    before, told = day.signals("10:15"), len(day.events())
    day.scan("15:05")
    closed = raw_market(real_data, SESSION, date(2026, 3, 20), day.tickers)
    seen = pl.lit(datetime(2026, 3, 20, 11, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    with day.db.transaction() as tx:
        tx.bars.store(DailyBars.cast(closed.bars.with_columns(collected_at=seen)))
        tx.index_bars.store(closed.index_bars)
    later = len(day.events())
    assert later > told
    day.scan("10:15")
    assert day.signals("10:15").equals(before)
    assert len(day.events()) == later


def test_a_run_that_dies_before_publishing_leaves_a_snapshot_and_nothing_else(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.repositories.gates import Gates

    def killed(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Gates, "replace", killed)
        assert day.scan("10:15").is_failed()
    assert day.signals("10:15").is_empty()
    assert day.runs() == []
    with day.db.reader() as tx:
        assert len(tx.snapshots.of(SESSION)) == 1
    day.scan("10:15")
    assert day.signals("10:15").height > 10
    with day.db.reader() as tx:
        assert len(tx.snapshots.of(SESSION)) == 1


def test_a_sweep_that_lacks_stocks_is_not_used(day: Day) -> None:
    room = day.at("10:15")

    class Half(Early):
        def sweep(self, session: date) -> Collected:
            swept = self._source.sweep(session)
            half = swept.data.bars.filter(pl.col("ticker") < "100000")
            return replace(swept, data=replace(swept.data, bars=DailyBars.cast(half)))

    broken = Half(ReplaySource(day.market, room.calendar, room.clock), day.market)
    room = replace(room, source=broken)
    state = run(lambda: run_intraday(room, SESSION, at("10:15")))
    with pytest.raises(BadMarketData, match=r"isn't used: coverage: \d+ of the 150 stocks"):
        state.result()
    with day.db.reader() as tx:
        assert tx.snapshots.of(SESSION) == []
    assert day.runs() == []


@pytest.fixture
def replayed(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, real_data: Path, tmp_path: Path
) -> pytest.MonkeyPatch:
    config = tmp_path / "closebell.toml"
    config.write_text("[rules.universe]\nmax_missing = 8\n")
    for name, value in {
        "CLOSEBELL_CONFIG": str(config),
        "CLOSEBELL_DATABASE_URL": postgres_url,
        "CLOSEBELL_REPLAY_FILE": str(real_data / "intraday_snapshots_2026_03.parquet"),
        "CLOSEBELL_REPLAY_SESSION": SESSION.isoformat(),
        "CLOSEBELL_REPLAY_SPEED": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_run_by_hand_takes_the_newest_slot_of_the_replay(
    day: Day, replayed: pytest.MonkeyPatch
) -> None:
    replayed.setenv("CLOSEBELL_REPLAY_FROM", "10:18")
    state = intraday(source="replay", return_state=True)
    assert state.result().notes[0] == "prices of 10:13:54, 4 min old"
    assert day.signals("10:15").height > 10
    assert Rules.from_mapping(RULES).hash in {r["rules_hash"] for r in day.runs()}


def test_a_run_that_begins_after_its_slot_is_skipped(
    day: Day, replayed: pytest.MonkeyPatch
) -> None:
    replayed.setenv("CLOSEBELL_REPLAY_FROM", "10:25")
    replayed.setattr(flows.turn, "scheduled_for", lambda: at("10:15"))
    state = intraday(source="replay", return_state=True)
    assert (state.name, state.message) == (
        "Skipped",
        "intraday of 2026-03-18 10:15 is 10 minutes late, 4 at most are of use",
    )
    assert day.runs() == []
