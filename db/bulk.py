"""Frames into tables: COPY into a temporary table, update what differs, insert what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from psycopg import sql
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Insert,
    MetaData,
    Table,
    Update,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable, DropTable

_ROWS_A_PART = 250_000
_SAME = 1e-9  # relative; what a rolling mean differs by between two starts is 1e-13


@dataclass(frozen=True)
class Stored:
    """How many rows a frame added, changed, and found as they were."""

    new: int
    changed: int
    unchanged: int

    @property
    def stored(self) -> int:
        return self.new + self.changed

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


def store(
    connection: Connection,
    table: Table,
    frame: pl.DataFrame,
    *,
    key: Sequence[str] | None = None,
    attributes: Collection[str] = (),
    fill: bool = False,
) -> Stored:
    """Write the frame's rows by their key; the frame names columns of the table.

    Args:
        key: the primary key by default.
        attributes: columns that are written with a new or changed row but don't make it one.
        fill: null means unknown and leaves what is stored as it is.
    """
    keys = key or [column.name for column in table.primary_key]
    if frame.is_empty():
        return Stored(0, 0, 0)
    lock(connection, f"store:{table.name}")
    with staged(connection, table, frame.sort(keys)) as rows:
        bounds = _bounds(table, frame, keys[0])
        changed = connection.execute(
            update_differing(table, rows, keys, attributes, fill=fill).where(bounds)
        ).rowcount
        new = connection.execute(insert_missing(table, rows, keys)).rowcount
    return Stored(new, changed, frame.height - new - changed)


def remove(connection: Connection, table: Table, keys: pl.DataFrame) -> int:
    """Delete the rows that have the frame's keys."""
    if keys.is_empty():
        return 0
    with staged(connection, table, keys) as rows:
        return connection.execute(
            delete(table).where(_same_key(table, rows, keys.columns))
        ).rowcount


def lock(connection: Connection, name: str) -> None:
    """Wait until no other transaction holds this name; held until ours ends."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
    )


def lock_if_free(connection: Connection, name: str) -> bool:
    """The same without waiting: whether it is ours now."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(connection.scalar(statement, {"name": name}))


@contextmanager
def staged(connection: Connection, table: Table, frame: pl.DataFrame) -> Iterator[Table]:
    """The frame as a temporary table with the columns' types of `table`."""
    rows = Table(
        f"staged_{table.name}",
        MetaData(),
        *(Column(name, table.c[name].type) for name in frame.columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    connection.execute(CreateTable(rows))
    copy_in(connection, rows.name, frame)
    yield rows
    connection.execute(DropTable(rows))


def copy_in(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Bare COPY; the frame's columns are the table's."""
    raw: Any = connection.connection.driver_connection
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for part in frame.iter_slices(_ROWS_A_PART):
            copy.write(part.write_csv(include_header=False).encode())


def update_differing(
    table: Table,
    rows: Table,
    keys: Collection[str],
    attributes: Collection[str] = (),
    *,
    also: ColumnElement[bool] | None = None,
    overrides: Mapping[str, ColumnElement[Any]] | None = None,
    fill: bool = False,
) -> Update:
    """UPDATE of the rows whose values, attributes aside, aren't the staged ones.

    Args:
        also: rows to update besides.
        overrides: what a column gets instead of the staged value.
        fill: a staged null leaves the stored value.
    """
    values = [c.name for c in rows.c if c.name not in keys]
    wanted: dict[str, ColumnElement[Any]] = {
        name: func.coalesce(rows.c[name], table.c[name]) if fill else rows.c[name]
        for name in values
    }
    different = [_differ(table.c[name], wanted[name]) for name in values if name not in attributes]
    changes: dict[str, Any] = wanted | dict(overrides or {})
    if "updated_at" in table.c:
        changes["updated_at"] = func.now()
    return (
        update(table)
        .values(changes)
        .where(_same_key(table, rows, keys))
        .where(or_(*different, *([] if also is None else [also])))
    )


def insert_missing(table: Table, rows: Table, keys: Collection[str]) -> Insert:
    """INSERT of the staged rows whose key the table hasn't, in the order of the key."""
    known = exists().where(_same_key(table, rows, keys)).correlate(rows)
    missing = select(rows).where(~known).order_by(*(rows.c[name] for name in keys))
    statement = insert(table).from_select([c.name for c in rows.c], missing)
    return statement.execution_options(preserve_rowcount=True)


def _same_key(table: Table, rows: Table, keys: Collection[str]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == rows.c[name] for name in keys))


def _differ(stored: Column[Any], new: ColumnElement[Any]) -> ColumnElement[bool]:
    distinct = stored.is_distinct_from(new)
    if not isinstance(stored.type, Double):
        return distinct
    apart = func.abs(stored - new) > _SAME * func.greatest(func.abs(stored), func.abs(new))
    return and_(distinct, func.coalesce(apart, True))


def _bounds(table: Table, frame: pl.DataFrame, first_key: str) -> ColumnElement[bool]:
    """Only the stretch of the table that the frame covers, however long the table is."""
    column = table.c[first_key]
    return and_(column >= frame[first_key].min(), column <= frame[first_key].max())
