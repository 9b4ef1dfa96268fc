"""The past tried out: backtests with their equity and trades; sweeps with their trials."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Json, Ticker, Whole


class Backtest(Base):
    """One scanner traded over a range of sessions under one set of rules.

    `key` is equal exactly when scanner, range, market, rules, limits and costs are. `spec` says
    what they were, `facts` what has to be known to read the figures, `figures` what came out.
    """

    __tablename__ = "backtests"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(index=True)
    scanner: Mapped[str]
    first: Mapped[date]
    last: Mapped[date]
    source: Mapped[str]
    capital: Mapped[Whole]
    rules_hash: Mapped[str]
    rules_version: Mapped[str]
    spec: Mapped[Json]
    facts: Mapped[Json]
    figures: Mapped[Json]
    seconds: Mapped[float]
    created_at: Mapped[Created]


class BacktestEquity(Base):
    """The account at the close of one session, won; the two markets in index points from 1."""

    __tablename__ = "backtest_equity"

    backtest_id: Mapped[Whole] = mapped_column(
        ForeignKey(Backtest.id, ondelete="CASCADE"), primary_key=True
    )
    session: Mapped[date] = mapped_column(primary_key=True)
    equity: Mapped[Whole]
    cash: Mapped[Whole]
    holdings: Mapped[Whole]
    positions: Mapped[Whole]
    kospi: Mapped[float | None]
    universe: Mapped[float | None]


class BacktestTrade(Base):
    """One position from its purchase to its sale, or as it stands at the end (no sale yet).

    Prices and shares as traded in their session; `costs` (won) are those of both sides: commission,
    fees, slippage and tax. `profit` is after them, `profit_pct` percent of what was spent.
    """

    __tablename__ = "backtest_trades"

    backtest_id: Mapped[Whole] = mapped_column(
        ForeignKey(Backtest.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[Whole] = mapped_column(primary_key=True)
    ticker: Mapped[Ticker]
    name: Mapped[str | None]
    signal_session: Mapped[date]
    grade: Mapped[str]
    score: Mapped[float]
    out_of: Mapped[float]
    gate: Mapped[str | None]
    bought_session: Mapped[date]
    bought_price: Mapped[Whole]
    bought_shares: Mapped[Whole]
    sold_session: Mapped[date | None]
    sold_price: Mapped[Whole | None]
    sold_shares: Mapped[Whole | None]
    reason: Mapped[str]
    costs: Mapped[Whole]
    profit: Mapped[Whole]
    profit_pct: Mapped[float]
    sessions_held: Mapped[Whole]


class Sweep(Base):
    """A grid of rule values over a range; `key` as in Backtest, so that a rerun goes on."""

    __tablename__ = "sweeps"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    scanner: Mapped[str]
    first: Mapped[date]
    last: Mapped[date]
    source: Mapped[str]
    points: Mapped[Whole]
    spec: Mapped[Json]
    created_at: Mapped[Created]
    finished_at: Mapped[datetime | None]


class SweepTrial(Base):
    """One point of the grid, stored as soon as it was done; `result` has a part each window."""

    __tablename__ = "sweep_trials"

    sweep_id: Mapped[Whole] = mapped_column(
        ForeignKey(Sweep.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[Whole] = mapped_column(primary_key=True)
    changes: Mapped[Json]
    result: Mapped[Json]
    seconds: Mapped[float]
    created_at: Mapped[Created]
