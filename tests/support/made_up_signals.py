"""Signals of all kinds on any bars, for tests of what becomes of them."""

from __future__ import annotations

import polars as pl

from market.prices import round_down_expr, round_up_expr, tick_size_expr
from outcomes.follow import LEVELS


def made_up_signals(bars: pl.DataFrame, every: int = 7) -> pl.DataFrame:
    """Every so many-th traded row a signal, the scanners in turn, with levels such as they give.

    vcp: a buy stop a tick over the high of ten rows; a few are without levels.
    """
    traded = bars.filter(pl.col("volume") > 0, pl.col("low") >= 100).sort("ticker", "session")
    turn = pl.int_range(pl.len())
    kinds = ["vcp", "daytrading", "vcp", "closing_bet", "intraday"]
    pivot = pl.col("high").rolling_max(10, min_samples=1).over("ticker")
    close = pl.col("close")
    chosen = (
        traded.with_columns(pivot=pivot)
        .gather_every(every)
        .with_columns(kind=turn % len(kinds), number=turn)
        .with_columns(kind=pl.col("kind").replace_strict(dict(enumerate(kinds))))
    )
    vcp = pl.col("kind") == "vcp"
    entry = round_up_expr(pl.col("pivot") + tick_size_expr(pl.col("pivot")))
    width = 0.02 + (pl.col("number") % 5) * 0.015
    return (
        chosen.with_columns(
            scanner=pl.col("kind").replace({"intraday": "daytrading"}),
            as_of=pl.when(pl.col("kind") == "intraday")
            .then(pl.lit("10:30"))
            .otherwise(pl.lit("close")),
            entry=pl.when(vcp).then(entry).otherwise(close),
            width=width,
        )
        .with_columns(
            target=round_down_expr(pl.col("entry") * (1 + 2 * pl.col("width"))),
            stop=round_up_expr(pl.col("entry") * (1 - pl.col("width"))),
        )
        .with_columns(entry=pl.when(~vcp | (pl.col("number") % 97 != 0)).then("entry"))
        .with_columns(
            pl.when(pl.col("number") % 2 > 0).then(so_far.cast(pl.Float64)).alias(name)
            for name, so_far in (
                ("high_so_far", pl.max_horizontal("open", "close")),
                ("low_so_far", pl.min_horizontal("open", "close")),
            )
        )
        .select("session", "as_of", "ticker", "scanner", *LEVELS)
        .with_columns(pl.col("pivot").cast(pl.Float64))
    )
