"""What an account came to, in figures; each is defined where it is computed.

r(t) = equity(t) / equity(t-1) - 1 for t = 1…T, where equity(0) is the capital before the first
session. A = 252, the sessions a year that such figures are usually scaled with. The riskless
rate is taken as 0. A figure whose denominator is 0 is null, never infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

A_YEAR = 252
DAYS_A_YEAR = 365.25
LEAST_DAYS = 360  # from the last session of a year to that of the next there may be a few less
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """Fractions, but for counts, sessions, won and ratios. Null: can't be told."""

    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    drawdown_sessions: int
    exposure: float
    turnover: float | None
    trades: int
    open_trades: int
    hit_rate: float | None
    profit_factor: float | None
    average_return: float | None
    median_return: float | None
    average_sessions: float | None
    costs: int
    profit: int
    kospi_return: float | None
    kospi_cagr: float | None
    kospi_max_drawdown: float | None
    universe_return: float | None
    universe_cagr: float | None
    universe_max_drawdown: float | None


def figures(capital: int, first: date, equity: pl.DataFrame, trades: pl.DataFrame) -> Figures:
    """All figures of an equity curve and its trades (as backtest.portfolio gives them).

    `first` is the day the capital was there: the session before the first of the curve.
    """
    curve = np.concatenate([[capital], equity["equity"].to_numpy()]).astype(np.float64)
    days = (_last(equity) - first).days
    r = returns(curve)
    deep, long = drawdown(curve)
    closed = trades.filter(pl.col("sold_session").is_not_null())
    profits = closed["profit"].to_numpy()
    gained, lost = profits[profits > 0].sum(), -profits[profits < 0].sum()
    kospi, universe = (_market(equity[name], days) for name in ("kospi", "universe"))
    return Figures(
        total_return=float(curve[-1] / curve[0] - 1),
        cagr=cagr(curve, days),
        volatility=volatility(r),
        sharpe=sharpe(r),
        sortino=sortino(r),
        max_drawdown=deep,
        drawdown_sessions=long,
        exposure=exposure(equity),
        turnover=turnover(equity, trades, days),
        trades=len(closed),
        open_trades=len(trades) - len(closed),
        hit_rate=float((profits > 0).mean()) if len(profits) else None,
        profit_factor=float(gained / lost) if lost > 0 else None,
        average_return=_number(closed["profit_pct"].mean(), 100),
        median_return=_number(closed["profit_pct"].median(), 100),
        average_sessions=_number(closed["sessions_held"].mean()),
        costs=int(trades["costs"].sum()),
        profit=int(trades["profit"].sum()),
        kospi_return=kospi[0],
        kospi_cagr=kospi[1],
        kospi_max_drawdown=kospi[2],
        universe_return=universe[0],
        universe_cagr=universe[1],
        universe_max_drawdown=universe[2],
    )


def returns(curve: Floats) -> Floats:
    """r(t) of a curve whose first value is the capital."""
    before = curve[:-1]
    return np.divide(curve[1:], before, out=np.ones_like(before), where=before > 0) - 1


def cagr(curve: Floats, days: int) -> float | None:
    """(equity(T) / equity(0)) ^ (365.25 / calendar days) - 1; null for less than a year.

    What some weeks brought, raised to a year's power, says nothing.
    """
    if days < LEAST_DAYS or curve[-1] < 0:
        return None
    return float((curve[-1] / curve[0]) ** (DAYS_A_YEAR / days) - 1)


def volatility(r: Floats) -> float | None:
    """Standard deviation of r (ddof 1) x sqrt(A)."""
    return float(r.std(ddof=1) * math.sqrt(A_YEAR)) if len(r) > 1 else None


def sharpe(r: Floats) -> float | None:
    """mean(r) / standard deviation of r (ddof 1) x sqrt(A)."""
    deviation = r.std(ddof=1) if len(r) > 1 else 0.0
    return float(r.mean() / deviation * math.sqrt(A_YEAR)) if deviation > 0 else None


def sortino(r: Floats) -> float | None:
    """mean(r) / sqrt(mean(min(r, 0)²)) x sqrt(A)."""
    below = math.sqrt(float((np.minimum(r, 0) ** 2).mean())) if len(r) else 0.0
    return float(r.mean() / below * math.sqrt(A_YEAR)) if below > 0 else None


def drawdown(curve: Floats) -> tuple[float, int]:
    """The deepest fall, min of equity(t) / max(equity(0…t)) - 1, and the longest time under water.

    The time is the most sessions in a row that lie under an earlier equity.
    """
    top = np.maximum.accumulate(curve)
    fall = curve / top - 1
    under = fall < 0
    run = longest = 0
    for one in under:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return float(fall.min()), longest


def exposure(equity: pl.DataFrame) -> float:
    """mean of holdings(t) / equity(t) over all sessions."""
    shares = equity["holdings"].to_numpy() / np.maximum(equity["equity"].to_numpy(), 1)
    return float(shares.mean())


def turnover(equity: pl.DataFrame, trades: pl.DataFrame, days: int) -> float | None:
    """(won bought + won sold) / 2 / mean equity, a year of 365.25 days."""
    bought = int((trades["bought_price"] * trades["bought_shares"]).sum())
    sold = int((trades["sold_price"] * trades["sold_shares"]).sum())
    mean = equity["equity"].mean()
    if not isinstance(mean, float) or mean <= 0 or days <= 0:
        return None
    return float((bought + sold) / 2 / mean * DAYS_A_YEAR / days)


def _market(curve: pl.Series, days: int) -> tuple[float | None, float | None, float | None]:
    """Return, CAGR and deepest fall of a market's curve that starts at 1."""
    known = curve.drop_nulls()
    if known.is_empty():
        return None, None, None
    values = np.concatenate([[1.0], known.to_numpy()])
    return float(values[-1] - 1), cagr(values, days), drawdown(values)[0]


def _last(equity: pl.DataFrame) -> date:
    last: date = equity["session"][-1]
    return last


def _number(value: object, over: float = 1) -> float | None:
    return float(value) / over if isinstance(value, int | float) else None


def monthly(equity: pl.DataFrame, capital: int) -> list[tuple[int, int, float]]:
    """(year, month, return) of each month of the curve, the first from the capital on."""
    last: Sequence[tuple[int, int, int]] = (
        equity.group_by(year=pl.col("session").dt.year(), month=pl.col("session").dt.month())
        .agg(pl.col("equity").last())
        .sort("year", "month")
        .rows()
    )
    found, before = [], capital
    for year, month, value in last:
        found.append((year, month, value / before - 1 if before > 0 else 0.0))
        before = value
    return found
