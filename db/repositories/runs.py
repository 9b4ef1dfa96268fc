"""Scan runs: that a scanner ran over a session, and what it counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ARRAY, Connection, Date, any_, func, insert, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.bulk import lock
from db.models import ApiKey, Import, ScanRun, Signal
from db.models.base import table_of
from db.repositories.events import Events


@dataclass(frozen=True)
class NewRun:
    """One scanner over one session and slot; `slot` is 'HH:MM', 'close' or 'final'."""

    scanner: str
    session: date
    slot: str
    status: Literal["completed", "failed", "skipped"]
    rules_hash: str
    rules_version: str
    source: str
    scanned: int
    grades: Mapping[str, int]
    left_out: Mapping[str, int]
    seconds: float
    preliminary: bool = False
    net_buying_session: date | None = None
    checks_accepted: bool = False
    reason: str | None = None
    flow_run_id: str | None = None


class Runs:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events
        self._opened: set[str] = set()

    @property
    def opened(self) -> frozenset[str]:
        """The scanners that were given a session and slot for the first time in this transaction.

        What is shown as their newest list changes by that alone, even if nothing was found.
        """
        return frozenset(self._opened)

    def add(self, runs: Sequence[NewRun]) -> list[int]:
        """Record runs; gives their ids in the same order."""
        if not runs:
            return []
        self._open(runs)
        rows = []
        for run in runs:
            row = asdict(run)
            row["as_of"] = row.pop("slot")
            rows.append(row)
        statement = insert(ScanRun).returning(ScanRun.id, sort_by_parameter_order=True)
        return list(self._connection.scalars(statement, rows))

    def newest_session(self, scanner: str, slot: str) -> date | None:
        """The newest session that this scanner completed in this slot."""
        query = (
            select(ScanRun.session)
            .where(
                ScanRun.scanner == scanner,
                ScanRun.as_of == slot,
                ScanRun.status == "completed",
            )
            .order_by(ScanRun.session.desc())
            .limit(1)
        )
        return self._connection.scalar(query)

    def completed(self, scanner: str, session: date, slots: Collection[str]) -> bool:
        """Whether this scanner completed that session in one of these slots."""
        query = select(ScanRun.id).where(
            ScanRun.scanner == scanner,
            ScanRun.session == session,
            ScanRun.as_of.in_(slots),
            ScanRun.status == "completed",
        )
        return self._connection.scalar(query.limit(1)) is not None

    def newest(self) -> list[dict[str, Any]]:
        """Each scanner's newest completed run of its latest session, with all columns."""
        query = (
            select(*table_of(ScanRun).c)
            .ext(distinct_on(ScanRun.scanner))
            .where(ScanRun.status == "completed")
            .order_by(
                ScanRun.scanner, ScanRun.session.desc(), ScanRun.as_of.desc(), ScanRun.id.desc()
            )
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def begun(self) -> datetime | None:
        """When this database was put to use: by the first run of any status, import or API key."""
        first = [
            select(table.created_at).order_by(table.id).limit(1).scalar_subquery()
            for table in (ScanRun, Import)
        ]
        keys = select(func.min(ApiKey.created_at)).scalar_subquery()
        return self._connection.scalar(select(func.least(*first, keys)))

    def get(self, number: int) -> dict[str, Any] | None:
        """The run of this id, with all its columns."""
        query = select(*table_of(ScanRun).c).where(ScanRun.id == number)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def standing_for(self, session: date, slot: str) -> dict[str, Any] | None:
        """The newest run of a session and slot: the market gate's, or any where it has none."""
        query = (
            select(*table_of(ScanRun).c)
            .where(ScanRun.session == session, ScanRun.as_of == slot)
            .order_by((ScanRun.scanner == "market_gate").desc(), ScanRun.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def shown_since(self, scanner: str, session: date, slot: str) -> datetime | None:
        """When the list of a slot was made: by its first completed run, or by one that changed it.

        A run that found the same again doesn't count: nobody is told of it.
        """
        first = select(func.min(ScanRun.id)).where(
            ScanRun.scanner == scanner,
            ScanRun.session == session,
            ScanRun.as_of == slot,
            ScanRun.status == "completed",
        )
        changing = select(func.max(Signal.run_id)).where(
            Signal.scanner == scanner, Signal.session == session, Signal.as_of == slot
        )
        made_by = (first.scalar_subquery(), changing.scalar_subquery())
        query = select(func.max(ScanRun.created_at)).where(ScanRun.id.in_(made_by))
        return self._connection.scalar(query)

    def recent(
        self, limit: int = 20, *, scanner: str | None = None, session: date | None = None
    ) -> list[dict[str, Any]]:
        """The newest runs first, with all their columns."""
        query = select(*table_of(ScanRun).c).order_by(ScanRun.id.desc()).limit(limit)
        if scanner is not None:
            query = query.where(ScanRun.scanner == scanner)
        if session is not None:
            query = query.where(ScanRun.session == session)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def _open(self, runs: Sequence[NewRun]) -> None:
        """Note which of them are the first completed ones of their slot; one worker at a time."""
        wanted = {(r.scanner, r.session, r.slot) for r in runs if r.status == "completed"}
        if not wanted:
            return
        for scanner, slot in sorted({(scanner, slot) for scanner, _, slot in wanted}):
            lock(self._connection, f"runs:{scanner}:{slot}")
        query = select(ScanRun.scanner, ScanRun.session, ScanRun.as_of).where(
            ScanRun.status == "completed",
            ScanRun.scanner.in_({scanner for scanner, _, _ in wanted}),
            ScanRun.session == any_(literal([day for _, day, _ in wanted], ARRAY(Date))),
            ScanRun.as_of.in_({slot for _, _, slot in wanted}),
        )
        known = {(scanner, day, slot) for scanner, day, slot in self._connection.execute(query)}
        if new := wanted - known:
            self._opened |= {scanner for scanner, _, _ in new}
            self._events.changed("scans")
