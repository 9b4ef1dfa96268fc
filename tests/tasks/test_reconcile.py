"""The exchange's official bars against those of the evening's sweep."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest
import structlog

from db import Database
from errors import SourceUnavailable
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import DailyBars, NetBuying
from sources.krx.source import NotPublished
from sources.sample import SampleSource
from tasks.observations import of_market
from tasks.reconcile import PRICES, Reconciliation, reconcile

SESSION = date(2026, 11, 20)
CALENDAR = TradingCalendar()
MORNING = datetime(2026, 11, 22, 23, 10, tzinfo=UTC)


class Krx:
    """The sample market told by the exchange, changed on the way."""

    name = "krx"

    def __init__(self, *changes: pl.Expr, error: Exception | None = None) -> None:
        self._changes = changes
        self._error = error

    def history(self, first: date, last: date) -> MarketData:
        if self._error:
            raise self._error
        data = SampleSource(CALENDAR, stocks=60).history(first, last)
        bars = data.bars.with_columns(
            *self._changes,
            source=pl.lit("krx"),
            collected_at=pl.lit(MORNING).cast(pl.Datetime("us", "UTC")),
        )
        return replace(data, bars=DailyBars.cast(bars), net_buying=NetBuying.create_empty())


@pytest.fixture
def swept(database: Database) -> Database:
    """The session as a sweep leaves it: no values."""
    data = SampleSource(CALENDAR, stocks=60).history(SESSION, SESSION)
    bars = data.bars.with_columns(value=pl.lit(None, pl.Int64), source=pl.lit("kiwoom"))
    with database.transaction() as tx:
        tx.instruments.observe(of_market(data, SESSION))
        tx.bars.store(DailyBars.cast(bars))
    return database


def run(database: Database, krx: Krx) -> Reconciliation:
    structlog.contextvars.clear_contextvars()
    return reconcile.fn(database, krx, SESSION, flow_run_id="a-run")


def bar(database: Database, ticker: str) -> dict[str, object]:
    bars = database.read_market_data(SESSION, SESSION).bars
    return bars.row(by_predicate=pl.col("ticker") == ticker, named=True)


def off_by(ticker: str, name: str, by: int) -> pl.Expr:
    return pl.when(pl.col("ticker") == ticker).then(pl.col(name) + by).otherwise(name).alias(name)


def test_a_close_that_differs_is_fixed_and_what_it_was_is_kept(swept: Database) -> None:
    before = bar(swept, "800000")
    found = run(swept, Krx(off_by("800000", "close", 50)))
    assert found.differing == {"close": 1}
    assert bar(swept, "800000")["close"] == before["close"] + 50
    assert bar(swept, "800000")["source"] == "krx"
    with swept.reader() as tx:
        [row] = tx.corrections.of(SESSION).to_dicts()
        report = tx.sources.get("krx")
    assert (row["ticker"], row["field"], row["old"], row["new"]) == (
        "800000",
        "close",
        before["close"],
        before["close"] + 50,
    )
    assert (row["source"], row["old_source"], row["flow_run_id"]) == ("krx", "kiwoom", "a-run")
    assert row["created_at"].tzinfo is not None
    assert report
    assert report.state == "ok"


def test_values_that_were_missing_are_filled_without_a_correction(swept: Database) -> None:
    found = run(swept, Krx())
    assert found.filled == {"value": found.compared}
    assert found.differing == {}
    assert bar(swept, "800000")["value"] is not None
    with swept.reader() as tx:
        assert tx.corrections.of(SESSION).is_empty()


def test_reconciling_again_changes_nothing(swept: Database) -> None:
    krx = Krx(off_by("800000", "volume", 7))
    run(swept, krx)
    with swept.reader() as tx:
        events = len(tx.events.after(0))
    again = run(swept, krx)
    assert (again.differing, again.filled) == ({}, {})
    with swept.reader() as tx:
        assert tx.corrections.of(SESSION).height == 1
        assert len(tx.events.after(0)) == events


@pytest.mark.parametrize("name", PRICES)
def test_a_price_that_differs_everywhere_is_left_and_reported(swept: Database, name: str) -> None:
    before = bar(swept, "800000")
    found = run(swept, Krx(pl.col(name) + 10))
    assert "so it means something else" in found.refused[name]
    assert bar(swept, "800000")[name] == before[name]
    assert any(note.startswith(f"{name} left as it was") for note in found.notes)


def test_volumes_of_the_after_market_are_left_and_reported(swept: Database) -> None:
    found = run(swept, Krx((pl.col("volume") * 1.6).cast(pl.Int64).alias("volume")))
    assert found.refused["volume"].startswith("the official one is 1.60 times ours")
    closing = run(swept, Krx((pl.col("volume") * 1.01).cast(pl.Int64).alias("volume")))
    assert closing.refused == {}
    assert closing.differing["volume"] > 0


def test_a_stock_without_bar_is_added(swept: Database, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DELETE FROM daily_bars WHERE ticker = '800000'")
    found = run(swept, Krx())
    assert found.added == ["800000"]
    assert bar(swept, "800000")["source"] == "krx"


@pytest.mark.parametrize(
    "error", [NotPublished("krx: nothing is published"), SourceUnavailable("krx: HTTP 503")]
)
def test_without_an_answer_nothing_changes_but_the_sources_state(
    swept: Database, error: Exception
) -> None:
    before = bar(swept, "800000")
    with pytest.raises(SourceUnavailable, match="krx"):
        run(swept, Krx(error=error))
    assert bar(swept, "800000") == before
    with swept.reader() as tx:
        report = tx.sources.get("krx")
    assert report
    assert (report.state, report.last_error) == ("degraded", str(error))
