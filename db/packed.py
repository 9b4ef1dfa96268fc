"""Rows of whole sessions, packed by PostgreSQL into one value a column.

A driver spends its time on fields: a year's panel has seven million of them. One binary string a
column and session costs the client next to nothing, and the server half of what fields do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
)

_MISSING = -(2**63)  # no column of ours is ever that small
_TICKER = 6
_NOTHING = literal_column("''::bytea", LargeBinary)
_NO_TEXT = literal_column("''", Text)
_KEYS = {Date: pl.Date, Text: pl.String}
_EPOCH_OF_POSTGRES = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970


@dataclass(frozen=True)
class Packing:
    """How rows of a table travel: `keys`, the session first, once; each of `columns` as one value.

    `keys` must have few values a session, `columns` be numbers, instants or booleans.
    """

    table: Table
    keys: Sequence[ColumnElement[Any]]
    columns: Sequence[ColumnElement[Any]]

    def query(self, within: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
        """The rows `within`, whole sessions of them, packed.

        All columns are put together in the order in which the rows come, so that they belong
        together.
        """
        values = [func.string_agg(_sent(c), _NOTHING).label(c.name) for c in self.columns]
        tickers = func.string_agg(self.table.c.ticker, _NO_TEXT).label("ticker")
        return select(*self.keys, tickers, *values).where(within).group_by(*self.keys)

    def unpacked(self, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """The rows again, by session: whole numbers as Int64, instants in UTC.

        Raises:
            ValueError: a ticker isn't six characters long.
        """
        rows = sorted(rows, key=lambda row: row[0])
        known = len(self.keys)
        sizes = [len(row[known]) // _TICKER for row in rows]
        places = np.repeat(np.arange(len(rows)), sizes)
        tickers = "".join(row[known] for row in rows).encode()
        if len(tickers) != _TICKER * len(places):
            raise ValueError("a ticker isn't six characters long")
        ends = np.arange(0, len(tickers) + 1, _TICKER, dtype=np.int32)
        words = pa.StringArray.from_buffers(len(places), pa.py_buffer(ends), pa.py_buffer(tickers))
        columns = {
            key.name: pl.Series([row[place] for row in rows], dtype=_KEYS[type(key.type)]).gather(
                places
            )
            for place, key in enumerate(self.keys)
        }
        columns["ticker"] = pl.Series(words)
        for place, column in enumerate(self.columns, known + 1):
            columns[column.name] = _received(column, [row[place] for row in rows], len(places))
        return pl.DataFrame(columns)


def _sent(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, DateTime):
        return func.timestamptz_send(column)
    if isinstance(column.type, Boolean):
        column = cast(column, Integer)
    whole = column if isinstance(column.type, BigInteger) else cast(column, BigInteger)
    if getattr(column, "nullable", False):
        whole = func.coalesce(whole, literal_column(f"'{_MISSING}'::bigint", BigInteger))
    return func.int8send(whole)


def _received(column: ColumnElement[Any], values: Sequence[bytes], count: int) -> pl.Series:
    whole = np.frombuffer(b"".join(values), dtype=">i8").astype(np.int64)
    if len(whole) != count:
        raise ValueError("a ticker isn't six characters long")
    if isinstance(column.type, DateTime):
        return pl.Series(whole + _EPOCH_OF_POSTGRES).cast(pl.Datetime("us", "UTC"))
    if isinstance(column.type, Boolean):
        return pl.Series(whole == 1)
    series = pl.Series(whole)
    missing = series == _MISSING
    return series.set(missing, None) if missing.any() else series
