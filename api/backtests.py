"""Backtests as answers: their shapes, how rows become them, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import Field

from api.models import Shape, Won
from api.queries import Grade, Query
from market.clock import SEOUL
from market.scanners import ScannerName

Percent = Annotated[float, Field(description="percent")]
PERCENT = (
    "total_return",
    "cagr",
    "volatility",
    "max_drawdown",
    "exposure",
    "hit_rate",
    "average_return",
    "median_return",
    "kospi_return",
    "kospi_cagr",
    "kospi_max_drawdown",
    "universe_return",
    "universe_cagr",
    "universe_max_drawdown",
)


class BacktestQuery(Query):
    """What /api/kr/backtests may be asked."""

    limit: int = Field(20, ge=1, le=100)
    scanner: ScannerName | None = None


class BacktestFigures(Shape):
    """Null: can't be told, as a ratio without losses. The riskless rate is taken as 0."""

    total_return_pct: Percent
    cagr_pct: Percent | None
    volatility_pct: Percent | None
    sharpe: float | None
    sortino: float | None
    max_drawdown_pct: Percent
    drawdown_sessions: int = Field(description="the longest time under an earlier top")
    exposure_pct: Percent
    turnover: float | None = Field(description="times the equity, a year")
    trades: int = Field(description="closed ones")
    open_trades: int
    hit_rate_pct: Percent | None
    profit_factor: float | None
    average_return_pct: Percent | None
    median_return_pct: Percent | None
    average_sessions: float | None
    costs: Won
    profit: Won
    kospi_return_pct: Percent | None
    kospi_cagr_pct: Percent | None
    kospi_max_drawdown_pct: Percent | None
    universe_return_pct: Percent | None
    universe_cagr_pct: Percent | None
    universe_max_drawdown_pct: Percent | None


class Survivorship(Shape):
    """Whether stocks delisted since are in the data; without them figures are too good."""

    verdict: Literal["included", "partly", "absent", "unknown"]
    words: str
    stocks: int
    ended: int
    missing: int


class BacktestFacts(Shape):
    """What has to be known to read the figures."""

    sessions: int
    survivorship: Survivorship
    trials: int = Field(description="sets of rules tried with this scanner, this one included")
    costs: str
    conditions: list[str] = Field(description="what would have to be true")
    notes: list[str] = Field(description="what the data lacks")
    signals: int
    filled: int
    not_bought: dict[str, int]
    gates: dict[str, int]


class BacktestRun(Shape):
    """A scanner traded over history in one account."""

    id: int
    scanner: ScannerName
    first: date
    last: date
    source: str
    capital: Won
    changes: dict[str, Any] = Field(description="rules that aren't the default ones")
    rules_hash: str
    rules_version: str
    figures: BacktestFigures
    facts: BacktestFacts
    seconds: float
    created_at: datetime


class EquityPoint(Shape):
    """The account at a session's close; the two markets are 1 at the start."""

    session: date
    equity: Won
    cash: Won
    holdings: Won
    positions: int
    kospi: float | None
    universe: float | None


class BacktestTrade(Shape):
    """Prices and shares as traded in their sessions; null while it is held."""

    number: int
    ticker: str
    name: str | None
    signal_session: date
    grade: Grade
    score: float
    out_of: float
    gate: Literal["GREEN", "YELLOW", "RED"] | None
    bought_session: date
    bought_price: Won
    bought_shares: int
    sold_session: date | None
    sold_price: Won | None
    sold_shares: int | None
    reason: str
    costs: Won
    profit: Won
    profit_pct: Percent
    sessions_held: int


class BacktestWhole(BacktestRun):
    """A run with the rules, limits and costs it was made under, its equity curve and trades."""

    spec: dict[str, Any]
    equity: list[EquityPoint]
    trades: list[BacktestTrade]


