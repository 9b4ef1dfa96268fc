"""What the strategy is measured against: KOSPI, and every common stock in equal weights."""

from __future__ import annotations

from datetime import date

import polars as pl

from market.data import MarketData


def market_curves(data: MarketData, bars: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """session, kospi, universe: both 1 at the close before the first of `sessions`.

    `kospi` is the index without dividends; null where it isn't known. `universe` is put back to
    equal weights at each close, without costs or dividends: the mean change of the common stocks
    of KOSPI and KOSDAQ that have a bar in the session and the one before, halted ones included.
    `bars` as `backtest.prices.scaled_bars` gives them.
    """
    frame = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})
    moves = _members(data, bars, sessions).group_by("session").agg(pl.col("move").mean())
    return (
        frame.join(_kospi(data, sessions), on="session", how="left", maintain_order="left")
        .join(moves, on="session", how="left", maintain_order="left")
        .select(
            "session",
            "kospi",
            universe=(1 + pl.col("move").fill_null(0.0)).cum_prod(),
        )
    )


def _members(data: MarketData, bars: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    kinds = data.instruments.select(
        "ticker",
        "since",
        common=(pl.col("kind") == "common") & (pl.col("market") != "KONEX"),
    ).sort("since")
    return (
        bars.filter(pl.col("session").is_between(sessions[0], sessions[-1]))
        .select("session", "ticker", "move")
        .drop_nulls("move")
        .sort("session")
        .join_asof(kinds, left_on="session", right_on="since", by="ticker", check_sortedness=False)
        .filter(pl.col("common"))
    )


def _kospi(data: MarketData, sessions: list[date]) -> pl.DataFrame:
    closes = (
        data.index_bars.filter(pl.col("index") == "KOSPI", pl.col("session") <= sessions[-1])
        .select("session", "close")
        .sort("session")
    )
    before = closes.filter(pl.col("session") < sessions[0]).tail(1)
    inside = closes.filter(pl.col("session") >= sessions[0])
    start = before["close"][0] if len(before) else None
    if start is None and len(inside):
        start = inside["close"][0]
    return inside.select("session", kospi=pl.col("close") / pl.lit(start, pl.Float64))
