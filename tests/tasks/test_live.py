"""doctor --live over all sources: those without keys, those that answer, those that don't."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path

import polars as pl
import pytest
from commands import Closebell
from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from fake_open_apis import KEY, KEY_ID, FakeDart, FakeKrx, FakeNaver, article
from krx_days import krx_day

import settings
from db import Database
from market.calendar import TradingCalendar
from market.clock import FixedClock
from market.schemas import INSTANT, DailyBars
from sources.krx.client import open_krx
from sources.krx.source import KrxSource
from sources.probing import Finding
from sources.sample import SampleSource
from tasks.live import measure
from tasks.observations import of_market
from tasks.reconcile import reconcile
from tasks.sources import WITHOUT, guards_of

CALENDAR = TradingCalendar()
LAST = date(2026, 11, 20)
EVENING = FixedClock(CALENDAR.hours(LAST).close + timedelta(hours=5))
SERVICES = ("sto/stk_bydd_trd", "sto/ksq_bydd_trd")


@pytest.fixture
def providers() -> Iterator[settings.Settings]:
    data = SampleSource(CALENDAR, stocks=60).history(date(2026, 9, 1), LAST)
    with (
        FakeKiwoom(kiwoom_of(data, LAST), speed=2000) as kiwoom,
        FakeKrx(days={service: {} for service in SERVICES}) as krx,
        FakeDart() as dart,
        FakeNaver(articles=[article("삼성전자, 신제품")]) as naver,
    ):
        yield settings.Settings(
            kiwoom_app_key=APP_KEY,
            kiwoom_secret_key=SECRET_KEY,
            kiwoom_base_url=kiwoom.url,
            kiwoom_calls_per_second=1000,
            kiwoom_total_per_second=5000,
            krx_auth_key=KEY,
            krx_base_url=krx.url,
            dart_key=KEY,
            dart_base_url=dart.url,
            naver_key_id=KEY_ID,
            naver_key=KEY,
            naver_base_url=naver.url,
            http_attempts=1,
        )


def findings(database: Database, config: settings.Settings) -> list[Finding]:
    return list(measure(config, CALENDAR, database, EVENING))


def test_without_keys_each_source_says_which_to_set(database: Database) -> None:
    found = findings(database, settings.Settings())
    assert [(f.source, f.as_expected) for f in found] == [
        ("kiwoom", None),
        ("krx", None),
        ("dart", None),
        ("naver", None),
    ]
    assert [f.change for f in found] == [
        "set CLOSEBELL_KIWOOM_APP_KEY and CLOSEBELL_KIWOOM_SECRET_KEY",
        "set CLOSEBELL_KRX_AUTH_KEY",
        "set CLOSEBELL_DART_KEY",
        "set CLOSEBELL_NAVER_KEY_ID and CLOSEBELL_NAVER_KEY",
    ]
    assert [f.found for f in found] == [f"not configured: {WITHOUT[f.source]}" for f in found]


def test_every_source_is_measured_and_no_secret_is_told(
    database: Database, providers: settings.Settings
) -> None:
    found = findings(database, providers)
    assert {f.source for f in found} == {"kiwoom", "krx", "dart", "naver"}
    assert [f for f in found if f.as_expected is False] == []
    by_question = {(f.source, f.question): f for f in found}
    published = by_question["krx", "publication: is the last session there"]
    assert published.as_expected is None
    assert f"{LAST} isn't, at 11-20 20:30" in published.found
    assert "0 of listed stocks" in by_question["dart", "disclosures: key, pages and delay"].found
    search = by_question["naver", "news search: keys and the form of its answer"]
    assert search.found.startswith("1 articles by 삼성전자")
    everything = " ".join(f"{f.found} {f.change}" for f in found)
    assert APP_KEY not in everything
    assert SECRET_KEY not in everything
    assert KEY not in everything
    assert KEY_ID not in everything
    with database.reader() as tx:
        states = {report.name: report.state for report in tx.sources.reports()}
    assert states == {"dart": "ok", "kiwoom": "ok", "krx": "ok", "naver": "ok"}


OFFICIAL = "figures: are they those of the regular session"


def official(database: Database, config: settings.Settings) -> Finding:
    return next(f for f in findings(database, config) if f.question == OFFICIAL)


def test_before_anything_is_stored_the_official_figures_have_to_wait(
    database: Database, providers: settings.Settings
) -> None:
    found = official(database, providers)
    assert found.as_expected is None
    assert f"of neither {LAST} nor {CALENDAR.previous(LAST)}" in found.found
    assert "closebell run end-of-day after a close" in str(found.change)


@pytest.mark.parametrize(("times", "said"), [(1.0, "1.000"), (1.1, "1.100")])
def test_the_official_figures_are_compared_with_those_of_the_close_after_a_morning_too(
    database: Database, providers: settings.Settings, times: float, said: str
) -> None:
    data = SampleSource(CALENDAR, stocks=60).history(LAST, LAST)
    at = (CALENDAR.hours(LAST).close + timedelta(minutes=1)).astimezone(UTC)
    swept = data.bars.with_columns(
        source=pl.lit("kiwoom"),
        collected_at=pl.lit(at).cast(INSTANT),
        value=pl.lit(None, pl.Int64),  # which a sweep doesn't tell
    ).filter(pl.col("ticker").is_in(data.instruments.filter(pl.col("kind") != "etf")["ticker"]))
    volume = (pl.col("volume") * times).round().cast(pl.Int64)
    changed = swept.with_columns(volume).select("ticker", "volume").rows()
    days = krx_day(data, LAST, {ticker: {"volume": shares} for ticker, shares in changed})
    with database.transaction() as tx:
        tx.instruments.observe(of_market(data, LAST))
        tx.bars.store(DailyBars.cast(swept))
    with FakeKrx(days=days) as krx:
        config = providers.model_copy(update={"krx_base_url": krx.url})
        evening = official(database, config)
        with open_krx(config, guards_of(database)) as client:
            source = KrxSource(client, CALENDAR, EVENING, max_missing=0.01)
            reconcile.fn(database, source, LAST)
        morning = official(database, config)
    assert "krx" in set(database.read_market_data(LAST, LAST).bars["source"])
    assert evening == morning
    assert evening.as_expected is True
    assert f"its volume is {said} times Kiwoom's in the middle" in evening.found


def test_a_provider_that_is_away_is_told_in_its_words(
    database: Database, providers: settings.Settings
) -> None:
    away = providers.model_copy(update={"dart_base_url": "http://127.0.0.1:9"})
    [dart] = [f for f in findings(database, away) if f.source == "dart"]
    assert dart.as_expected is False
    assert "ConnectError" in dart.found
    with database.reader() as tx:
        report = tx.sources.get("dart")
    assert report
    assert (report.state, report.last_error) == ("degraded", dart.found)


@pytest.mark.slow
def test_the_command_prints_json_and_succeeds_without_keys(tmp_path: Path) -> None:
    done = Closebell(tmp_path)("doctor", "--live", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["ok"]
    assert {f["source"] for f in done.json["findings"]} == {"kiwoom", "krx", "dart", "naver"}
