"""What a signal's stock returned in the sessions after it, and its market meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from outcomes.rows import rows_of

HORIZONS: Final = (1, 5, 20)


def returns(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    index_bars: pl.DataFrame,
    sessions: Sequence[date],
    gone_after: int,
) -> pl.DataFrame:
    """return_1, return_5, return_20, market_1, market_5, market_20 (fractions), row by row.

    From the close of the signal's session to the close so many exchange sessions later, through
    splits; the market's: of the index of its own market. Null: not over yet, no bar of that
    session (a halted stock has its carried close), or no index. Cash dividends aren't counted.

    Args:
        signals: session, ticker, market (KOSPI or KOSDAQ, null: unknown).
    """
    rows = rows_of(bars, sessions, signals["ticker"], gone_after)
    places = rows.frame.select("ticker", "ordinal", "close", "chain", "run")
    indices = index_bars.select("session", pl.col("index").cast(pl.String), "close").join(
        rows.calendar, on="session"
    )
    told = (
        signals.select("session", "ticker", pl.col("market").cast(pl.String))
        .join(rows.calendar, on="session", how="left", maintain_order="left")
        .join(places, on=["ticker", "ordinal"], how="left", maintain_order="left")
        .join(
            indices.select("ordinal", market="index", index_now="close"),
            on=["ordinal", "market"],
            how="left",
            maintain_order="left",
        )
    )
    for horizon in HORIZONS:
        then = told.select("ticker", "market", "run", ordinal=pl.col("ordinal") + horizon)
        later = then.join(places, on=["ticker", "ordinal"], how="left", maintain_order="left")
        index = then.join(
            indices.select("ordinal", market="index", index_then="close"),
            on=["ordinal", "market"],
            how="left",
            maintain_order="left",
        )
        scaled = told["close"] * later["chain"] / told["chain"]
        same = later["run"] == later["run_right"]
        told = told.with_columns(
            (later["close"] / scaled - 1)
            .zip_with(same, pl.Series([None], dtype=pl.Float64))
            .alias(f"return_{horizon}"),
            (index["index_then"] / told["index_now"] - 1).alias(f"market_{horizon}"),
        )
    names = [f"{kind}_{horizon}" for kind in ("return", "market") for horizon in HORIZONS]
    return told.select(names)
