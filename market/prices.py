"""Tick sizes, rounding to a tick and daily price limits, for one price and for a column.

Prices are won. Each rule exists twice, for a number and as a Polars expression (`…_expr`);
a property test holds them equal. Without a session today's rules hold; with one, those of that
session and market (unknown market: KOSPI's).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Final, TypeAlias

import polars as pl

Table: TypeAlias = Sequence[tuple[int | None, int]]

# KRX business rules since 2023-01-25, the same for KOSPI, KOSDAQ and KONEX shares.
# (prices below, tick)
TICKS_SINCE: Final = date(2023, 1, 25)
TICKS: Final = (
    (2_000, 1),
    (5_000, 5),
    (20_000, 10),
    (50_000, 50),
    (200_000, 100),
    (500_000, 500),
    (None, 1_000),
)
# Those before: from general knowledge of the exchange's rules, not from a stored source.
OLD_TICKS: Final = (
    (1_000, 1),
    (5_000, 5),
    (10_000, 10),
    (50_000, 50),
    (100_000, 100),
    (500_000, 500),
    (None, 1_000),
)
OLD_TICKS_KOSDAQ: Final = (*OLD_TICKS[:4], (None, 100))

# Of the base price, on KOSPI and KOSDAQ; KONEX has 15 % still. The date of the change is a rule of
# the exchange; the 15 % before it hold since 1998-12-07, earlier they were narrower.
LIMIT_SINCE: Final = date(2015, 6, 15)
LIMIT_PERCENT: Final = 30
OLD_LIMIT_PERCENT: Final = 15

# A price computed in floating point may miss the tick it means by this much, relatively.
TOLERANCE: Final = 1e-9


def tick_size(price: float, session: date | None = None, market: str | None = None) -> int:
    """The tick (won) of prices like this one."""
    for below, tick in _table(session, market):
        if below is None or price < below:
            return tick
    raise AssertionError("the last tick has no upper end")


def round_up(price: float, session: date | None = None, market: str | None = None) -> int:
    """The lowest allowed price that is not below `price`."""
    tick = tick_size(price, session, market)
    return math.ceil(price / tick * (1 - TOLERANCE)) * tick


def round_down(price: float, session: date | None = None, market: str | None = None) -> int:
    """The highest allowed price that is not above `price`."""
    tick = tick_size(price, session, market)
    return math.floor(price / tick * (1 + TOLERANCE)) * tick


def round_nearest(price: float, session: date | None = None, market: str | None = None) -> int:
    """The allowed price nearest to `price`; the higher one when it lies in the middle."""
    tick = tick_size(price, session, market)
    return math.floor(price / tick * (1 + TOLERANCE) + 0.5) * tick


def upper_limit(base: int, session: date | None = None, market: str | None = None) -> int:
    """The highest price of a session with this base price (won).

    KRX cuts the width (three tenths of the base) down to the base's tick and then rounds
    inward. All 785 upper and 26 of 28 lower limits touched in early 2026 agree; the other two
    fell through it, in a stock that had no limit any more.
    """
    return round_down(base + _width(base, session, market), session, market)


def lower_limit(base: int, session: date | None = None, market: str | None = None) -> int:
    """The lowest price of a session with this base price (won)."""
    return round_up(base - _width(base, session, market), session, market)


def tick_size_expr(
    price: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`tick_size` of a column, as Int64; null stays null."""
    size = _sized(price, TICKS)
    if session is not None:
        old = _sized(price, OLD_TICKS)
        if market is not None:
            kosdaq = (market == "KOSDAQ").fill_null(False)
            old = pl.when(kosdaq).then(_sized(price, OLD_TICKS_KOSDAQ)).otherwise(old)
        size = pl.when(session < pl.lit(TICKS_SINCE)).then(old).otherwise(size)
    return pl.when(price.is_not_null()).then(size)


def round_up_expr(
    price: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`round_up` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price, session, market)
    return (price / tick * (1 - TOLERANCE)).ceil().cast(pl.Int64) * tick


def round_down_expr(
    price: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`round_down` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price, session, market)
    return (price / tick * (1 + TOLERANCE)).floor().cast(pl.Int64) * tick


def round_nearest_expr(
    price: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`round_nearest` of a column, as Int64; null stays null."""
    tick = tick_size_expr(price, session, market)
    return (price / tick * (1 + TOLERANCE) + 0.5).floor().cast(pl.Int64) * tick


def upper_limit_expr(
    base: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`upper_limit` of an integer column, as Int64; null stays null."""
    return round_down_expr(base + _width_expr(base, session, market), session, market)


def lower_limit_expr(
    base: pl.Expr, session: pl.Expr | None = None, market: pl.Expr | None = None
) -> pl.Expr:
    """`lower_limit` of an integer column, as Int64; null stays null."""
    return round_up_expr(base - _width_expr(base, session, market), session, market)


def _table(session: date | None, market: str | None) -> Table:
    if session is None or session >= TICKS_SINCE:
        return TICKS
    return OLD_TICKS_KOSDAQ if market == "KOSDAQ" else OLD_TICKS


def _sized(price: pl.Expr, table: Table) -> pl.Expr:
    size = pl.lit(table[-1][1], pl.Int64)
    for below, tick in reversed(table[:-1]):
        size = pl.when(price < below).then(pl.lit(tick, pl.Int64)).otherwise(size)
    return size


def _width(base: int, session: date | None, market: str | None) -> int:
    tick = tick_size(base, session, market)
    old = session is not None and session < LIMIT_SINCE
    return base * (OLD_LIMIT_PERCENT if old else LIMIT_PERCENT) // 100 // tick * tick


def _width_expr(base: pl.Expr, session: pl.Expr | None, market: pl.Expr | None) -> pl.Expr:
    tick = tick_size_expr(base, session, market)
    percent = pl.lit(LIMIT_PERCENT, pl.Int64)
    if session is not None:
        old = session < pl.lit(LIMIT_SINCE)
        percent = pl.when(old).then(pl.lit(OLD_LIMIT_PERCENT, pl.Int64)).otherwise(percent)
    return base.cast(pl.Int64) * percent // 100 // tick * tick
