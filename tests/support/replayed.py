"""A room in which a real session of March 2026 is played, with the sessions before it stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
from realdata import adjusted_market, raw_market

import settings
from db.database import Database
from flows.room import Room
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.data import MarketData
from market.schemas import DailyBars, IndexBars
from scanners.rules import Rules
from sources.replay import RecordedMarket, ReplayClock, ReplaySource
from tasks.observations import of_market

SESSION = date(2026, 3, 18)
BEFORE = date(2026, 3, 17)
CALENDAR = TradingCalendar()
# The daily bars lack eight sessions before 2026-03-06, which ends a segment by default.
RULES = {"universe": {"max_missing": 8}}


def largest(real_data: Path, stocks: int) -> list[str]:
    """The stocks that traded most on the day before the session."""
    raw = pl.read_parquet(real_data / "daily_raw_2026.parquet")
    of_day = raw.filter((pl.col("date") == BEFORE) & (pl.col("market") != "KONEX"))
    return of_day.sort("amount", descending=True).head(stocks)["code"].to_list()


def history(real_data: Path, tickers: list[str], last: date = BEFORE) -> list[MarketData]:
    """Daily bars up to `last`: five months of 2025 and the sessions there are of 2026."""
    old = adjusted_market(real_data, date(2025, 1, 20), date(2025, 6, 16), tickers)
    new = raw_market(real_data, None, last, tickers)
    index = pl.read_parquet(real_data / "index_daily.parquet").filter(
        pl.col("code").is_in(["KOSPI", "KOSDAQ"]),
        pl.col("date").is_between(date(2025, 1, 20), last),
    )
    bars = index.select(
        "open", "high", "low", "close", session="date", index="code",
        volume=pl.col("volume").cast(pl.Int64), value=pl.col("amount").cast(pl.Int64),
    )  # fmt: skip
    bars = bars.select(IndexBars.column_names()).sort("session", "index")
    return [old, replace(new, index_bars=IndexBars.validate(bars, cast=True))]


def store(database: Database, markets: list[MarketData]) -> None:
    """Bars, net buying, indices and instruments, as a collecting would store them."""
    for data in markets:
        seen = pl.lit(datetime(2026, 3, 17, 11, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
        with database.transaction() as tx:
            tx.instruments.observe(of_market(data, BEFORE))
            tx.bars.store(DailyBars.cast(data.bars.with_columns(collected_at=seen)))
            tx.net_buying.store(data.net_buying)
            tx.index_bars.store(data.index_bars)


def at(clock: str, session: date = SESSION) -> datetime:
    """That time of the session in Seoul."""
    return datetime.combine(session, time.fromisoformat(clock), SEOUL)


def clock_at(clock: str, session: date = SESSION) -> ReplayClock:
    """A clock that stands at that time until it is waited for."""
    return ReplayClock(at(clock, session), 0)


def recorded(real_data: Path, database: Database) -> RecordedMarket:
    """The snapshots of March 2026, with indices that go on from the stored closes."""

    def closes(session: date) -> dict[str, float]:
        bars = database.read_market_data(session, session).index_bars
        return dict(bars.select(pl.col("index").cast(pl.String), "close").iter_rows())

    return RecordedMarket(
        real_data / "intraday_snapshots_2026_03.parquet",
        CALENDAR,
        delay=timedelta(minutes=20),
        closes=closes,
    )


def room_at(market: RecordedMarket, database: Database, clock: ReplayClock) -> Room:
    """Everything a flow works with, at that time of the session."""
    return Room(
        settings=settings.Settings(source="replay"),
        calendar=CALENDAR,
        clock=clock,
        rules=Rules.from_mapping(RULES),
        db=database,
        source=ReplaySource(market, CALENDAR, clock),
        source_name="replay",
    )
