"""Bars packed once for all scans to come, so that reading a panel needn't do it.

The table packed_bars holds every session once; triggers on daily_bars empty the rows of sessions
in which anything changed, a scan packs those of its window again, and readers take the bars
themselves where a session isn't packed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, case, delete, select, update

from db.bulk import lock_if_free
from db.models import DailyBar, PackedBars
from db.models.base import table_of
from db.packed import Packing

DETAILS = ("value", "listed_shares", "market_cap")


def packing(*, details: bool) -> Packing:
    """Of bars, with or without DETAILS; `marked` is the collection's number, < 0 if adjusted."""
    table = table_of(DailyBar)
    marked = case((table.c.adjusted, -table.c.collection_id), else_=table.c.collection_id)
    unsent = ("session", "ticker", "collection_id", "adjusted", *(() if details else DETAILS))
    columns = [c for c in table.c if c.name not in unsent]
    return Packing(table, [table.c.session], [*columns, marked.label("marked")])


def pack(connection: Connection, first: date, last: date) -> None:
    """Pack what isn't of the sessions from `first` to `last`, unless somebody is storing bars."""
    sessions = unpacked_sessions(connection, first, last)
    if not sessions or not lock_if_free(connection, f"store:{DailyBar.__tablename__}"):
        return
    table = table_of(PackedBars)
    fresh = packing(details=True).query(DailyBar.session.in_(sessions)).subquery()
    values = {c.name: fresh.c[c.name] for c in table.c if c.name != "session"}
    connection.execute(update(table).where(table.c.session == fresh.c.session).values(values))
    emptied = table.c.ticker.is_(None) & table.c.session.in_(sessions)
    connection.execute(delete(table).where(emptied))


def unpacked_sessions(connection: Connection, first: date, last: date) -> Sequence[date]:
    """The sessions of which the bars themselves must be read."""
    table = table_of(PackedBars)
    within = table.c.session.between(first, last) & table.c.ticker.is_(None)
    return connection.scalars(select(table.c.session).where(within).order_by(table.c.session)).all()


def packed_query(first: date, last: date, *, details: bool) -> Select[*tuple[Any, ...]]:
    """The sessions that are packed, as `packing` would give them."""
    table = table_of(PackedBars)
    columns = [c for c in table.c if details or c.name not in DETAILS]
    within = table.c.session.between(first, last)
    return select(*columns).where(table.c.ticker.is_not(None), within)
