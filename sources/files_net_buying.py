"""Net buying out of files: in won, in shares, and the versions that were published twice."""

from __future__ import annotations

from datetime import datetime, time

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from market.schemas import TICKER, NetBuying
from sources.files_columns import Columns, integer
from sources.files_order import by_session
from sources.files_rejects import part, repeated
from sources.files_sessions import session_columns

WON = ("foreign_net_krw", "inst_net_krw")
SHARES = ("foreign_net", "inst_net")


class NetBuyingRow(NetBuying):
    """Net buying of a stock and session in a file; `close` is null where the source had nothing."""

    session = dy.Date()
    ticker = dy.String(regex=TICKER)
    known_at = dy.Datetime(time_unit="us", time_zone="UTC")
    row = dy.UInt32()
    close = dy.Float64()
    known = dy.Bool()
    over = dy.Bool()
    readable = dy.Bool()
    whole = dy.Bool()
    alone = dy.Bool()

    @dy.rule()
    def session_known(cls) -> pl.Expr:
        return pl.col("known")

    @dy.rule()
    def session_over(cls) -> pl.Expr:
        return pl.col("over")

    @dy.rule()
    def numbers_readable(cls) -> pl.Expr:
        return pl.col("readable")

    @dy.rule()
    def some_figure(cls) -> pl.Expr:
        figures = ("foreign_won", "institution_won", "foreign_shares", "institution_shares")
        return pl.any_horizontal(pl.col(name).is_not_null() for name in figures)

    @dy.rule()
    def whole_numbers(cls) -> pl.Expr:
        return pl.col("whole")

    @dy.rule()
    def not_repeated(cls) -> pl.Expr:
        return pl.col("alone")


def read_net_buying(
    table: pl.DataFrame,
    file: str,
    kind: str,
    *,
    calendar: TradingCalendar,
    known_from: time,
    now: datetime,
) -> tuple[dy.DataFrame[NetBuyingRow], pl.DataFrame]:
    """Good rows sorted by session and ticker, and the rejected ones.

    A session's figures are known from `known_from` (Asia/Seoul) of that day on; a version
    published later, from its publication on.
    """
    columns = Columns(table, file)
    foreign, institution = WON if kind == "net_buying_won" else SHARES
    unit = "won" if kind == "net_buying_won" else "shares"
    figures = {f"foreign_{unit}": foreign, f"institution_{unit}": institution}
    none = [name for name in NetBuying.column_names() if name.endswith(("_won", "_shares"))]
    parsed = table.select(
        columns.day("date").alias("session"),
        columns.ticker("code").alias("ticker"),
        (columns.number("close") if "close" in columns else pl.lit(0.0))
        .cast(pl.Float64)
        .alias("close"),
        *[pl.lit(None, pl.Int64).alias(name) for name in none if name not in figures],
        *[integer(columns.number(name)).alias(ours) for ours, name in figures.items()],
        pl.all_horizontal(columns.whole(name).fill_null(True) for name in figures.values()).alias(
            "whole"
        ),
        pl.all_horizontal(columns.readable(name) for name in figures.values()).alias("readable"),
        (columns.moment("commit_at") if kind == "net_buying_revisions" else pl.lit(None)).alias(
            "published"
        ),
    )
    ordered = by_session(parsed.with_row_index("row", offset=1)).with_columns(
        _known_at(known_from, revised=kind == "net_buying_revisions")
    )
    ordered = ordered.sort("session", "ticker", "known_at")
    marked = ordered.with_columns(
        pl.lit(False).alias("provisional"),
        pl.lit("file").alias("source"),
        **session_columns(ordered["session"], calendar, now),
        alone=~repeated(["session", "ticker", "known_at"]),
    )
    return part(NetBuyingRow, marked, table)


def _known_at(known_from: time, *, revised: bool) -> pl.Expr:
    evening = (
        pl.col("session")
        .dt.combine(known_from)
        .dt.replace_time_zone("Asia/Seoul")
        .dt.convert_time_zone("UTC")
        .cast(pl.Datetime("us", "UTC"))
    )
    if not revised:
        return evening.alias("known_at")
    later = pl.when(pl.col("published") > evening).then("published").otherwise(evening)
    return pl.when(pl.col("published").is_not_null()).then(later).alias("known_at")
