"""The first history: from where it comes fastest, going on after a kill, asked for once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_sample import kiwoom_of

import settings
from db import Database
from errors import SourceNotConfigured
from market.calendar import TradingCalendar
from market.clock import FixedClock
from market.data import MarketData
from scanners.rules import Rules
from sources.sample import SampleSource
from tasks.history import FirstHistory, first_history

pytestmark = pytest.mark.slow

CALENDAR = TradingCalendar()
LAST = date(2026, 11, 20)
EVENING = FixedClock(CALENDAR.hours(LAST).close + timedelta(hours=5))
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return SampleSource(CALENDAR, stocks=40).history(date(2025, 9, 1), LAST)


@pytest.fixture
def kiwoom(sample: MarketData) -> Iterator[FakeKiwoom]:
    with FakeKiwoom(kiwoom_of(sample, LAST), speed=2000) as running:
        yield running


def configured(kiwoom: FakeKiwoom, **more: Any) -> settings.Settings:
    return settings.Settings(
        kiwoom_app_key=APP_KEY,
        kiwoom_secret_key=SECRET_KEY,
        kiwoom_base_url=kiwoom.url,
        kiwoom_calls_per_second=2000,
        kiwoom_total_per_second=10_000,
        http_attempts=1,
        **more,
    )


def fetch(
    database: Database,
    config: settings.Settings,
    said: list[str] | None = None,
    sources: tuple[str, ...] = ("kiwoom",),
) -> FirstHistory:
    rules = Rules.from_mapping({})
    say = (said if said is not None else []).append
    return first_history.fn(
        database, config, CALENDAR, EVENING, rules, sources=sources, sessions=260, say=say
    )


def test_it_is_fetched_stock_by_stock_with_progress_and_only_once(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    said: list[str] = []
    done = fetch(database, configured(kiwoom), said)
    assert done.sessions == {"kiwoom": 260}
    assert done.missing == []
    assert any("stocks, " in line and "left" in line for line in said)
    stored = database.read_market_data(done.first, LAST)
    assert stored.bars["session"].n_unique() == 260
    assert stored.index_bars.filter(pl.col("index") == "KOSPI").height == 260
    same = ["session", "ticker", "open", "high", "low", "close", "volume", "base"]
    own = sample.bars.select(same).join(stored.bars.select("session", "ticker"), on=same[:2])
    assert stored.bars.select(same).sort(same).equals(own.sort(same))
    kiwoom.calls.clear()
    again = fetch(database, configured(kiwoom))
    assert again.sessions == {}
    assert kiwoom.of("ka10081") == []


def test_the_shortlist_has_net_buying_of_its_last_sessions(
    database: Database, kiwoom: FakeKiwoom
) -> None:
    done = fetch(database, configured(kiwoom))
    assert 0 < done.net_buying <= 60
    stored = database.read_market_data(done.first, LAST)
    counts = stored.net_buying.group_by("ticker").len()["len"].unique().to_list()
    assert counts == [6]
    days = stored.net_buying["session"].unique().sort().to_list()
    final = [CALENDAR.hours(day).close + timedelta(hours=4, minutes=40) for day in days]
    assert stored.net_buying["known_at"].unique().sort().to_list() == final


def test_after_a_failure_it_goes_on_where_it_was(database: Database, kiwoom: FakeKiwoom) -> None:
    kiwoom.break_("ka10081", "status", after=10, times=99, seconds=503)
    with pytest.raises(Exception, match="HTTP 503"):
        fetch(database, configured(kiwoom))
    assert database.freshness().bars is None
    asked = {call.body["stk_cd"] for call in kiwoom.of("ka10081") if call.status == 200}
    kiwoom.calls.clear()
    kiwoom.faults.clear()
    said: list[str] = []
    assert fetch(database, configured(kiwoom), said).sessions == {"kiwoom": 260}
    assert not asked & {call.body["stk_cd"] for call in kiwoom.of("ka10081")}
    assert any(f"{len(asked)} of " in line and "fetched before" in line for line in said)
    with database.connection() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM fetched_parts").scalar()
    assert left == 0


def test_a_killed_process_loses_at_most_one_stock(
    database: Database, kiwoom: FakeKiwoom, tmp_path: Path
) -> None:
    support = ROOT / "tests" / "support"
    worker = subprocess.Popen(
        [sys.executable, str(support / "history_worker.py"), database.url, kiwoom.url],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{support}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    )
    assert worker.stdout
    try:
        for line in worker.stdout:
            if line.startswith("kept 12"):
                break
    finally:
        worker.kill()
        worker.communicate(timeout=60)
    assert database.freshness().bars is None
    asked = len({call.body["stk_cd"] for call in kiwoom.of("ka10081")})
    kiwoom.calls.clear()
    fetch(database, configured(kiwoom))
    again = len(kiwoom.of("ka10081"))
    total = len(kiwoom_stocks(kiwoom))
    assert total - asked <= again <= total - asked + 1


def kiwoom_stocks(kiwoom: FakeKiwoom) -> list[str]:
    listed = [s for s in kiwoom.market.stocks if s.market in ("KOSPI", "KOSDAQ")]
    return [s.code for s in listed if s.market_code in ("0", "10", "6")]


def test_what_marcap_lacks_is_noted_and_comes_from_kiwoom(
    database: Database, kiwoom: FakeKiwoom, tmp_path: Path
) -> None:
    config = configured(kiwoom, data_dir=tmp_path, marcap_base_url="http://127.0.0.1:9")
    done = fetch(database, config, sources=("marcap", "krx", "kiwoom"))
    assert done.sessions == {"marcap": 0, "kiwoom": 260}
    assert done.notes[0] == "krx isn't configured"
    assert done.notes[1].startswith("marcap: marcap marcap-2025.parquet: ConnectError")
    with database.reader() as tx:
        report = tx.sources.get("marcap")
    assert report
    assert report.state == "not asked yet"
    assert "ConnectError" in str(report.last_error)


def test_without_keys_it_says_which_to_set(database: Database) -> None:
    with pytest.raises(SourceNotConfigured) as error:
        fetch(database, settings.Settings())
    assert "CLOSEBELL_KIWOOM_APP_KEY" in str(error.value.remedy)


def test_a_market_that_moves_on_is_caught_up_with(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    before = CALENDAR.previous(LAST)
    kiwoom.market = kiwoom_of(sample, before)
    rules = Rules.from_mapping({})
    morning = FixedClock(CALENDAR.hours(LAST).open - timedelta(hours=1))
    first_history.fn(
        database,
        configured(kiwoom),
        CALENDAR,
        morning,
        rules,
        sources=("kiwoom",),
        sessions=260,
        say=lambda _: None,
    )
    kiwoom.market = replace(kiwoom_of(sample, LAST))
    done = fetch(database, configured(kiwoom))
    assert done.sessions == {"kiwoom": 1}
