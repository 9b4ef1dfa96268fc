"""What became of the signals: steps appended, the newest state kept, figures of all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)

from db.bulk import Stored, copy_in, lock, staged, store
from db.models import InstrumentVersion, MarketGate, Outcome, Performance, Signal, SignalTransition
from db.models.base import table_of
from db.repositories.events import Events

_SIGNAL: dict[str, Any] = {
    "id": pl.Int64,
    "scanner": pl.String,
    "session": pl.Date,
    "as_of": pl.String,
    "ticker": pl.String,
    "entry": pl.Int64,
    "target": pl.Int64,
    "stop": pl.Int64,
    "pivot": pl.Float64,
    "market": pl.String,
    "was": pl.String,
    "was_filled": pl.Date,
}
_ENDS = ("target", "stopped", "expired")
TRADE = (
    "status",
    "reason",
    "filled_session",
    "filled_price",
    "closed_session",
    "closed_price",
    "factor",
    "gross_return",
    "net_return",
    "random_return",
    "open_return",
    "sessions_held",
)
"""The columns of a trade; what ended stays as it was recorded."""
_WON = ("filled_price", "closed_price")
_FIGURES = (
    "status",
    "reason",
    "filled_session",
    "closed_session",
    "net_return",
    "random_return",
    "sessions_held",
    *(f"{kind}_{horizon}" for kind in ("return", "market") for horizon in (1, 5, 20)),
)


@dataclass(frozen=True)
class Settled:
    """How many steps were appended, and how many signals' figures were new or changed."""

    transitions: int
    outcomes: Stored

    def __bool__(self) -> bool:
        return bool(self.transitions or self.outcomes.stored)


