"""Columns of whole sessions, packed by PostgreSQL into one value each.

A driver spends its time on fields: a year's panel has seven million of them. One binary string a
column and session is read in a fifth of the client's time, and half of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from sqlalchemy import BigInteger, Column, ColumnElement, LargeBinary, cast, func, literal_column

from db.models import DailyBar
from db.models.base import table_of

_MISSING = -1  # in columns that are never negative
_TICKER_BYTES = 6
_NOTHING = literal_column("''::bytea", LargeBinary)


def packed(columns: Sequence[Column[Any] | ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The tickers of a session's bars and these columns of them, to be grouped by session.

    All are put together in the order in which the rows come, so that they belong together.
    """
    ticker = func.convert_to(table_of(DailyBar).c.ticker, "UTF8")
    return [
        func.string_agg(ticker, _NOTHING).label("ticker"),
        *(
            func.string_agg(
                func.int8send(func.coalesce(cast(column, BigInteger), _MISSING)), _NOTHING
            ).label(column.name)
            for column in columns
        ),
    ]


def unpacked(frame: pl.DataFrame, nullable: Sequence[str] = ()) -> pl.DataFrame:
    """The rows again: session, ticker and the columns as Int64, null where `nullable` was."""
    columns: dict[str, pl.Series] = {}
    for name in frame.columns[2:]:
        numbers = np.frombuffer(b"".join(frame[name].to_list()), dtype=">i8").astype(np.int64)
        columns[name] = pl.Series(name, numbers)
    sizes = frame["ticker"].bin.size() // _TICKER_BYTES
    tickers = b"".join(frame["ticker"].to_list())
    count = int(sizes.sum())
    if any(len(column) != count for column in columns.values()) or len(tickers) != 6 * count:
        raise ValueError("a bar's ticker isn't six characters long")
    words = pa.Array.from_buffers(pa.binary(_TICKER_BYTES), count, [None, pa.py_buffer(tickers)])
    result = pl.DataFrame(
        {
            "session": frame["session"].gather(np.repeat(np.arange(frame.height), sizes)),
            "ticker": pl.Series(words.cast(pa.binary()).cast(pa.string())),
            **columns,
        }
    )
    missing = [pl.col(n).replace(_MISSING, None).alias(n) for n in nullable if n in columns]
    return result.with_columns(missing)
