"""What is filed and written of the shortlist, in the decision at the close."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from closing_bets import bets, decide, run
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from fake_open_apis import KEY, KEY_ID, FakeDart, FakeNaver, article
from kiwoom_rooms import LAST, RATE, kiwoom_room, last_at, sample_market, store_before
from replayed import CALENDAR

import flows.closing_bet
from db.database import Database
from flows.closing_bet import run_scan
from market.clock import FixedClock
from market.data import MarketData

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return sample_market()


@pytest.fixture
def kiwoom(sample: MarketData) -> Iterator[FakeKiwoom]:
    market = replace(kiwoom_of(sample, LAST), net_buying_session=CALENDAR.previous(LAST))
    with FakeKiwoom(market, speed=RATE) as running:
        yield running


def filed(ticker: str, report: str) -> dict[str, str]:
    return {
        "corp_code": "00126380",
        "corp_name": "시험",
        "stock_code": ticker,
        "corp_cls": "Y",
        "report_nm": report,
        "rcept_no": f"{LAST:%Y%m%d}000001",
        "flr_nm": "시험",
        "rcept_dt": f"{LAST:%Y%m%d}",
        "rm": "",
    }


def news_part(db: Database, slot: str, ticker: str) -> dict[str, Any]:
    row = bets(db, LAST, slot).row(by_predicate=pl.col("ticker") == ticker, named=True)
    return json.loads(row["parts"])["news"]


def test_the_decision_reads_what_was_filed_since_the_preview_and_only_that(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    kiwoom.market.net_buying_session = LAST
    with FakeDart() as dart:
        keys = {"dart_key": KEY, "dart_base_url": dart.url, "dart_calls_per_second": RATE}
        with kiwoom_room(database, kiwoom.url, "15:05", **keys) as room:
            moment = last_at("15:05")
            run(lambda: run_scan(room, LAST, moment, decide=False)).result()
        assert len(dart.asked) == 8
        ticker = bets(database, LAST, "15:05")["ticker"][0]
        assert news_part(database, "15:05", ticker)["points"] == 0
        dart.asked.clear()
        dart.filed = [filed(ticker, "단일판매ㆍ공급계약체결")]
        with kiwoom_room(database, kiwoom.url, "15:12", **keys) as room:
            summary = decide(room)
        assert [asked.query["bgn_de"] for asked in dart.asked] == [f"{LAST:%Y%m%d}"]
    assert news_part(database, "15:12", ticker)["points"] > 0
    assert not [note for note in summary.notes if "news" in note]


def test_news_that_hang_dont_keep_the_decision_from_the_auction(
    database: Database,
    kiwoom: FakeKiwoom,
    sample: MarketData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_before(database, sample)
    assert flows.closing_bet.news_step.timeout_seconds == 15
    assert flows.closing_bet.news_step.retries == 0
    hasty = flows.closing_bet.news_step.with_options(timeout_seconds=1)
    monkeypatch.setattr(flows.closing_bet, "news_step", hasty)

    class Hanging(FakeDart):
        def answer(self, asked: Any) -> tuple[int, Any]:
            self.closing.wait(60)
            return super().answer(asked)

    with Hanging() as dart:
        keys = {"dart_key": KEY, "dart_base_url": dart.url, "http_read_seconds": 50}
        with kiwoom_room(database, kiwoom.url, "15:12", **keys) as room:
            summary = decide(room)
    assert "the news of the last minutes didn't come in time" in summary.notes
    found = bets(database, LAST, "15:12")
    assert found.height > 0
    assert (found["out_of"] <= 9).all(), "of 12, 3 are for news"


def searching(naver: FakeNaver) -> dict[str, Any]:
    return {
        "naver_key_id": KEY_ID,
        "naver_key": KEY,
        "naver_base_url": naver.url,
        "naver_calls_per_second": RATE,
    }


def the_best(db: Database, sample: MarketData) -> tuple[str, str]:
    """Ticker and name of the best of the decision."""
    ticker = bets(db, LAST, "15:12")["ticker"][0]
    names = sample.instruments.filter(pl.col("ticker") == ticker)
    return ticker, names.sort("since")["name"][-1]


def stored_articles(db: Database) -> pl.DataFrame:
    told = db.read_market_data(LAST, LAST, news=True).news
    assert told is not None
    return told.filter(pl.col("source") == "naver")


def test_the_decision_scores_the_news_of_those_it_asked_for_by_name(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    kiwoom.market.net_buying_session = LAST
    with kiwoom_room(database, kiwoom.url, "15:12") as room:
        without = decide(room)
    best, name = the_best(database, sample)
    assert not [note for note in without.notes if "articles" in note]
    missing = news_part(database, "15:12", best)
    assert (missing["points"], missing["missing"]) == (None, "no news source is configured")
    published = last_at("14:50")
    with FakeNaver(articles=[article(f"{name}, 공급계약 체결", published)]) as naver:
        with kiwoom_room(database, kiwoom.url, "15:12", **searching(naver)) as room:
            summary = decide(room)
            again = decide(room)
        asked = [one.query["query"] for one in naver.asked]
    shortlisted = len(asked) // 2
    assert 0 < shortlisted <= 60
    assert len(set(asked)) == shortlisted
    assert summary.notes[1] == f"articles of {shortlisted} of the best {shortlisted}"
    assert news_part(database, "15:12", best)["points"] == 1
    found = bets(database, LAST, "15:12")
    names = dict(sample.instruments.sort("since").select("ticker", "name").iter_rows())
    for row in found.filter(pl.col("status") == "open").iter_rows(named=True):
        part = json.loads(row["parts"])["news"]
        if names[row["ticker"]] not in asked:
            assert (part["points"], part["missing"]) == (None, "its news wasn't asked for")
        elif row["ticker"] != best:
            assert part["points"] == 0
    assert again.scanners["closing_bet"].signals == summary.scanners["closing_bet"].signals
    [item] = stored_articles(database).iter_rows(named=True)
    assert (item["ticker"], item["verdict"], item["title"]) == (best, "positive", "공급 계약")
    with database.reader() as tx:
        states = {report.name: report.state for report in tx.sources.reports()}
    assert (states["naver"], states["dart"]) == ("ok", "not configured")


def test_articles_add_nothing_to_a_disclosure_of_the_same_verdict(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    kiwoom.market.net_buying_session = LAST
    with kiwoom_room(database, kiwoom.url, "15:12") as room:
        decide(room)
    best, name = the_best(database, sample)
    headlines = [
        f"{name}, 공급계약 체결",
        f"{name} 자사주 소각",
        f"{name}에 과징금",
        f"{name} 피소",
    ]
    articles = [article(one, last_at("14:50")) for one in headlines]
    with FakeDart() as dart, FakeNaver(articles=articles) as naver:
        dart.filed = [filed(best, "단일판매ㆍ공급계약체결")]
        keys = {"dart_key": KEY, "dart_base_url": dart.url, "dart_calls_per_second": RATE}
        with kiwoom_room(database, kiwoom.url, "15:12", **keys, **searching(naver)) as room:
            decide(room)
    assert stored_articles(database)["title"].to_list() == ["피소"]
    assert news_part(database, "15:12", best)["points"] == 0, "one good, one bad"
    others = bets(database, LAST, "15:12").filter(pl.col("status") == "open")["parts"]
    assert not others.str.contains("wasn't asked for").any(), "disclosures tell of every stock"


def test_articles_there_is_no_time_for_are_not_asked_for(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    with FakeNaver() as naver:
        with kiwoom_room(database, kiwoom.url, "15:12", **searching(naver)) as room:
            late = replace(room, clock=FixedClock(room.clock.now() + timedelta(seconds=140)))
            summary = decide(late)
        assert naver.asked == []
    assert summary.notes[2].startswith("no time for the articles of")
    assert bets(database, LAST, "15:12").height > 0
    assert news_part(database, "15:12", the_best(database, sample)[0])["points"] is None


@pytest.mark.parametrize(
    ("reply", "said"),
    [((500, b""), "HTTP 500"), ((200, b"{}"), "without a list `items`"), ((401, b""), "HTTP 401")],
)
def test_articles_that_fail_are_a_degraded_source_and_no_score(
    database: Database,
    kiwoom: FakeKiwoom,
    sample: MarketData,
    reply: tuple[int, bytes],
    said: str,
) -> None:
    store_before(database, sample)
    with FakeNaver(broken=[reply] * 99) as naver:
        with kiwoom_room(database, kiwoom.url, "15:12", **searching(naver)) as room:
            summary = decide(room)
        assert len(naver.asked) <= 2, "not asked again for every stock"
    [note] = [one for one in summary.notes if one.startswith("naver is degraded")]
    assert said in note
    found = bets(database, LAST, "15:12")
    assert found.height > 0
    assert (found["out_of"] <= 9).all()
    with database.reader() as tx:
        report = tx.sources.get("naver")
    assert report
    assert report.state == "degraded"


def test_a_search_that_hangs_doesnt_keep_the_decision_from_the_auction(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_before(database, sample)
    kiwoom.market.net_buying_session = LAST
    assert flows.closing_bet.fetch_articles.timeout_seconds == 25
    assert flows.closing_bet.fetch_articles.retries == 0
    hasty = flows.closing_bet.fetch_articles.with_options(timeout_seconds=1)
    monkeypatch.setattr(flows.closing_bet, "fetch_articles", hasty)

    class Hanging(FakeNaver):
        def answer(self, asked: Any) -> tuple[int, Any]:
            self.closing.wait(60)
            return super().answer(asked)

    with Hanging() as naver, kiwoom_room(database, kiwoom.url, "15:12", **searching(naver)) as room:
        summary = decide(room)
    assert "the articles of the shortlist didn't come in time" in summary.notes
    assert [note for note in summary.notes if note.startswith("provisional net buying of")]
    assert bets(database, LAST, "15:12").height > 0
