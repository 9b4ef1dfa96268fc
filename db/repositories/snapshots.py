"""Snapshots of the session that is on, and what was learned of them: shares of a day's volume."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import dataframely as dy
import polars as pl
from sqlalchemy import Connection, Select, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from db.bulk import Stored, store
from db.models import DailyBar, MarketSnapshot, VolumeShare
from db.models.base import table_of
from market.schemas import DailyBars, IndexBars

_SHARES: dict[str, Any] = {
    "session": pl.Date,
    "minute": pl.Float64,
    "share": pl.Float64,
    "stocks": pl.Int64,
}


@dataclass(frozen=True)
class KeptSnapshot:
    """The whole market as it stood `at` (aware): bars and indices of the session so far."""

    session: date
    at: datetime
    source: str
    bars: dy.DataFrame[DailyBars]
    index_bars: dy.DataFrame[IndexBars]


class Snapshots:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, snapshot: KeptSnapshot) -> bool:
        """Keep one; False if that moment of the session is kept already."""
        row = {
            "session": snapshot.session,
            "at": snapshot.at,
            "source": snapshot.source,
            "bars": _packed(snapshot.bars),
            "index_bars": _packed(snapshot.index_bars),
        }
        statement = insert(MarketSnapshot).on_conflict_do_nothing().values(row)
        counted = statement.execution_options(preserve_rowcount=True)
        return self._connection.execute(counted).rowcount == 1

    def newest(self, session: date, *, since: datetime, until: datetime) -> KeptSnapshot | None:
        """The newest of a session from one moment to another, both included."""
        query = (
            _snapshots()
            .where(MarketSnapshot.session == session)
            .where(MarketSnapshot.at.between(since, until))
            .order_by(MarketSnapshot.at.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None else _unpacked(*row)

    def of(self, session: date) -> list[KeptSnapshot]:
        """All of a session, in the order of time."""
        query = _snapshots().where(MarketSnapshot.session == session).order_by(MarketSnapshot.at)
        return [_unpacked(*row) for row in self._connection.execute(query)]

    def unlearned(self, before: date) -> list[date]:
        """The sessions before a date that have snapshots and bars but no volume shares yet."""
        bars = exists().where(DailyBar.session == MarketSnapshot.session)
        learned = exists().where(VolumeShare.session == MarketSnapshot.session)
        query = (
            select(MarketSnapshot.session)
            .distinct()
            .where(MarketSnapshot.session < before, bars, ~learned)
            .order_by(MarketSnapshot.session)
        )
        return list(self._connection.scalars(query))

    def store_shares(self, frame: pl.DataFrame) -> Stored:
        """Write shares of a day's volume: session, minute, share, stocks."""
        return store(self._connection, table_of(VolumeShare), frame.select(*_SHARES))

    def shares(self, before: date, sessions: int) -> pl.DataFrame:
        """The volume shares of the newest sessions before a date, by session and minute."""
        chosen = (
            select(VolumeShare.session)
            .distinct()
            .where(VolumeShare.session < before)
            .order_by(VolumeShare.session.desc())
            .limit(sessions)
        )
        query = (
            select(*(table_of(VolumeShare).c[name] for name in _SHARES))
            .where(VolumeShare.session.in_(chosen))
            .order_by(VolumeShare.session, VolumeShare.minute)
        )
        rows = [tuple(row) for row in self._connection.execute(query)]
        return pl.DataFrame(rows, schema=_SHARES, orient="row")

    def prune(self, keep: int) -> int:
        """Forget all but the newest `keep` sessions' snapshots; gives how many."""
        kept = (
            select(MarketSnapshot.session)
            .distinct()
            .order_by(MarketSnapshot.session.desc())
            .limit(keep)
            .subquery()
        )
        oldest = select(func.min(kept.c.session)).scalar_subquery()
        return self._connection.execute(
            delete(MarketSnapshot).where(MarketSnapshot.session < oldest)
        ).rowcount


def _snapshots() -> Select[date, datetime, str, bytes, bytes]:
    row = MarketSnapshot
    return select(row.session, row.at, row.source, row.bars, row.index_bars)


def _packed(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_ipc(content, compression="zstd")
    return content.getvalue()


def _unpacked(
    session: date, at: datetime, source: str, bars: bytes, index_bars: bytes
) -> KeptSnapshot:
    return KeptSnapshot(
        session,
        at,
        source,
        DailyBars.validate(pl.read_ipc(io.BytesIO(bars))),
        IndexBars.validate(pl.read_ipc(io.BytesIO(index_bars)), cast=True),
    )
