"""Index bars out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from market.schemas import INDICES, IndexBars
from sources.files_columns import Columns, integer
from sources.files_prices import mended
from sources.files_rejects import part
from sources.files_rows import CheckedRow, checked

UNUSED = "KRX1001"  # KOSPI's values again, under another code


class IndexRow(CheckedRow, IndexBars):
    """An index bar in a file."""

    session = dy.Date()
    index = dy.Enum(INDICES)


def read_index_bars(
    table: pl.DataFrame, file: str, *, calendar: TradingCalendar, now: datetime
) -> tuple[dy.DataFrame[IndexRow], pl.DataFrame, Mapping[str, int]]:
    """Good rows sorted by session and index, the rejected ones, and why others don't matter."""
    columns = Columns(table, file)
    prices = [columns.number(name).alias(name) for name in ("open", "high", "low", "close")]
    parsed = table.select(
        columns.day("date").alias("session"),
        columns.text("code").alias("code"),
        *[price.cast(pl.Float64) for price in prices],
        integer(columns.number("volume").round()).alias("volume"),
        integer(columns.number("amount").round()).alias("value"),
        readable=columns.readable("volume") & columns.readable("amount"),
    ).with_row_index("row", offset=1)
    unused = parsed["code"] == UNUSED
    early = (parsed["session"] < calendar.first).fill_null(False) & ~unused
    kept = parsed.filter(~(unused.fill_null(False) | early)).with_columns(
        index=pl.col("code").cast(pl.Enum(INDICES), strict=False)
    )
    ordered = kept.sort("session", "index")
    marked = checked(ordered, ["session", "index"], calendar, now, tolerance_won=0)
    good, rejected = part(IndexRow, marked.with_columns(*mended()), table)
    ignored = {
        f"index {UNUSED} is KOSPI's twin": int(unused.sum()),
        f"before {calendar.first}, where the calendar begins": int(early.sum()),
    }
    return good, rejected, {reason: n for reason, n in ignored.items() if n}
