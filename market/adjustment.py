"""Putting earlier prices on today's scale through splits, consolidations and rights issues.

The exchange gives each session a base price: the close before it, already put on the new
scale on an ex-day. So factor(t) = base(t) / close(t-1), which is 1 on ordinary days, and the
scale of session t is the product of all later factors up to the panel's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

PRICES = ("open", "high", "low", "close", "base")


def with_scale(bars: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Bars with `ordinal`, `factor` and `scale`, sorted by ticker and session.

    `sessions` are the exchange's sessions in order, covering all bars; `ordinal` (Int32) is a
    session's place among them. `factor` (Float64) is base(t) / close(t-1) where both rows are
    as traded and of consecutive sessions, else 1: after a missing session the base differs
    from the stored close for nearly every stock, without a corporate action. `scale`
    (Float64) is the product of the stock's later factors in these bars: adjusted price =
    price × scale, adjusted volume = volume / scale. Rows the source has already adjusted have
    factor and scale 1. Cash dividends change no base price and are not adjusted for.
    """
    calendar = pl.DataFrame(
        {"session": pl.Series(sessions, dtype=pl.Date)},
    ).with_row_index("ordinal")
    return (
        bars.join(
            calendar.with_columns(pl.col("ordinal").cast(pl.Int32)),
            on="session",
            how="left",
            maintain_order="left",
        )
        .sort("ticker", "session")
        .with_columns(factor=factor_expr())
        .with_columns(scale=scale_expr())
    )


def adjusted(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars of `with_scale`, with prices (Float64 won) and volume (Float64) on today's scale.

    `value`, in won, is the same on every scale.
    """
    prices = [pl.col(name) * pl.col("scale") for name in PRICES if name in bars.columns]
    return bars.with_columns(*prices, pl.col("volume") / pl.col("scale"))


def factor_expr() -> pl.Expr:
    """`factor` of bars sorted by ticker and session, with `ordinal`; see `with_scale`."""
    known = (
        (pl.col("ticker") == pl.col("ticker").shift(1))
        & (pl.col("ordinal") == pl.col("ordinal").shift(1) + 1)
        & ~pl.col("adjusted")
        & ~pl.col("adjusted").shift(1)
        & pl.col("base").is_not_null()
    )
    return pl.when(known).then(pl.col("base") / pl.col("close").shift(1)).otherwise(1.0)


def scale_expr() -> pl.Expr:
    """`scale` of bars with `factor`, sorted by ticker and session; see `with_scale`."""
    later = pl.col("factor").shift(-1, fill_value=1.0).cum_prod(reverse=True).over("ticker")
    return pl.when(pl.col("adjusted")).then(1.0).otherwise(later)
