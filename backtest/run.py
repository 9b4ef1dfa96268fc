"""A backtest: scan history, follow its signals, trade them in one account, measure it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from backtest import facts
from backtest.candidates import candidates, followed
from backtest.figures import Figures, figures
from backtest.markets import market_curves
from backtest.plan import Plan
from backtest.portfolio import Outcome, simulate
from backtest.prices import Prices, prices_of, scaled_bars
from errors import BadMarketData
from market.data import MarketData
from outcomes.rows import Rows, markets_of, rows_of
from scanners import scan


@dataclass(frozen=True)
class Scanned:
    """A range scanned with a plan's rules; other trades, limits and capital can be tried on it.

    `bars` as backtest.prices.scaled_bars gives them, `signals` and `gate` as scanners.scan does;
    `rows` and `prices` of the stocks with signals, prices from the plan's first session on.
    """

    data: MarketData
    sessions: list[date]
    bars: pl.DataFrame
    signals: pl.DataFrame
    gate: pl.DataFrame
    rows: Rows
    prices: Prices


@dataclass(frozen=True)
class Ready:
    """Signals followed to their end; accounts over any part of the range are cheap from here.

    `filled` as backtest.candidates.followed gives it.
    """

    plan: Plan
    scanned: Scanned
    filled: pl.DataFrame


@dataclass(frozen=True)
class Traded:
    """An account's history; `before` is the session whose close it begins at."""

    outcome: Outcome
    sessions: list[date]
    before: date
    filled: int


@dataclass(frozen=True)
class Result:
    """`equity`: session, equity, cash, holdings, positions (won, counts), kospi and universe (1 at
    the start); `trades`: market.schemas.TradeList; `facts` as JSON holds
    them: what has to be known to read the figures.
    """

    plan: Plan
    equity: pl.DataFrame
    trades: pl.DataFrame
    figures: Figures
    facts: dict[str, Any]


def backtest(data: MarketData, schedule: pl.DataFrame, plan: Plan) -> Result:
    """The plan tried on this data, whose `schedule` begins LOOKBACK sessions before it.

    Deterministic. The schedule's as-of decides what was known: with that of the close, net buying
    is that of the session before.

    Raises:
        BadMarketData: no bars in the range.
    """
    return account(follow_all(scan_all(data, schedule, plan), plan), plan.first, plan.last)


def scan_all(data: MarketData, schedule: pl.DataFrame, plan: Plan) -> Scanned:
    """Scan the plan's range with its rules.

    Raises:
        BadMarketData: no bars in the range.
    """
    sessions = schedule["session"].to_list()
    start = int(schedule["session"].search_sorted(plan.first, side="left"))
    if data.bars.is_empty() or start >= len(sessions):
        raise BadMarketData(
            f"nothing is stored from {plan.first} to {plan.last}",
            remedy="import it, or choose another range (closebell doctor says what is stored)",
        )
    found = scan(
        data,
        schedule,
        sessions[start],
        plan.rules,
        scanners=(plan.scanner, "market_gate"),
        keep_scores=False,
    )
    assert found.gate is not None
    signals = found.results[plan.scanner].signals
    return prepared(data, sessions, signals, found.gate, plan)


def prepared(
    data: MarketData,
    sessions: list[date],
    signals: pl.DataFrame,
    gate: pl.DataFrame,
    plan: Plan,
) -> Scanned:
    """Signals, wherever they come from, with all that following and trading them needs."""
    bars = scaled_bars(data, sessions)
    tickers = signals["ticker"].unique().sort()
    start = bisect_left(sessions, plan.first)
    markets = markets_of(data.instruments)
    return Scanned(
        data,
        sessions,
        bars,
        signals,
        gate,
        rows_of(data.bars, sessions, tickers, plan.trades.gone_after, markets),
        prices_of(bars, sessions, start, tickers.to_list()),
    )


def follow_all(scanned: Scanned, plan: Plan) -> Ready:
    """Follow every signal to its end under the plan's trade rules and costs."""
    rows, gone_after = scanned.rows, plan.trades.gone_after
    if rows.gone_after != gone_after:
        data, tickers = scanned.data, scanned.signals["ticker"]
        markets = markets_of(data.instruments)
        rows = rows_of(data.bars, scanned.sessions, tickers, gone_after, markets)
    filled = followed(scanned.signals, scanned.gate, scanned.data, rows, plan.trades)
    return Ready(plan, scanned, filled)


def trade(ready: Ready, first: date, last: date) -> Traded:
    """One account from its capital at the close before `first` to the close of `last`."""
    plan, scanned = ready.plan, ready.scanned
    prices = scanned.prices.between(first, last)
    sessions = prices.sessions
    filled = ready.filled.filter(
        pl.col("session") >= sessions[0],
        pl.col("filled_session").is_between(sessions[0], sessions[-1]),
    )
    outcome = simulate(
        candidates(filled, prices, plan.limits),
        prices,
        plan.limits,
        plan.capital,
        sell_first=plan.scanner == "closing_bet",
    )
    start = bisect_left(scanned.sessions, sessions[0])
    before = scanned.sessions[start - 1] if start else sessions[0]
    return Traded(outcome, sessions, before, len(filled))


def account(ready: Ready, first: date, last: date) -> Result:
    """The same, measured against the markets, with all that has to be known to read it."""
    plan, scanned, data = ready.plan, ready.scanned, ready.scanned.data
    done = trade(ready, first, last)
    sessions = done.sessions
    curves = market_curves(data, scanned.bars, sessions)
    equity = done.outcome.equity.join(curves, on="session", how="left", maintain_order="left")
    trades = done.outcome.trades.join(_names(data), on="ticker", how="left", maintain_order="left")
    within = pl.col("session").is_between(sessions[0], sessions[-1])
    signals = scanned.signals.filter(within)
    colours = scanned.gate.filter(within).group_by("status").len().drop_nulls().sort("status")
    return Result(
        plan=plan.between(first, last),
        equity=equity,
        trades=trades,
        figures=figures(plan.capital, done.before, equity, trades),
        facts={
            "sessions": len(sessions),
            "survivorship": facts.survivorship(data, sessions),
            "signals": signals.height,
            "filled": done.filled,
            "not_bought": done.outcome.not_bought,
            "gates": dict(colours.rows()),
            "costs": facts.cost_words(plan),
            "notes": [
                *facts.data_notes(data, signals, plan.scanner),
                *facts.large_sales(data, trades, plan.limits.max_volume),
            ],
            "conditions": facts.conditions(plan),
        },
    )


def as_json(found: Figures) -> dict[str, Any]:
    """The figures by their names."""
    return asdict(found)


def _names(data: MarketData) -> pl.DataFrame:
    newest = data.instruments.sort("since").unique("ticker", keep="last")
    return newest.select("ticker", "name")
