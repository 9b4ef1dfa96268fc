"""Daily bars of stocks out of the marcap dataset and of the raw and adjusted daily files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from market.schemas import MARKETS, TICKER, DailyBars
from sources.files_columns import Columns, integer
from sources.files_order import by_session
from sources.files_prices import mended
from sources.files_rejects import part
from sources.files_rows import CheckedRow, checked


@dataclass(frozen=True)
class BarColumns:
    """What a format calls the columns of a bar; None where it has none."""

    session: str
    ticker: str
    name: str
    market: str
    prices: tuple[str, str, str, str]  # open, high, low, close
    volume: str
    value: str | None
    change: str | None
    listed_shares: str | None
    market_cap: str | None
    dept: str | None
    source: str | None


MARCAP = BarColumns(
    session="Date",
    ticker="Code",
    name="Name",
    market="Market",
    prices=("Open", "High", "Low", "Close"),
    volume="Volume",
    value="Amount",
    change="Changes",  # won, with its sign, whatever ChangeCode says
    listed_shares="Stocks",
    market_cap="Marcap",  # won; the dataset's README says millions
    dept="Dept",
    source=None,
)
RAW = BarColumns(
    session="date",
    ticker="code",
    name="name",
    market="market",
    prices=("open", "high", "low", "close"),
    volume="volume",
    value="amount",
    change="chg",
    listed_shares="shares",
    market_cap="marcap",
    dept="dept",
    source="source",
)
ADJUSTED = BarColumns(
    session="date",
    ticker="code",
    name="name",
    market="market",
    prices=("open", "high", "low", "close"),
    volume="volume",
    value=None,
    change=None,
    listed_shares=None,
    market_cap=None,
    dept=None,
    source=None,
)


class BarRow(CheckedRow, DailyBars):
    """A bar in a file, with what the file says of its instrument."""

    session = dy.Date()
    ticker = dy.String(regex=TICKER)
    name = dy.Categorical(nullable=True)
    market = dy.Enum(MARKETS)
    dept = dy.Categorical(nullable=True)
    whole = dy.Bool()

    @dy.rule()
    def whole_numbers(cls) -> pl.Expr:
        return pl.col("whole")


def read_bars(
    table: pl.DataFrame,
    file: str,
    names: BarColumns,
    *,
    calendar: TradingCalendar,
    collected_at: datetime,
    source: str,
) -> tuple[dy.DataFrame[BarRow], pl.DataFrame]:
    """Good rows sorted by session and ticker, and the rejected ones.

    High and low are moved to include open and close where they miss them by rounding.
    """
    parsed = table.select(_parsed(Columns(table, file), names))
    ordered = by_session(parsed.with_row_index("row", offset=1))
    marked = checked(
        ordered, ["session", "ticker"], calendar, collected_at, tolerance_won=2
    ).with_columns(
        pl.col("source").cast(pl.String).fill_null(source),
        pl.lit(names.change is None).alias("adjusted"),
        pl.lit(collected_at).cast(pl.Datetime("us", "UTC")).alias("collected_at"),
    )
    return part(BarRow, marked.with_columns(*mended()), table)


def _parsed(columns: Columns, names: BarColumns) -> list[pl.Expr]:
    def number(name: str | None) -> pl.Expr:
        return integer(columns.number(name)) if name else pl.lit(None, pl.Int64)

    def label(name: str | None) -> pl.Expr:
        if name is None or name not in columns:
            return pl.lit(None, pl.Categorical)
        return columns.label(name)

    opens, high, low, close = (number(name) for name in names.prices)
    change = number(names.change)
    numeric = [*names.prices, names.volume, names.value, names.change]
    numeric += [names.listed_shares, names.market_cap]
    return [
        columns.day(names.session).alias("session"),
        columns.ticker(names.ticker).alias("ticker"),
        columns.market(names.market).alias("market"),
        label(names.name).alias("name"),
        label(names.dept).alias("dept"),
        opens.alias("open"),
        high.alias("high"),
        low.alias("low"),
        close.alias("close"),
        number(names.volume).alias("volume"),
        number(names.value).alias("value"),
        (close - change).alias("base"),
        _positive(number(names.listed_shares)).alias("listed_shares"),
        _positive(number(names.market_cap)).alias("market_cap"),
        pl.all_horizontal(columns.whole(name).fill_null(True) for name in numeric if name).alias(
            "whole"
        ),
        pl.all_horizontal(columns.readable(name) for name in numeric if name).alias("readable"),
        label(names.source).alias("source"),
    ]


def _positive(number: pl.Expr) -> pl.Expr:
    return pl.when(number != 0).then(number)