class Outcomes:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def lock(self) -> None:
        """Wait until nobody else settles; until this transaction ends nobody else can."""
        lock(self._connection, "outcomes")

    def pending(self, until: date) -> pl.DataFrame:
        """Signals up to that session that may still change, and how they stood (null: never seen).

        Columns: id, scanner, session, as_of, ticker, entry, target, stop, pivot, market, was
        (status), was_filled (session).
        """
        pivot = cast(Signal.parts["pivot"]["price"].astext, Double)
        query = (
            select(
                *(table_of(Signal).c[name] for name in list(_SIGNAL)[:8]),
                pivot.label("pivot"),
                _market_then(),
                Outcome.status.label("was"),
                Outcome.filled_session.label("was_filled"),
            )
            .outerjoin(Outcome, Outcome.signal_id == Signal.id)
            .where(Signal.session <= until, or_(Outcome.signal_id.is_(None), ~Outcome.done))
            .order_by(Signal.session, Signal.id)
        )
        return _frame(self._connection.execute(query), _SIGNAL)

    def ended(self, until: date) -> pl.DataFrame:
        """signal_id and the trade of every pending signal whose trade ended, as it was recorded."""
        columns = [table_of(Outcome).c[name] for name in ("signal_id", *TRADE)]
        query = (
            select(*columns)
            .join(Signal, Signal.id == Outcome.signal_id)
            .where(Signal.session <= until, ~Outcome.done, Outcome.status.in_(_ENDS))
        )
        return _frame(self._connection.execute(query), {c.name: _kind(c.type) for c in columns})

    def record(self, outcomes: pl.DataFrame, transitions: pl.DataFrame, rules_hash: str) -> Settled:
        """Write how signals stand now, and append the steps that led there.

        A signal's own status follows, unless it is withdrawn.

        Args:
            outcomes: signal_id and the columns of the table.
            transitions: signal_id, from_status, status, reason, session, price (won).
        """
        self.lock()
        whole = [pl.col(name).round().cast(pl.Int64) for name in _WON]
        rows = outcomes.with_columns(*whole, rules_hash=pl.lit(rules_hash))
        done = store(self._connection, table_of(Outcome), rows, attributes=["rules_hash"])
        steps = transitions.with_columns(pl.col("price").round().cast(pl.Int64))
        if not steps.is_empty():
            columns = [c.name for c in table_of(SignalTransition).c]
            known = [name for name in columns if name in steps.columns]
            copy_in(self._connection, SignalTransition.__tablename__, steps.select(known))
        moved = self._follow(rows.select(id="signal_id", status="status"))
        settled = Settled(steps.height, done)
        if settled or moved:
            self._events.changed("outcomes")
        return settled

    def _follow(self, rows: pl.DataFrame) -> int:
        """Give the signals their outcomes' status."""
        if rows.is_empty():
            return 0
        with staged(self._connection, table_of(Signal), rows) as new:
            statement = (
                update(Signal)
                .values(status=new.c.status, updated_at=func.now())
                .where(
                    Signal.id == new.c.id,
                    Signal.status != "withdrawn",
                    Signal.status != new.c.status,
                )
                .execution_options(synchronize_session=False)
            )
            return self._connection.execute(statement).rowcount

    def figures(
        self,
        *,
        scanners: Collection[str] | None = None,
        grades: Collection[str] | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> pl.DataFrame:
        """Every followed signal with its figures, its grade and the market gate of its slot.

        The gate is null where none was known by then.
        """
        gate = (
            select(MarketGate.status)
            .where(MarketGate.session == Signal.session, MarketGate.as_of <= Signal.as_of)
            .order_by(MarketGate.as_of.desc())
            .limit(1)
            .scalar_subquery()
        )
        table = table_of(Outcome)
        query = select(
            Signal.scanner,
            Signal.session,
            Signal.as_of,
            Signal.ticker,
            Signal.grade,
            gate.label("gate"),
            *(table.c[name] for name in _FIGURES),
        ).join(Outcome, Outcome.signal_id == Signal.id)
        if scanners is not None:
            query = query.where(Signal.scanner.in_(scanners))
        if grades is not None:
            query = query.where(Signal.grade.in_(grades))
        if first is not None:
            query = query.where(Signal.session >= first)
        if last is not None:
            query = query.where(Signal.session <= last)
        kinds = {c.name: _kind(c.type) for c in query.selected_columns}
        return _frame(self._connection.execute(query), kinds)

    def settled_to(self) -> date | None:
        """The session the figures were last made for."""
        return self._connection.scalar(select(func.max(Performance.settled_to)))

    def report(self, report: Mapping[str, Any], rules_hash: str) -> Stored:
        """Keep the figures of a period ("all", or a year); the same ones, nothing.

        Args:
            report: period, settled_to, survivorship, delisted_held, groups (what JSON can hold);
                what else it has isn't kept.
        """
        kept = ("period", "settled_to", "survivorship", "delisted_held", "groups")
        row = {name: report[name] for name in kept} | {"rules_hash": rules_hash}
        period = row["period"]
        table = table_of(Performance)
        before = self._connection.execute(
            select(*(table.c[name] for name in row)).where(Performance.period == period)
        ).first()
        if before is not None and dict(before._mapping) == row:
            return Stored(0, 0, 1)
        if before is None:
            self._connection.execute(insert(Performance).values(row))
        else:
            self._connection.execute(
                update(Performance)
                .values(row | {"updated_at": func.now()})
                .where(Performance.period == period)
            )
        self._events.changed("performance")
        return Stored(int(before is None), int(before is not None), 0)

    def performance(self, period: str) -> dict[str, Any] | None:
        """The figures kept of a period, or None."""
        query = select(*table_of(Performance).c).where(Performance.period == period)
        row = self._connection.execute(query).mappings().first()
        return dict(row) if row else None

    def transitions(self, signal_ids: Collection[int]) -> list[dict[str, Any]]:
        """The steps of these signals, in order."""
        query = (
            select(*table_of(SignalTransition).c)
            .where(SignalTransition.signal_id.in_(signal_ids))
            .order_by(SignalTransition.signal_id, SignalTransition.id)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def of_signals(self, signal_ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """The outcomes of these signals that have one, by id."""
        query = select(*table_of(Outcome).c).where(Outcome.signal_id.in_(signal_ids))
        rows = self._connection.execute(query).mappings()
        return {row["signal_id"]: dict(row) for row in rows}


def _market_then() -> ColumnElement[Any]:
    version = InstrumentVersion
    return (
        select(version.market)
        .where(version.ticker == Signal.ticker)
        .order_by(
            (version.since <= Signal.session).desc(), func.abs(version.since - Signal.session)
        )
        .limit(1)
        .scalar_subquery()
        .label("market")
    )


def _kind(sql_type: Any) -> Any:
    python = sql_type.python_type
    return {date: pl.Date, float: pl.Float64, int: pl.Int64, str: pl.String}[python]


def _frame(found: Any, schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in found], schema=dict(schema), orient="row")