def run(row: Mapping[str, Any]) -> dict[str, Any]:
    """An object of /api/kr/backtests, from a row of Backtests."""
    return {
        "id": row["id"],
        "scanner": row["scanner"],
        "first": row["first"],
        "last": row["last"],
        "source": row["source"],
        "capital": row["capital"],
        "changes": row["spec"]["changes"],
        "rules_hash": row["rules_hash"],
        "rules_version": row["rules_version"],
        "figures": _figures(row["figures"]),
        "facts": row["facts"],
        "seconds": row["seconds"],
        "created_at": row["created_at"].astimezone(SEOUL),
    }


def whole(row: Mapping[str, Any], equity: pl.DataFrame, trades: pl.DataFrame) -> dict[str, Any]:
    """The object of /api/kr/backtests/{id}."""
    details = {"spec": row["spec"], "equity": equity.to_dicts(), "trades": trades.to_dicts()}
    return run(row) | details


def _figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_figure(name, value) for name, value in figures.items())


def _figure(name: str, value: Any) -> tuple[str, Any]:
    if name not in PERCENT:
        return name, value
    return f"{name}_pct", None if value is None else round(value * 100, 6)


RUN: Final[dict[str, Any]] = {
    "id": 12,
    "scanner": "vcp",
    "first": "2015-01-02",
    "last": "2025-12-30",
    "source": "stored",
    "capital": 100000000,
    "changes": {"vcp.pivot.max_below": 0.04},
    "rules_hash": "6f1c0a9be2d4",
    "rules_version": "1",
    "figures": {
        "total_return_pct": 48.2,
        "cagr_pct": 3.64,
        "volatility_pct": 9.1,
        "sharpe": 0.44,
        "sortino": 0.61,
        "max_drawdown_pct": -17.3,
        "drawdown_sessions": 611,
        "exposure_pct": 38.2,
        "turnover": 4.1,
        "trades": 1412,
        "open_trades": 5,
        "hit_rate_pct": 41.6,
        "profit_factor": 1.18,
        "average_return_pct": 0.62,
        "median_return_pct": -1.9,
        "average_sessions": 14.2,
        "costs": 21400000,
        "profit": 48200000,
        "kospi_return_pct": 31.0,
        "kospi_cagr_pct": 2.49,
        "kospi_max_drawdown_pct": -43.9,
        "universe_return_pct": 22.0,
        "universe_cagr_pct": 1.83,
        "universe_max_drawdown_pct": -48.2,
    },
    "facts": {
        "sessions": 2706,
        "survivorship": {
            "verdict": "included",
            "words": "delisted stocks are in the data: 391 of 2,903 end before the range",
            "stocks": 2903,
            "ended": 391,
            "missing": 0,
        },
        "trials": 14,
        "costs": "each side 0.0186% commission and fees and 1 tick of slippage",
        "conditions": ["buying up to 2% of a session's volume moved no price"],
        "notes": ["no news: that part of closing_bet is missing"],
        "signals": 19204,
        "filled": 9120,
        "not_bought": {"exposure used up": 5120, "held already": 2588},
        "gates": {"GREEN": 840, "RED": 780, "YELLOW": 1086},
    },
    "seconds": 41.2,
    "created_at": "2026-02-20T16:46:02.120000+09:00",
}
WHOLE: Final[dict[str, Any]] = RUN | {
    "spec": {"capital": 100000000, "limits": {"max_positions": 5}},
    "equity": [
        {
            "session": "2015-01-02",
            "equity": 100000000,
            "cash": 90412000,
            "holdings": 9588000,
            "positions": 1,
            "kospi": 1.0057,
            "universe": 1.0031,
        }
    ],
    "trades": [
        {
            "number": 1,
            "ticker": "005930",
            "name": "삼성전자",
            "signal_session": "2015-01-02",
            "grade": "A",
            "score": 71.0,
            "out_of": 100.0,
            "gate": "GREEN",
            "bought_session": "2015-01-05",
            "bought_price": 1331000,
            "bought_shares": 7,
            "sold_session": "2015-01-28",
            "sold_price": 1392000,
            "sold_shares": 7,
            "reason": "target",
            "costs": 46000,
            "profit": 381000,
            "profit_pct": 4.09,
            "sessions_held": 17,
        }
    ],
}
