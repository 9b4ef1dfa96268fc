"""What is checked of every row of prices in a file, besides its columns."""

from __future__ import annotations

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from sources.files_prices import in_order
from sources.files_rejects import repeated
from sources.files_sessions import known_sessions


class CheckedRow(dy.Schema):
    """A row's number in its file, from 1, and how it fares; see `checks`."""

    row = dy.UInt32()
    known = dy.Bool()
    ordered = dy.Bool(nullable=True)
    alone = dy.Bool()

    @dy.rule()
    def session_known(cls) -> pl.Expr:
        return pl.col("known")

    @dy.rule()
    def prices_in_order(cls) -> pl.Expr:
        return pl.col("ordered")

    @dy.rule()
    def not_repeated(cls) -> pl.Expr:
        return pl.col("alone")


def checked(
    rows: pl.DataFrame, key: Sequence[str], calendar: TradingCalendar, *, tolerance_won: float
) -> pl.DataFrame:
    """The rows (sorted by `key`) with the columns that CheckedRow's rules look at."""
    return rows.with_columns(
        known=known_sessions(rows["session"], calendar),
        ordered=in_order(tolerance_won=tolerance_won),
        alone=~repeated(list(key)),
    )
