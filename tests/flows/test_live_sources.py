"""Runs that collect from providers: real HTTP, real PostgreSQL, the sample market behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl
import pytest
from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from fake_open_apis import KEY, FakeDart
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

import settings
from db import Database
from errors import SourceNotConfigured
from flows.end_of_day import run_end_of_day
from flows.room import Room
from flows.summary import RunSummary
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.data import MarketData
from scanners.rules import Rules
from sources.protocol import LiveSource
from sources.sample import SampleSource
from tasks.listing import listing_step
from tasks.sources import open_source

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

CALENDAR = TradingCalendar()
LAST = date(2026, 11, 20)
BEFORE = CALENDAR.previous(LAST)
RATE = 2000.0


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return SampleSource(CALENDAR, stocks=90).history(date(2025, 9, 1), LAST)


@pytest.fixture
def kiwoom(sample: MarketData) -> Iterator[FakeKiwoom]:
    market = replace(kiwoom_of(sample, LAST), net_buying_session=BEFORE)
    with FakeKiwoom(market, speed=RATE) as running:
        yield running


@pytest.fixture
def dart() -> Iterator[FakeDart]:
    with FakeDart() as running:
        yield running


def filed(ticker: str, report: str, number: int, day: date = LAST) -> dict[str, str]:
    return {
        "corp_code": "00126380",
        "corp_name": "시험",
        "stock_code": ticker,
        "corp_cls": "Y",
        "report_nm": report,
        "rcept_no": f"{day:%Y%m%d}{number:06d}",
        "flr_nm": "시험",
        "rcept_dt": f"{day:%Y%m%d}",
        "rm": "",
    }


def configured(kiwoom: FakeKiwoom, dart: FakeDart | None = None, **more: Any) -> settings.Settings:
    news = {"dart_key": KEY, "dart_base_url": dart.url} if dart else {}
    return settings.Settings(
        source="kiwoom",
        kiwoom_app_key=APP_KEY,
        kiwoom_secret_key=SECRET_KEY,
        kiwoom_base_url=kiwoom.url,
        kiwoom_calls_per_second=RATE,
        kiwoom_total_per_second=5 * RATE,
        dart_calls_per_second=RATE,
        http_attempts=2,
        **{**news, **more},
    )


@contextmanager
def a_room(
    database: Database,
    config: settings.Settings,
    session: date = LAST,
    after_close: timedelta = timedelta(seconds=90),
) -> Iterator[Room]:
    clock = FixedClock(CALENDAR.hours(session).close + after_close)
    with open_source("kiwoom", config, CALENDAR, database, clock) as source:
        yield Room(
            settings=config,
            calendar=CALENDAR,
            clock=clock,
            rules=Rules.from_mapping({}),
            db=database,
            source=source,
            source_name="kiwoom",
        )


def run(room: Room, session: date = LAST) -> RunSummary:
    @flow(name="end-of-day-from-providers")
    def under_test() -> RunSummary:
        return run_end_of_day(room, session)

    return under_test()


def stored(database: Database) -> MarketData:
    return database.read_market_data(CALENDAR.sessions(LAST - timedelta(20), LAST)[0], LAST)


def test_an_evening_with_kiwoom_and_dart_publishes_signals(
    database: Database, kiwoom: FakeKiwoom, dart: FakeDart, sample: MarketData
) -> None:
    ticker = sample.bars["ticker"][0]
    dart.filed = [filed(ticker, "단일판매ㆍ공급계약체결", 1), filed(ticker, "유상증자결정", 2)]
    with a_room(database, configured(kiwoom, dart)) as room:
        summary = run(room)
    assert summary.state == "completed"
    assert summary.notes == []
    assert summary.market_gate in ("GREEN", "YELLOW", "RED")
    assert summary.scanners["vcp"].scanned > 60
    with database.reader() as tx:
        signals = tx.signals.find(session=LAST, withdrawn=True)
        states = {report.name: report for report in tx.sources.reports()}
    assert signals.height == sum(s.signals for s in summary.scanners.values()) > 0
    data = stored(database)
    own = sample.bars.filter(pl.col("session") == LAST).select("ticker", "open", "close", "volume")
    mine = data.bars.filter(pl.col("session") == LAST).select("ticker", "open", "close", "volume")
    assert mine.sort("ticker").equals(own.join(mine.select("ticker"), on="ticker").sort("ticker"))
    assert data.net_buying.filter(pl.col("session") == BEFORE).height > 80
    assert kiwoom.refused() == 0
    assert (states["kiwoom"].state, states["dart"].state) == ("ok", "ok")
    assert states["kiwoom"].calls == len(kiwoom.calls)
    assert states["krx"].state == "not configured"
    only = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[summary.flow_run_id]))
    with get_client(sync_client=True) as prefect:
        [left] = [a for a in prefect.read_artifacts(artifact_filter=only) if a.key == "sources"]
    told = {row["source"]: row["state"] for row in json.loads(str(left.data))}
    assert told == {
        "dart": "ok",
        "kiwoom": "ok",
        "kiwoom net buying": "ok",
        "krx": "not configured",
        "naver": "not configured",
    }


def test_what_is_stored_is_not_asked_for_again(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    two_before = CALENDAR.previous(BEFORE)
    kiwoom.market = replace(kiwoom_of(sample, BEFORE), net_buying_session=two_before)
    config = configured(kiwoom)
    with a_room(database, config, BEFORE) as room:
        run(room, BEFORE)
    assert len(kiwoom.of("ka10081")) > 80
    kiwoom.calls.clear()
    kiwoom.market = replace(kiwoom_of(sample, LAST), net_buying_session=BEFORE)
    with a_room(database, config) as room:
        run(room)
        assert kiwoom.of("ka10081") == []
        assert len(kiwoom.of("ka20002")) == 2
        kiwoom.calls.clear()
        run(room)
    assert kiwoom.calls == []


def test_a_source_of_news_that_fails_is_degraded_and_the_scan_goes_on(
    database: Database, kiwoom: FakeKiwoom, dart: FakeDart
) -> None:
    dart.status = "800"
    config = configured(kiwoom, dart)
    with a_room(database, config) as room:
        summary = run(room)
        assert summary.state == "completed"
        [note] = summary.notes
        assert note.startswith("dart is degraded, the news part is missing: dart list.json")
        with database.reader() as tx:
            report = tx.sources.get("dart")
            signals = tx.signals.find(session=LAST, withdrawn=True)
        assert report
        assert (report.state, report.last_success) == ("degraded", None)
        assert "maintenance" in str(report.last_error)
        bets = signals.filter(pl.col("scanner") == "closing_bet")
        assert (bets["out_of"] <= 9).all()  # of 12, 3 are for news
        dart.status = "000"
        assert run(room).notes == []
    with database.reader() as tx:
        report = tx.sources.get("dart")
    assert report
    assert report.state == "ok"


def test_the_first_reading_of_news_reaches_back_a_week_and_the_next_one_to_the_last(
    database: Database, kiwoom: FakeKiwoom, dart: FakeDart
) -> None:
    with a_room(database, configured(kiwoom, dart)) as room:
        run(room)
        days = [asked.query["bgn_de"] for asked in dart.asked]
        assert (days[0], days[-1], len(days)) == ("20261113", "20261120", 8)
        dart.asked.clear()
        run(room)
    assert [asked.query["bgn_de"] for asked in dart.asked] == ["20261120"]


def test_a_late_run_takes_the_session_stock_by_stock(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    with a_room(database, configured(kiwoom), after_close=timedelta(minutes=50)) as room:
        summary = run(room)
    assert summary.state == "completed"
    assert kiwoom.of("ka20002") == []
    close = stored(database).bars.filter(pl.col("session") == LAST).select("ticker", "close")
    others = sample.instruments.filter((pl.col("kind") == "etf") | (pl.col("market") == "KONEX"))[
        "ticker"
    ].implode()
    own = sample.bars.filter((pl.col("session") == LAST) & ~pl.col("ticker").is_in(others))
    assert close.sort("ticker").equals(own.select("ticker", "close").sort("ticker"))


def designated(database: Database, session: date) -> list[tuple[str, str]]:
    """ticker and flag, as they are known to be in force in a session."""
    flags = database.read_market_data(session, session).flags
    over = pl.col("until").is_not_null() & (pl.col("until") <= session)
    return sorted(flags.filter(~over).select("ticker", pl.col("flag").cast(pl.String)).rows())


def list_before_the_open(database: Database, kiwoom: FakeKiwoom, session: date) -> None:
    before = CALENDAR.hours(session).open - CALENDAR.hours(session).close - timedelta(minutes=80)
    with a_room(database, configured(kiwoom), session, before) as room:
        assert isinstance(room.source, LiveSource)
        listing_step.fn(database, room.source, session)


def test_a_late_run_leaves_the_designations_as_the_morning_told_them(
    database: Database, kiwoom: FakeKiwoom
) -> None:
    list_before_the_open(database, kiwoom, LAST)
    told = designated(database, LAST)
    assert "administrative" in {flag for _, flag in told}
    with a_room(database, configured(kiwoom), after_close=timedelta(minutes=50)) as room:
        run(room)
    assert designated(database, LAST) == told


def test_a_session_caught_up_with_keeps_the_designations_it_was_known_to_have(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    two_before = CALENDAR.previous(BEFORE)
    kiwoom.market = replace(kiwoom_of(sample, two_before), net_buying_session=two_before)
    with a_room(database, configured(kiwoom), two_before) as room:
        run(room, two_before)
    kiwoom.market = kiwoom_of(sample, BEFORE)
    list_before_the_open(database, kiwoom, BEFORE)
    told = designated(database, BEFORE)
    kiwoom.market = replace(kiwoom_of(sample, LAST), net_buying_session=BEFORE)
    with a_room(database, configured(kiwoom)) as room:
        summary = run(room)
    assert f"caught up with {BEFORE}" in summary.notes
    assert designated(database, BEFORE) == told != []
    assert designated(database, LAST) != []


def test_without_keys_the_run_says_what_to_set_and_what_still_works(database: Database) -> None:
    config = settings.Settings(source="kiwoom")
    clock = FixedClock(datetime.combine(LAST, time(15, 31, 30), SEOUL))
    with (
        pytest.raises(SourceNotConfigured) as error,
        open_source("kiwoom", config, CALENDAR, database, clock),
    ):
        pass
    assert "CLOSEBELL_KIWOOM_APP_KEY" in str(error.value.remedy)
    assert "--source stored" in str(error.value.remedy)
    with database.reader() as tx:
        assert [(r.name, r.state) for r in tx.sources.reports()] == [
            ("dart", "not configured"),
            ("kiwoom", "not configured"),
            ("krx", "not configured"),
            ("naver", "not configured"),
        ]


def test_a_market_that_fails_leaves_nothing_but_its_state(
    database: Database, kiwoom: FakeKiwoom
) -> None:
    kiwoom.break_("ka10099", "status", times=99, seconds=503)
    with (
        a_room(database, configured(kiwoom)) as room,
        pytest.raises(Exception, match="ka10099 KOSPI page 1: HTTP 503"),
    ):
        run(room)
    assert database.freshness().bars is None
    with database.reader() as tx:
        report = tx.sources.get("kiwoom")
    assert report
    assert report.state == "degraded"
    assert "HTTP 503" in str(report.last_error)
