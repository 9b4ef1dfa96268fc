"""Whether a bar's four prices fit together, and mending what rounding left."""

from __future__ import annotations

import polars as pl

RELATIVE = 0.001  # a high under, or a low above, the other prices by this much is rounding
PRICES = ("open", "high", "low", "close")


def in_order(*, tolerance_won: float) -> pl.Expr:
    """Whether high and low enclose open and close, up to rounding.

    Tolerated are `tolerance_won` won or 0.1 % of the price. A bar whose open, high and low
    and volume are all 0 is a halted stock's.
    """
    highest, lowest = pl.max_horizontal(PRICES), pl.min_horizontal(PRICES)
    over, under = highest - pl.col("high"), pl.col("low") - lowest
    slack = pl.max_horizontal(highest * RELATIVE, pl.lit(tolerance_won))
    return _halted() | ((over <= slack) & (under <= slack) & (lowest > 0))


def mended() -> list[pl.Expr]:
    """`high` and `low` widened to include every price of the bar; a halted stock's stay 0."""
    return [
        pl.when(_halted()).then("high").otherwise(pl.max_horizontal(PRICES)).alias("high"),
        pl.when(_halted()).then("low").otherwise(pl.min_horizontal(PRICES)).alias("low"),
    ]


def _halted() -> pl.Expr:
    prices = [pl.col(name) == 0 for name in ("open", "high", "low")]
    return pl.all_horizontal(*prices, pl.col("volume").fill_null(0) == 0)
