"""Tick sizes, rounding to a tick and daily price limits, for one price and for a column.

Prices are won. Each rule exists twice, for a number and as a Polars expression (`…_expr`);
a property test holds them equal.
"""

from __future__ import annotations

import math
from typing import Final

import polars as pl

# KRX business rules since 2023-01-25, the same for KOSPI, KOSDAQ and KONEX shares; earlier
# sessions had coarser ticks in parts of the range. (prices below, tick)
TICKS: Final = (
    (2_000, 1),
    (5_000, 5),
    (20_000, 10),
    (50_000, 50),
    (200_000, 100),
    (500_000, 500),
    (None, 1_000),
)

# Three tenths of the base price, on KOSPI and KOSDAQ since 2015-06-15; KONEX has 15 %.
LIMIT_TENTHS: Final = 3

# A price computed in floating point may miss the tick it means by this much, relatively.
TOLERANCE: Final = 1e-9


def tick_size(price: float) -> int:
    """The tick (won) of prices like this one."""
    for below, tick in TICKS:
        if below is None or price < below:
            return tick
    raise AssertionError("the last tick has no upper end")


def round_up(price: float) -> int:
    """The lowest allowed price that is not below `price`."""
    tick = tick_size(price)
    return math.ceil(price / tick * (1 - TOLERANCE)) * tick


def round_down(price: float) -> int:
    """The highest allowed price that is not above `price`."""
    tick = tick_size(price)
    return math.floor(price / tick * (1 + TOLERANCE)) * tick


def round_nearest(price: float) -> int:
    """The allowed price nearest to `price`; the higher one when it lies in the middle."""
    tick = tick_size(price)
    return math.floor(price / tick * (1 + TOLERANCE) + 0.5) * tick


def upper_limit(base: int) -> int:
    """The highest price of a session with this base price (won).

    KRX cuts the width (three tenths of the base) down to the base's tick and then rounds
    inward. All 785 upper and 26 of 28 lower limits touched in early 2026 agree; the other two
    fell through it, in a stock that had no limit any more.
    """
    return round_down(base + _width(base))


def lower_limit(base: int) -> int:
    """The lowest price of a session with this base price (won)."""
    return round_up(base - _width(base))


def tick_size_expr(price: pl.Expr) -> pl.Expr:
    """`tick_size` of a column, as Int64; null stays null."""
    size = pl.lit(TICKS[-1][1], pl.Int64)
    for below, tick in reversed(TICKS[:-1]):
        size = pl.when(price < below).then(pl.lit(tick, pl.Int64)).otherwise(size)
    return pl.when(price.is_not_null()).then(size)


def round_up_expr(price: pl.Expr) -> pl.Expr:
    """`round_up` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price)
    return (price / tick * (1 - TOLERANCE)).ceil().cast(pl.Int64) * tick


def round_down_expr(price: pl.Expr) -> pl.Expr:
    """`round_down` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price)
    return (price / tick * (1 + TOLERANCE)).floor().cast(pl.Int64) * tick


def round_nearest_expr(price: pl.Expr) -> pl.Expr:
    """`round_nearest` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price)
    return (price / tick * (1 + TOLERANCE) + 0.5).floor().cast(pl.Int64) * tick


def upper_limit_expr(base: pl.Expr) -> pl.Expr:
    """`upper_limit` of an integer column, as Int64; null stays null."""
    return round_down_expr(base + _width_expr(base))


def lower_limit_expr(base: pl.Expr) -> pl.Expr:
    """`lower_limit` of an integer column, as Int64; null stays null."""
    return round_up_expr(base - _width_expr(base))


def _width(base: int) -> int:
    tick = tick_size(base)
    return base * LIMIT_TENTHS // 10 // tick * tick


def _width_expr(base: pl.Expr) -> pl.Expr:
    tick = tick_size_expr(base)
    return base.cast(pl.Int64) * LIMIT_TENTHS // 10 // tick * tick
