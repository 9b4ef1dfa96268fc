"""The end-of-day and backfill flows on real Prefect, real PostgreSQL and a small sample market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import psycopg
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

import settings
from db import Database
from errors import BadMarketData
from flows.backfill import backfill as backfill_flow
from flows.backfill import run_backfill
from flows.end_of_day import end_of_day, run_end_of_day
from flows.room import Room
from flows.summary import RunSummary
from market.calendar import TradingCalendar
from market.clock import SystemClock
from market.data import MarketData
from market.schemas import DailyBars
from scanners.rules import Rules
from sources.sample import SampleSource

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

CALENDAR = TradingCalendar()
SESSIONS = CALENDAR.sessions(date(2026, 3, 2), date(2026, 3, 13))
TARGET = SESSIONS[-1]


class Altered:
    """The sample market with its bars changed on the way."""

    name = "sample"

    def __init__(self, change: Callable[[pl.DataFrame], pl.DataFrame] = lambda bars: bars) -> None:
        self._sample = SampleSource(CALENDAR, stocks=300)
        self._change = change

    def history(self, first: date, last: date) -> MarketData:
        data = self._sample.history(first, last)
        return replace(data, bars=DailyBars.cast(self._change(data.bars)))


@pytest.fixture
def room(database: Database) -> Room:
    return Room(
        settings=settings.Settings(source="sample"),
        calendar=CALENDAR,
        clock=SystemClock(),
        rules=Rules.from_mapping({}),
        db=database,
        source=Altered(),
        source_name="sample",
    )


def run(room: Room, session: date, *, accept_checks: bool = False) -> RunSummary:
    @flow(name="end-of-day-under-test")
    def under_test() -> RunSummary:
        return run_end_of_day(room, session, accept_checks=accept_checks)

    return under_test()


def backfill(room: Room, sessions: list[date], *, accept_checks: bool = False) -> RunSummary:
    @flow(name="backfill-under-test")
    def under_test() -> RunSummary:
        return run_backfill(room, sessions, accept_checks=accept_checks)

    return under_test()


def signals(db: Database, session: date) -> pl.DataFrame:
    with db.reader() as tx:
        return tx.signals.find(session=session, withdrawn=True).sort("scanner", "ticker")


def events(db: Database) -> list[dict[str, Any]]:
    """What clients are told of scans; that bars came is told too, as `data`."""
    with db.reader() as tx:
        return [event for event in tx.events.after(0) if event["topic"] != "data"]


def runs(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return tx.runs.recent(1000)


def test_a_session_is_collected_scanned_and_announced(room: Room) -> None:
    summary = run(room, TARGET)
    found = signals(room.db, TARGET)
    assert found.height == sum(s.signals for s in summary.scanners.values()) > 0
    assert {r["scanner"] for r in runs(room.db)} == {
        "vcp",
        "daytrading",
        "closing_bet",
        "market_gate",
    }
    assert {r["flow_run_id"] for r in runs(room.db)} == {summary.flow_run_id}
    announced = {e["topic"] for e in events(room.db)}
    assert announced == {f"signal:{s}" for s in found["scanner"].unique()} | {"market-gate"}
    for scanner in summary.scanners.values():
        listed = scanner.scanned + sum(scanner.left_out.values())
        assert listed == 300 - _not_listed(room, TARGET)
    with room.db.reader() as tx:
        gate = tx.gates.get(TARGET, "close")
    assert gate is not None
    assert gate["status"] == summary.market_gate


def _not_listed(room: Room, session: date) -> int:
    data = room.db.read_market_data(session, session)
    return 300 - data.bars["ticker"].n_unique()


def test_the_same_run_again_changes_only_the_runs(room: Room) -> None:
    run(room, TARGET)
    before, told, ran = signals(room.db, TARGET), events(room.db), len(runs(room.db))
    run(room, TARGET)
    assert signals(room.db, TARGET).equals(before)
    assert events(room.db) == told
    assert len(runs(room.db)) == ran + 4


@pytest.mark.slow
def test_missed_sessions_are_caught_up_in_order_and_announced_once(room: Room) -> None:
    run(room, SESSIONS[0])
    seen = len(events(room.db))
    summary = run(room, SESSIONS[3])
    assert list(summary.sessions) == SESSIONS[1:4]
    completed = [r["session"] for r in reversed(runs(room.db)) if r["scanner"] == "vcp"]
    assert completed == SESSIONS[:4]
    caught_up, *newest = events(room.db)[seen:]
    assert caught_up["kind"] == "scan_update"
    assert (caught_up["payload"]["from"], caught_up["payload"]["to"]) == (
        SESSIONS[1].isoformat(),
        SESSIONS[2].isoformat(),
    )
    assert {e["payload"]["session"] for e in newest} == {SESSIONS[3].isoformat()}


@pytest.mark.slow
def test_a_catch_up_finds_what_daily_runs_would_have_found(room: Room) -> None:
    for session in SESSIONS[:4]:
        run(room, session)
    columns = ["scanner", "ticker", "score", "out_of", "grade", "entry", "target", "stop"]
    daily = [signals(room.db, s).select(columns) for s in SESSIONS[1:4]]
    told = len(events(room.db))
    backfill(room, SESSIONS[1:4])
    for session, before in zip(SESSIONS[1:4], daily, strict=True):
        assert signals(room.db, session).select(columns).equals(before)
    assert events(room.db)[told:] == []


def test_a_backfill_announces_itself_once(room: Room) -> None:
    backfill(room, SESSIONS[:5])
    assert [e["kind"] for e in events(room.db)] == ["scan_update"]
    assert events(room.db)[0]["payload"]["sessions"] == 5


def without_a_tenth(bars: pl.DataFrame) -> pl.DataFrame:
    lost = (pl.col("session") == TARGET) & (pl.col("ticker").str.slice(4, 1) == "1")
    return bars.filter(~lost)


def test_refused_data_store_nothing_and_fail_the_run(room: Room) -> None:
    refused = replace(room, source=Altered(without_a_tenth))
    with pytest.raises(BadMarketData, match=r"coverage: \d+ of the \d+ stocks"):
        run(refused, TARGET)
    assert room.db.freshness().bars is None
    assert runs(room.db) == []
    assert events(room.db) == []


def test_a_person_may_accept_refused_data_and_the_run_says_so(room: Room) -> None:
    summary = run(replace(room, source=Altered(without_a_tenth)), TARGET, accept_checks=True)
    assert summary.state == "completed"
    assert "published although the checks refuse it: coverage" in summary.notes[0]
    recorded = runs(room.db)
    assert all(r["checks_accepted"] for r in recorded)
    assert all("coverage" in r["reason"] for r in recorded)


def test_a_backfill_says_of_each_session_whether_and_why_the_checks_refused_it(room: Room) -> None:
    backfill(replace(room, source=Altered(without_a_tenth)), SESSIONS[-2:], accept_checks=True)
    recorded = {(r["session"], r["checks_accepted"], r["reason"]) for r in runs(room.db)}
    plain, accepted = sorted(recorded)
    assert plain == (SESSIONS[-2], False, None)
    assert accepted[:2] == (TARGET, True)
    assert "coverage" in accepted[2]


@pytest.mark.slow
def test_what_later_steps_recorded_on_a_signal_stays(room: Room, postgres_url: str) -> None:
    run(room, TARGET)
    first = signals(room.db, TARGET)["id"][0]
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE signals SET status = 'filled' WHERE id = %s", [first])
    run(room, TARGET)
    again = signals(room.db, TARGET).filter(pl.col("id") == first)
    assert again["status"].to_list() == ["filled"]


@pytest.mark.slow
def test_other_rules_are_recorded_with_their_results(room: Room) -> None:
    run(room, TARGET)
    stricter = Rules.from_mapping({"vcp": {"min_grade": "S"}})
    summary = run(replace(room, rules=stricter), TARGET)
    assert summary.scanners["vcp"].signals <= summary.scanners["vcp"].grades["S"]
    hashes = [r["rules_hash"] for r in runs(room.db)]
    assert hashes == [stricter.hash] * 4 + [room.rules.hash] * 4
    assert stricter.hash != room.rules.hash


@pytest.mark.slow
def test_events_are_kept_as_long_as_the_setting_says(room: Room, postgres_url: str) -> None:
    run(room, SESSIONS[0])
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE events SET created_at = now() - interval '31 days'")
    run(room, SESSIONS[1])
    with room.db.reader() as tx:
        kept = tx.events.after(0)
    assert kept
    assert {e["payload"].get("session") for e in kept} <= {SESSIONS[1].isoformat(), None}


def test_a_failing_publication_leaves_nothing_and_fails_the_run(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.repositories.gates import Gates

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Gates, "replace", broken)
    with pytest.raises(RuntimeError, match="the disk is full"):
        run(room, TARGET)
    assert runs(room.db) == []
    assert signals(room.db, TARGET).is_empty()
    assert events(room.db) == []


def test_the_run_leaves_its_signals_gate_and_left_out_in_prefect(room: Room) -> None:
    summary = run(room, TARGET)
    only = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[summary.flow_run_id]))
    with get_client(sync_client=True) as client:
        left = client.read_artifacts(artifact_filter=only)
    assert {a.key for a in left} == {"signals", "left-out", "market-gate"}
    assert str(summary.market_gate) in str(next(a for a in left if a.key == "market-gate").data)


def test_a_backfill_that_fails_leaves_a_failed_run(
    monkeypatch: pytest.MonkeyPatch, database: Database, postgres_url: str
) -> None:
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", postgres_url)
    with pytest.raises(BadMarketData, match="none of the 2 sessions"):
        backfill_flow(first=SESSIONS[-2], last=TARGET, source="stored")
    (run,) = runs(database)
    assert (run["scanner"], run["session"], run["status"]) == ("backfill", TARGET, "failed")
    assert "none of the 2 sessions" in run["reason"]


def test_a_day_without_a_session_ends_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", postgres_url)
    state = end_of_day(session=date(2026, 7, 17), source="stored", return_state=True)
    assert state.is_completed()
    assert state.name == "Skipped"
    assert state.message == "2026-07-17 is no session: Constitution Day"
