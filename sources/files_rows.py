"""What is checked of every row of prices in a file, besides its columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from sources.files_prices import in_order
from sources.files_rejects import repeated
from sources.files_sessions import session_columns


class CheckedRow(dy.Schema):
    """A row's number in its file, from 1, and how it fares; see `checks`."""

    row = dy.UInt32()
    known = dy.Bool()
    over = dy.Bool()
    ordered = dy.Bool(nullable=True)
    alone = dy.Bool()
    readable = dy.Bool()

    @dy.rule()
    def session_known(cls) -> pl.Expr:
        return pl.col("known")

    @dy.rule()
    def session_over(cls) -> pl.Expr:
        return pl.col("over")

    @dy.rule()
    def prices_in_order(cls) -> pl.Expr:
        return pl.col("ordered")

    @dy.rule()
    def numbers_readable(cls) -> pl.Expr:
        return pl.col("readable")

    @dy.rule()
    def not_repeated(cls) -> pl.Expr:
        return pl.col("alone")


def checked(
    rows: pl.DataFrame,
    key: Sequence[str],
    calendar: TradingCalendar,
    now: datetime,
    *,
    tolerance_won: float,
) -> pl.DataFrame:
    """The rows (sorted by `key`) with the columns that CheckedRow's rules look at."""
    return rows.with_columns(
        **session_columns(rows["session"], calendar, now),
        ordered=in_order(tolerance_won=tolerance_won),
        alone=~repeated(list(key)),
    )
