"""A backtest knows the news that are stored, each from when it was seen."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import stored_sample
from stored_sample import CALENDAR, LAST

from backtest.facts import data_notes
from backtest.plan import Plan, plan_of
from backtest.run import scan_all
from db import Database
from market.schemas import News
from outcomes.rules import TradeRules
from scanners.rules import Rules
from tasks.backtest import read_panel

FIRST = date(2026, 5, 11)
LOOSE = {
    "closing_bet.min_out_of": 3,
    "closing_bet.grades.S": 9,
    "closing_bet.grades.A": 6,
    "closing_bet.grades.B": 1,
}


def plan() -> Plan:
    return plan_of(
        "closing_bet", FIRST, date(2026, 12, 31), rules=Rules(), trades=TradeRules(), changes=LOOSE
    )


def signals(database: Database) -> tuple[pl.DataFrame, list[str]]:
    panel = read_panel(database, "stored", CALENDAR, plan())
    found = scan_all(panel.data, panel.schedule, panel.plan).signals
    return found, data_notes(panel.data, found, "closing_bet")


def news_points(found: pl.DataFrame, ticker: str) -> dict[date, int | None]:
    own = found.filter(pl.col("ticker") == ticker).sort("session")
    rows = own.select("session", "parts").iter_rows()
    return {session: json.loads(parts)["news"]["points"] for session, parts in rows}


def test_stored_news_count_from_when_they_were_seen(database: Database) -> None:
    stored_sample.fill(database)
    without, notes = signals(database)
    often = without["ticker"].value_counts(sort=True).filter(pl.col("count") > 1)["ticker"]
    ticker = often.sort()[0]
    early, late = sorted(news_points(without, ticker))[:2]
    assert any(note.startswith("no news") for note in notes)
    assert set(news_points(without, ticker).values()) == {None}

    closed = datetime(early.year, early.month, early.day, 6, 31, tzinfo=UTC)
    item = {
        "id": "1", "ticker": ticker, "seen_at": closed, "verdict": "positive",
        "title": "공급 계약", "url": None, "source": "dart",
    }  # fmt: skip
    with database.transaction() as tx:
        tx.news.store(News.validate(pl.DataFrame([item]), cast=True))
        covered = FIRST - timedelta(days=7)
        tx.sources.succeeded("dart", covers_from=covered, covers_to=LAST)
    found, notes = signals(database)
    points = news_points(found, ticker)
    assert points[early] == 0, "it was seen after that close"
    assert points[late] == 1
    assert not any(note.startswith("no news") for note in notes)


def test_stored_news_are_known_also_while_their_source_is_down(database: Database) -> None:
    stored_sample.fill(database)
    with database.transaction() as tx:
        tx.sources.succeeded("dart", covers_from=FIRST - timedelta(days=7), covers_to=LAST)
        tx.sources.failed("dart", "no answer")
    assert read_panel(database, "stored", CALENDAR, plan()).data.news is not None


def test_a_scanner_that_reads_no_news_is_given_none(database: Database) -> None:
    stored_sample.fill(database)
    with database.transaction() as tx:
        tx.sources.succeeded("dart", covers_from=FIRST - timedelta(days=7), covers_to=LAST)
    other = plan_of("vcp", FIRST, LAST, rules=Rules(), trades=TradeRules())
    assert read_panel(database, "stored", CALENDAR, other).data.news is None


def test_news_that_dont_reach_back_to_the_range_are_none(database: Database) -> None:
    stored_sample.fill(database)
    with database.transaction() as tx:
        tx.sources.succeeded("dart", covers_from=FIRST, covers_to=LAST)
    found, notes = signals(database)
    assert not found.is_empty()
    assert any(note.startswith("no news") for note in notes)


def test_other_scanners_have_no_note_about_news(database: Database) -> None:
    stored_sample.fill(database)
    panel = read_panel(database, "stored", CALENDAR, plan())
    assert not any("news" in note for note in data_notes(panel.data, None, "vcp"))
