"""How good signals were: figures by scanner, grade and market gate at the time."""

from __future__ import annotations

from itertools import product

import polars as pl

from outcomes.follow import ENDS
from outcomes.returns import HORIZONS

ALL = "all"
# Two-sided 95 % of the normal distribution.
Z = 1.959963984540054


def performance(outcomes: pl.DataFrame, min_sample: int) -> pl.DataFrame:
    """One row a scanner, a grade or all of them, and a gate or all of them.

    Args:
        outcomes: one row a signal: scanner, session, as_of, ticker, grade, gate (null: none was
            known), status, filled_session, closed_session, net_return, random_return,
            sessions_held and the columns of `returns`. Of several slots of a session the first
            that a stock was found in counts: it is what could be acted on.
        min_sample: fewer distinct trades are a small sample.

    Returns:
        scanner, grade, gate ("all", "unknown"), signals, filled, held (not ended yet), closed,
        trades (distinct: one stock bought and sold in the same sessions counts once however often
        it was signalled), hit_rate with hit_low and hit_high (95 %, Wilson, of that many trades;
        a hit earns more than its costs), expectancy, random_expectancy and edge (means after
        costs, edge of those where both are known), profit_factor (null without a loss),
        sessions_held (mean), and per horizon h: n_h, mean_h, median_h, market_h (mean of the
        same signals), edge_h; small. All returns are fractions; without a value null.
    """
    first = outcomes.sort("as_of").unique(
        ["scanner", "session", "ticker"], keep="first", maintain_order=True
    )
    first = first.with_columns(gate=pl.col("gate").cast(pl.String).fill_null("unknown"))
    cubes = []
    for by_grade, by_gate in product((False, True), repeat=2):
        grade = pl.col("grade").cast(pl.String) if by_grade else pl.lit(ALL)
        gate = pl.col("gate") if by_gate else pl.lit(ALL)
        cubes.append(first.with_columns(grade=grade, gate=gate))
    order = pl.col("grade").replace_strict(
        {ALL: 0, "S": 1, "A": 2, "B": 3, "C": 4}, default=5, return_dtype=pl.Int8
    )
    return (
        pl.concat(cubes)
        .group_by("scanner", "grade", "gate")
        .agg(_counts() + _trades() + _afterwards())
        .with_columns(**_wilson(), small=pl.col("trades") < min_sample)
        .sort("scanner", order, pl.col("gate") != ALL, "gate")
    )


def _counts() -> list[pl.Expr]:
    filled = pl.col("filled_session").is_not_null()
    return [
        pl.len().alias("signals"),
        filled.sum().alias("filled"),
        (pl.col("status") == "filled").sum().alias("held"),
        (filled & pl.col("status").is_in(ENDS)).sum().alias("closed"),
    ]


def _trades() -> list[pl.Expr]:
    net, other = pl.col("net_return"), pl.col("random_return")
    trade = pl.struct("ticker", "filled_session", "closed_session")
    losses = -net.filter(net < 0).sum()
    return [
        trade.filter(net.is_not_null()).n_unique().alias("trades"),
        (net > 0).mean().alias("hit_rate"),
        net.mean().alias("expectancy"),
        other.mean().alias("random_expectancy"),
        (net - other).mean().alias("edge"),
        pl.when(losses > 0).then(net.filter(net > 0).sum() / losses).alias("profit_factor"),
        pl.col("sessions_held").filter(net.is_not_null()).mean().alias("sessions_held"),
    ]


def _afterwards() -> list[pl.Expr]:
    found = []
    for horizon in HORIZONS:
        own, market = pl.col(f"return_{horizon}"), pl.col(f"market_{horizon}")
        found += [
            own.count().alias(f"n_{horizon}"),
            own.mean().alias(f"mean_{horizon}"),
            own.median().alias(f"median_{horizon}"),
            market.filter(own.is_not_null()).mean().alias(f"market_{horizon}"),
            (own - market).mean().alias(f"edge_{horizon}"),
        ]
    return found


def _wilson() -> dict[str, pl.Expr]:
    """Wilson, E. B. (1927): the interval that stays within 0 and 1 also for few trades."""
    p, n = pl.col("hit_rate"), pl.col("trades")
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (p * (1 - p) / n + Z**2 / (4 * n**2)).sqrt()
    known = pl.col("hit_rate").is_not_null() & (n > 0)
    return {
        "hit_low": pl.when(known).then((middle - half).clip(0, 1)),
        "hit_high": pl.when(known).then((middle + half).clip(0, 1)),
    }
