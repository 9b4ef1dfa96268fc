"""A session's bars as Kiwoom told them at its close, also once the exchange's replaced them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta

import polars as pl

from db import Database
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import INSTANT, DailyBars, NetBuying
from sources.sample import SampleSource
from tasks.observations import of_market
from tasks.reconcile import reconcile
from tasks.told import told

CALENDAR = TradingCalendar()
SESSION = date(2026, 11, 20)
HOURS = CALENDAR.hours(SESSION)
HALF_AN_HOUR = timedelta(minutes=30)
CHANGED = "800000"


def market(source: str, after_close: timedelta, *changes: pl.Expr) -> MarketData:
    data = SampleSource(CALENDAR, stocks=60).history(SESSION, SESSION)
    bars = data.bars.with_columns(
        *changes,
        source=pl.lit(source),
        collected_at=pl.lit((HOURS.close + after_close).astimezone(UTC)).cast(INSTANT),
    )
    return replace(data, bars=DailyBars.cast(bars), net_buying=NetBuying.create_empty())


@dataclass(frozen=True)
class Krx:
    data: MarketData
    name: str = "krx"

    def history(self, _first: date, _last: date) -> MarketData:
        return self.data


def store(database: Database, data: MarketData) -> None:
    with database.transaction() as tx:
        tx.instruments.observe(of_market(data, SESSION))
        tx.bars.store(data.bars)


def correct(database: Database) -> None:
    """Another close for one stock, another volume for another, and every value filled in."""
    off = [
        pl.when(pl.col("ticker") == CHANGED).then(pl.col(name) + by).otherwise(name).alias(name)
        for name, by in (("close", 50), ("volume", 7))
    ]
    official = market("krx", timedelta(hours=17), *off)
    reconcile.fn(database, Krx(official), SESSION, flow_run_id="a-run")


def figures(bars: pl.DataFrame) -> list[tuple[object, ...]]:
    return bars.sort("ticker").select("ticker", "close", "volume", "source").rows()


def test_corrected_figures_are_put_back(database: Database) -> None:
    swept = market("kiwoom", timedelta(minutes=1), pl.lit(None, pl.Int64).alias("value"))
    store(database, swept)
    correct(database)
    stored = database.read_market_data(SESSION, SESSION).bars
    assert set(stored["source"]) == {"krx"}
    assert figures(stored) != figures(swept.bars)
    assert figures(told(database, "kiwoom", HOURS, HALF_AN_HOUR)) == figures(swept.bars)


def test_bars_that_were_only_the_exchanges_arent_told_by_another(database: Database) -> None:
    store(database, market("krx", timedelta(hours=17)))
    assert told(database, "kiwoom", HOURS, HALF_AN_HOUR).is_empty()


def test_what_was_collected_later_isnt_of_the_close(database: Database) -> None:
    store(database, market("kiwoom", timedelta(hours=3)))
    assert told(database, "kiwoom", HOURS, HALF_AN_HOUR).is_empty()
