"""Sweeps: grids of rule values, and the trials done so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models import Sweep, SweepTrial
from db.models.base import table_of


@dataclass(frozen=True)
class NewSweep:
    """A sweep as it is asked for; `spec` is what JSON can hold."""

    key: str
    scanner: str
    first: date
    last: date
    source: str
    points: int
    spec: Mapping[str, Any]


class Sweeps:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, new: NewSweep) -> int:
        """The id of the sweep of this key, recorded if it is new."""
        statement = insert(Sweep).values(**asdict(new)).on_conflict_do_nothing()
        self._connection.execute(statement)
        return self._connection.scalars(select(Sweep.id).where(Sweep.key == new.key)).one()

    def add_trial(
        self,
        sweep: int,
        number: int,
        changes: Mapping[str, Any],
        result: Mapping[str, Any],
        seconds: float,
    ) -> bool:
        """Record a trial that is done; False if it was recorded before."""
        statement = (
            insert(SweepTrial)
            .values(
                sweep_id=sweep,
                number=number,
                changes=dict(changes),
                result=dict(result),
                seconds=seconds,
            )
            .on_conflict_do_nothing()
            .returning(SweepTrial.number)
        )
        return self._connection.scalar(statement) is not None

    def trials(self, sweep: int) -> list[dict[str, Any]]:
        """number, changes, result and seconds of the trials done, by number."""
        query = (
            select(SweepTrial.number, SweepTrial.changes, SweepTrial.result, SweepTrial.seconds)
            .where(SweepTrial.sweep_id == sweep)
            .order_by(SweepTrial.number)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def finish(self, sweep: int) -> None:
        """Note that all trials are done."""
        self._connection.execute(
            update(Sweep)
            .values(finished_at=func.now())
            .where(Sweep.id == sweep, Sweep.finished_at.is_(None))
        )

    def recent(self, limit: int) -> list[dict[str, Any]]:
        """The newest sweeps first, with `done`, the trials so far."""
        done = (
            select(func.count())
            .where(SweepTrial.sweep_id == Sweep.id)
            .scalar_subquery()
            .label("done")
        )
        query = select(*table_of(Sweep).c, done).order_by(Sweep.id.desc()).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]
