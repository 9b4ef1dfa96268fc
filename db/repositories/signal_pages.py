"""Lists of signals as readers ask for them: filtered, in order, a page at a time, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    exists,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from db.models import InstrumentVersion, ScanRun, Signal
from db.models.base import table_of
from db.repositories.lists_before import list_before

Slots: TypeAlias = Sequence[tuple[str, date, str]]
"""(scanner, session, as-of slot)."""


@dataclass(frozen=True)
class SignalFilter:
    """What a list of signals is narrowed down to; None: not at all. Scores are fractions.

    With `newest_slots`, of a stock's signals of a scanner and session only the newest.
    """

    scanners: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    grades: Sequence[str] | None = None
    market: str | None = None
    min_ratio: float | None = None
    ticker: str | None = None
    newest_slots: bool = False


class SignalPages:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest_slots(
        self, scanners: Sequence[str], session: date | None = None, slot: str | None = None
    ) -> list[tuple[str, date, str]]:
        """Each scanner's newest completed slot, within a session or slot if given."""
        query = (
            select(ScanRun.scanner, ScanRun.session, ScanRun.as_of)
            .ext(distinct_on(ScanRun.scanner))
            .where(ScanRun.status == "completed", ScanRun.scanner.in_(scanners))
            .order_by(ScanRun.scanner, ScanRun.session.desc(), ScanRun.as_of.desc())
        )
        if session is not None:
            query = query.where(ScanRun.session == session)
        if slot is not None:
            query = query.where(ScanRun.as_of == slot)
        return [(scanner, day, as_of) for scanner, day, as_of in self._connection.execute(query)]

    def best(
        self,
        slots: Slots,
        chosen: SignalFilter,
        limit: int,
        after: Sequence[Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The signals of these slots, best first by score/out_of, then out_of, value, ticker.

        Args:
            after: the `position` of the last row of the page before.
        """
        if not slots:
            return []
        place: list[ColumnElement[Any]] = [
            -(Signal.score / Signal.out_of),
            -Signal.out_of,
            -func.coalesce(Signal.value20, -1),
            table_of(Signal).c.ticker,
            table_of(Signal).c.id,
        ]
        query = (
            _signals(chosen)
            .where(tuple_(Signal.scanner, Signal.session, Signal.as_of).in_(slots))
            .order_by(*place)
            .limit(limit)
        )
        if after is not None:
            query = query.where(_tuple(place) > _tuple([literal(value) for value in after]))
        return self._rows(query)

    def of_stock(
        self, chosen: SignalFilter, limit: int, after: Sequence[Any] | None = None
    ) -> list[dict[str, Any]]:
        """One stock's signals of all sessions, newest first."""
        place: list[ColumnElement[Any]] = [
            table_of(Signal).c[name] for name in ("session", "as_of", "id")
        ]
        query = _signals(chosen).order_by(*(column.desc() for column in place)).limit(limit)
        if after is not None:
            query = query.where(_tuple(place) < _tuple([literal(value) for value in after]))
        return self._rows(query)

    def gone(self, slots: Slots, limit: int) -> list[dict[str, Any]]:
        """What the list before had and these slots no longer have, as it was then, best first.

        The list before is the one that `change` compares with.
        """
        found: list[dict[str, Any]] = []
        for scanner, session, as_of in slots:
            before = self._connection.execute(list_before(scanner, session, as_of)).first()
            if before is None:
                continue
            now = aliased(Signal)
            still_there = exists().where(
                now.scanner == scanner,
                now.session == session,
                now.as_of == as_of,
                now.status != "withdrawn",
                now.ticker == Signal.ticker,
            )
            query = (
                _signals(SignalFilter(scanners=[scanner]))
                .where(Signal.session == before.session, Signal.as_of == before.as_of)
                .where(~still_there)
                .order_by((Signal.score / Signal.out_of).desc(), table_of(Signal).c.ticker)
                .limit(limit)
            )
            found += self._rows(query)
        return found

    def count(self, slot: tuple[str, date, str]) -> int:
        """How many signals a slot has, withdrawn ones left aside."""
        query = select(func.count()).where(
            tuple_(Signal.scanner, Signal.session, Signal.as_of) == tuple_(*slot),
            Signal.status != "withdrawn",
        )
        return self._connection.scalar(query) or 0

    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(query).mappings()]


def _signals(chosen: SignalFilter) -> Select[Any]:
    """Parts, reasons and flags as JSON text; name and market as they were in the session."""
    version = InstrumentVersion
    was = (
        select(version.name, version.market)
        .where(version.ticker == Signal.ticker)
        .order_by(
            (version.since <= Signal.session).desc(), func.abs(version.since - Signal.session)
        )
        .limit(1)
        .lateral("was")
    )
    plain = [c for c in table_of(Signal).c if c.name not in ("parts", "reasons", "flags")]
    texts = [
        cast(table_of(Signal).c[name], Text).label(name) for name in ("parts", "reasons", "flags")
    ]
    query = (
        select(*plain, *texts, was.c.name, was.c.market).select_from(Signal).outerjoin(was, true())
    )
    query = query.where(_status_of(Signal, chosen))
    if chosen.scanners is not None:
        query = query.where(Signal.scanner.in_(chosen.scanners))
    if chosen.grades is not None:
        query = query.where(Signal.grade.in_(chosen.grades))
    if chosen.market is not None:
        query = query.where(was.c.market == chosen.market)
    if chosen.min_ratio is not None:
        query = query.where(Signal.score / Signal.out_of >= chosen.min_ratio * (1 - 1e-9))
    if chosen.ticker is not None:
        query = query.where(Signal.ticker == chosen.ticker)
    if chosen.newest_slots:
        later = aliased(Signal)
        query = query.where(
            ~exists().where(
                later.ticker == Signal.ticker,
                later.session == Signal.session,
                later.scanner == Signal.scanner,
                later.as_of > Signal.as_of,
                _status_of(later, chosen),
            )
        )
    return query


def _status_of(signal: type[Signal], chosen: SignalFilter) -> ColumnElement[bool]:
    if chosen.statuses is None:
        return signal.status != "withdrawn"
    return signal.status.in_(chosen.statuses)


def _tuple(values: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    return tuple_(*values)


def position_of_best(row: dict[str, Any]) -> list[Any]:
    """Where a row of `best` stands, for the page after it."""
    value = -1 if row["value20"] is None else row["value20"]
    return [-(row["score"] / row["out_of"]), -row["out_of"], -value, row["ticker"], row["id"]]


def position_of_stock(row: dict[str, Any]) -> list[Any]:
    """Where a row of `of_stock` stands, for the page after it."""
    return [row["session"], row["as_of"], row["id"]]
