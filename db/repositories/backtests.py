"""Backtests: what was tried on the past, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Double, delete, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.bulk import copy_in
from db.models import Backtest, BacktestEquity, BacktestTrade, Sweep, SweepTrial
from db.models.base import Base, table_of
from db.repositories.events import Events
from market.schemas import EquityCurve, TradeList

EQUITY_SCHEMA: Final = EquityCurve.create_empty().schema
TRADE_SCHEMA: Final = TradeList.create_empty().schema


@dataclass(frozen=True)
class NewBacktest:
    """One run as it is recorded; the three mappings are what JSON can hold."""

    key: str
    scanner: str
    first: date
    last: date
    source: str
    capital: int
    rules_hash: str
    rules_version: str
    spec: Mapping[str, Any]
    facts: Mapping[str, Any]
    figures: Mapping[str, Any]
    seconds: float


class Backtests:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, new: NewBacktest, equity: pl.DataFrame, trades: pl.DataFrame) -> int:
        """Record a run with its equity curve and trades; gives its id."""
        statement = insert(Backtest).values(**asdict(new)).returning(Backtest.id)
        number = self._connection.execute(statement).scalar_one()
        self._copy(BacktestEquity, number, equity.select(*EQUITY_SCHEMA))
        self._copy(BacktestTrade, number, trades.select(*TRADE_SCHEMA))
        self._events.changed("backtests")
        return number

    def recent(
        self, limit: int, *, scanner: str | None = None, before: int | None = None
    ) -> list[dict[str, Any]]:
        """The newest runs first, with all their columns."""
        query = select(*table_of(Backtest).c).order_by(Backtest.id.desc()).limit(limit)
        if scanner is not None:
            query = query.where(Backtest.scanner == scanner)
        if before is not None:
            query = query.where(Backtest.id < before)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def get(self, number: int) -> dict[str, Any] | None:
        """One run with all its columns."""
        query = select(*table_of(Backtest).c).where(Backtest.id == number)
        row = self._connection.execute(query).mappings().first()
        return dict(row) if row else None

    def equity(self, number: int) -> pl.DataFrame:
        """The account and the two markets by session."""
        return self._frame(BacktestEquity, number, EQUITY_SCHEMA, "session")

    def trades(self, number: int) -> pl.DataFrame:
        """The trades in the order of their purchases."""
        return self._frame(BacktestTrade, number, TRADE_SCHEMA, "number")

    def remove(self, number: int) -> bool:
        """Forget a run; whether it was there."""
        gone = self._connection.execute(delete(Backtest).where(Backtest.id == number)).rowcount
        if gone:
            self._events.changed("backtests")
        return bool(gone)

    def tried(self, scanner: str, key: str) -> int:
        """How many different runs and trials of sweeps this scanner has had, that of `key` one."""
        runs = select(func.count(func.distinct(Backtest.key))).where(
            Backtest.scanner == scanner, Backtest.key != key
        )
        trials = (
            select(func.count())
            .select_from(SweepTrial)
            .join(Sweep, Sweep.id == SweepTrial.sweep_id)
            .where(Sweep.scanner == scanner)
        )
        return 1 + (self._connection.scalar(runs) or 0) + (self._connection.scalar(trials) or 0)

    def sharpes(self, scanner: str) -> list[float]:
        """The Sharpe ratios (a year) of all its runs and trials of sweeps that have one.

        Of runs of the same the newest counts.
        """
        run = Backtest.figures["sharpe"].astext.cast(Double)
        trial = SweepTrial.result["whole"]["sharpe"].astext.cast(Double)
        runs = (
            select(run)
            .ext(distinct_on(Backtest.key))
            .where(Backtest.scanner == scanner, run.is_not(None))
            .order_by(Backtest.key, Backtest.id.desc())
        )
        trials = (
            select(trial)
            .join(Sweep, Sweep.id == SweepTrial.sweep_id)
            .where(Sweep.scanner == scanner, trial.is_not(None))
        )
        found = [*self._connection.scalars(runs), *self._connection.scalars(trials)]
        return [float(one) for one in found]

    def _copy(self, model: type[Base], number: int, frame: pl.DataFrame) -> None:
        if not frame.is_empty():
            rows = frame.select(pl.lit(number, pl.Int64).alias("backtest_id"), pl.all())
            copy_in(self._connection, table_of(model).name, rows)

    def _frame(
        self, model: type[Base], number: int, schema: Mapping[str, Any], order: str
    ) -> pl.DataFrame:
        table = table_of(model)
        query = (
            select(*(table.c[name] for name in schema))
            .where(table.c.backtest_id == number)
            .order_by(table.c[order])
        )
        rows = self._connection.execute(query).all()
        return pl.DataFrame([tuple(row) for row in rows], schema=dict(schema), orient="row")
