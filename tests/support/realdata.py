"""The real market data as MarketData, for tests and benchmarks of the scanners."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from pathlib import Path

import dataframely as dy
import polars as pl

from market.asof import Slot
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import (
    KINDS,
    MARKETS,
    DailyBars,
    IndexBars,
    InstrumentFlags,
    Instruments,
    NetBuying,
    Schedule,
)

COLLECTED = datetime(2026, 3, 21, tzinfo=UTC)
FINAL_FIGURES = time(18, 40)


def adjusted_market(
    real_data: Path,
    first: date | None = None,
    last: date | None = None,
    tickers: Collection[str] | None = None,
) -> MarketData:
    """370 sessions 2023-12-05 to 2025-06-17, adjusted at the source; no base, no net buying."""
    raw = _chosen(
        pl.scan_parquet(real_data / "daily_adjusted_2023_2025.parquet"), first, last, tickers
    )
    null = pl.lit(None, pl.Int64)
    bars = raw.with_columns(
        value=null, base=null, listed_shares=null, market_cap=null, adjusted=pl.lit(True)
    )
    return _market(real_data, bars, NetBuying.create_empty())


def raw_market(
    real_data: Path,
    first: date | None = None,
    last: date | None = None,
    tickers: Collection[str] | None = None,
) -> MarketData:
    """44 sessions of early 2026 as traded, with value, base and net buying in won."""
    raw = _chosen(pl.scan_parquet(real_data / "daily_raw_2026.parquet"), first, last, tickers)
    bars = raw.with_columns(
        value=pl.col("amount"),
        base=(pl.col("close") - pl.col("chg")).cast(pl.Int64),
        listed_shares=pl.col("shares"),
        market_cap=pl.col("marcap"),
        adjusted=pl.lit(False),
    )
    return _market(real_data, bars, _net_buying(real_data, first, last, tickers))


def schedule_of(data: MarketData, slot: Slot = Slot.CLOSE) -> dy.DataFrame[Schedule]:
    """Every exchange session from the first to the last bar, as of that slot."""
    sessions = data.bars["session"]
    first, last = sessions.min(), sessions.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return TradingCalendar().schedule(first, last, slot)


def _chosen(
    frame: pl.LazyFrame,
    first: date | None,
    last: date | None,
    tickers: Collection[str] | None,
) -> pl.DataFrame:
    if first is not None:
        frame = frame.filter(pl.col("date") >= first)
    if last is not None:
        frame = frame.filter(pl.col("date") <= last)
    if tickers is not None:
        frame = frame.filter(pl.col("code").is_in(list(tickers)))
    return frame.rename({"date": "session", "code": "ticker"}).collect()


def _market(real_data: Path, raw: pl.DataFrame, net_buying: dy.DataFrame[NetBuying]) -> MarketData:
    whole = ("open", "high", "low", "close", "volume", "value", "listed_shares", "market_cap")
    bars = raw.select(
        "session",
        "ticker",
        *[pl.col(name).cast(pl.Int64) for name in (*whole[:6], "base", *whole[6:])],
        "adjusted",
        source=pl.lit("files"),
        collected_at=pl.lit(COLLECTED, pl.Datetime("us", "UTC")),
    ).sort("session", "ticker")
    return MarketData(
        bars=DailyBars.validate(bars),
        instruments=_instruments(real_data, raw),
        flags=InstrumentFlags.create_empty(),
        net_buying=net_buying,
        index_bars=_index_bars(real_data, raw),
    )


def _instruments(real_data: Path, raw: pl.DataFrame) -> dy.DataFrame[Instruments]:
    sectors = pl.read_parquet(real_data / "sectors.parquet", columns=["code", "sector_large"])
    listed = pl.read_parquet(real_data / "companies.parquet", columns=["code", "listingdate"])
    name = pl.col("name")
    kind = (
        pl.when(name.str.contains("스팩"))
        .then(pl.lit("spac"))
        .when(name.str.contains("리츠"))
        .then(pl.lit("reit"))
        .when(pl.col("ticker").str.ends_with("0"))
        .then(pl.lit("common"))
        .otherwise(pl.lit("preferred"))
    )
    market = pl.when(pl.col("market") == "KOSDAQ GLOBAL").then(pl.lit("KOSDAQ"))
    frame = (
        raw.sort("session")
        .group_by("ticker", maintain_order=True)
        .agg(pl.col("session").first().alias("since"), pl.col("name", "market").last())
        .join(sectors, left_on="ticker", right_on="code", how="left")
        .join(listed, left_on="ticker", right_on="code", how="left")
        .select(
            "ticker",
            "since",
            "name",
            market=market.otherwise(pl.col("market")).cast(pl.Enum(MARKETS)),
            kind=kind.cast(pl.Enum(KINDS)),
            sector=pl.col("sector_large"),
            listed=pl.col("listingdate").str.to_date(strict=False),
            delisted=pl.lit(None, pl.Date),
        )
        .sort("ticker")
    )
    return Instruments.validate(frame)


def _index_bars(real_data: Path, raw: pl.DataFrame) -> dy.DataFrame[IndexBars]:
    frame = (
        pl.read_parquet(real_data / "index_daily.parquet")
        .filter(
            pl.col("code").is_in(["KOSPI", "KOSDAQ", "KOSPI200"]),
            pl.col("date").is_between(raw["session"].min(), raw["session"].max()),
        )
        .select(
            session="date",
            index=pl.col("code"),
            open="open",
            high="high",
            low="low",
            close="close",
            volume=pl.col("volume").cast(pl.Int64),
            value=pl.col("amount").cast(pl.Int64),
        )
        .sort("session", "index")
    )
    return IndexBars.validate(frame, cast=True)


def _net_buying(
    real_data: Path,
    first: date | None,
    last: date | None,
    tickers: Collection[str] | None,
) -> dy.DataFrame[NetBuying]:
    null = pl.lit(None, pl.Int64)
    known = pl.col("session").dt.combine(FINAL_FIGURES).dt.replace_time_zone("Asia/Seoul")
    frame = _chosen(
        pl.scan_parquet(real_data / "net_buying_won_2026.parquet"), first, last, tickers
    ).select(
        "session",
        "ticker",
        known_at=known.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
        foreign_won=pl.col("foreign_net_krw").round().cast(pl.Int64),
        institution_won=pl.col("inst_net_krw").round().cast(pl.Int64),
        individual_won=null,
        foreign_shares=null,
        institution_shares=null,
        individual_shares=null,
        provisional=pl.lit(False),
        source=pl.lit("files"),
    )
    return NetBuying.validate(frame)
