"""Daily bars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dataframely as dy
import polars as pl
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from db.bulk import Stored, store
from db.models import Collection, DailyBar
from db.models.base import table_of
from db.packed_bars import pack
from db.repositories.events import Events
from market.schemas import INSTANT, DailyBars

_COLLECTING = ["source", "collected_at"]


class Bars:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def store(self, frame: dy.DataFrame[DailyBars]) -> Stored:
        """Write bars by (session, ticker). The same figures collected again change nothing."""
        if frame.is_empty():
            return Stored(0, 0, 0)
        rows = frame.join(self._collections(frame), on=_COLLECTING).drop(_COLLECTING)
        done = store(self._connection, table_of(DailyBar), rows, attributes=["collection_id"])
        if done.stored:
            self._events.changed("bars")
        return done

    def pack(self, first: date, last: date) -> None:
        """Make these sessions quick to read; nothing to do for those that were not changed."""
        pack(self._connection, first, last)

    def sessions(self, first: date, last: date) -> list[date]:
        """The sessions in this range that have any bar, in order; one index look-up each."""
        step = select(func.min(DailyBar.session).label("session")).where(
            DailyBar.session.between(first, last)
        )
        found = step.cte(recursive=True)
        following = (
            select(func.min(DailyBar.session))
            .where(DailyBar.session > found.c.session, DailyBar.session <= last)
            .scalar_subquery()
        )
        found = found.union_all(select(following).where(found.c.session.is_not(None)))
        query = select(found.c.session).where(found.c.session.is_not(None))
        return list(self._connection.scalars(query.order_by(found.c.session)))

    def newest(self, last: date) -> date | None:
        """The newest session up to `last` that has any bar."""
        query = select(func.max(DailyBar.session)).where(DailyBar.session <= last)
        return self._connection.scalar(query)

    def last_seen(self, first: date, last: date) -> pl.DataFrame:
        """ticker, session: the newest session within the range that each stock has a bar of."""
        query = (
            select(DailyBar.ticker, func.max(DailyBar.session))
            .where(DailyBar.session.between(first, last))
            .group_by(DailyBar.ticker)
        )
        schema: dict[str, Any] = {"ticker": pl.String, "session": pl.Date}
        rows = [tuple(row) for row in self._connection.execute(query)]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def collected(self) -> dict[str, datetime]:
        """When each source was last collected from."""
        query = select(Collection.source, func.max(Collection.collected_at)).group_by(
            Collection.source
        )
        return {source: when for source, when in self._connection.execute(query)}

    def collected_from(self, source: str, since: datetime, until: datetime) -> datetime | None:
        """When bars were first collected from a source between two moments; None: not at all.

        It is remembered also of bars that another source's have taken the place of.
        """
        query = select(func.min(Collection.collected_at)).where(
            Collection.source == source, Collection.collected_at.between(since, until)
        )
        return self._connection.scalar(query)

    def _collections(self, frame: pl.DataFrame) -> pl.DataFrame:
        pairs = frame.select(_COLLECTING).unique(maintain_order=True)
        self._connection.execute(
            insert(Collection).on_conflict_do_nothing().values(pairs.to_dicts())
        )
        known = self._connection.execute(
            select(Collection.source, Collection.collected_at, Collection.id).where(
                Collection.source.in_(pairs["source"].unique()),
                Collection.collected_at.in_(pairs["collected_at"].unique()),
            )
        )
        schema: dict[str, Any] = {
            "source": pl.String,
            "collected_at": INSTANT,
            "collection_id": pl.Int32,
        }
        return pl.DataFrame([tuple(row) for row in known], schema=schema, orient="row")
