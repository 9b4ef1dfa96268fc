"""Scan runs: that a scanner ran over a session, and what it counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.models import ScanRun
from db.models.base import table_of


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
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, runs: Sequence[NewRun]) -> list[int]:
        """Record runs; gives their ids in the same order."""
        if not runs:
            return []
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
