"""Turning a file's columns into tickers, dates and numbers; what can't be becomes null."""

from __future__ import annotations

import polars as pl

from errors import BadFile
from market.schemas import MARKETS

MARKET = pl.Enum(MARKETS)
MARKET_NAMES = {
    "KOSPI": "KOSPI",
    "KOSDAQ": "KOSDAQ",
    "KOSDAQ GLOBAL": "KOSDAQ",  # a segment of KOSDAQ since 2022-11, not a market
    "KONEX": "KONEX",
    "코스피": "KOSPI",
    "코스닥": "KOSDAQ",
    "코넥스": "KONEX",
}
SAID = pl.Enum(MARKET_NAMES.keys())
DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d")


class Columns:
    """The columns of one file, as expressions over its table."""

    def __init__(self, table: pl.DataFrame, file: str) -> None:
        self._schema = table.schema
        self._file = file

    def __contains__(self, name: str) -> bool:
        return name in self._schema

    def ticker(self, name: str) -> pl.Expr:
        """A code as text.

        Raises:
            BadFile: the codes are numbers: leading zeros are lost and can't be invented.
        """
        self._need(name, self._schema[name] == pl.String, "text (005930 as a number is 5930)")
        return pl.col(name).str.strip_chars()

    def text(self, name: str) -> pl.Expr:
        """Text without surrounding blanks; empty text is null."""
        self._need(name, self._schema[name] in (pl.String, pl.Null), "text")
        stripped = pl.col(name).cast(pl.String).str.strip_chars()
        return pl.when(stripped != "").then(stripped)

    def label(self, name: str) -> pl.Expr:
        """Text that repeats, as Categorical and as it stands: a number a row is quick to move."""
        self._need(name, self._schema[name] in (pl.String, pl.Null), "text")
        return pl.col(name).cast(pl.String).cast(pl.Categorical)

    def day(self, name: str) -> pl.Expr:
        """A date, from a date, a moment, or text or a number like 2026-02-20 or 20260220."""
        dtype, column = self._schema[name], pl.col(name)
        if dtype == pl.Date or dtype == pl.Datetime:
            return column.cast(pl.Date)
        self._need(name, dtype == pl.String or dtype.is_integer(), "dates")
        text = column.cast(pl.String).str.strip_chars().str.slice(0, 10)
        return pl.coalesce(text.str.to_date(form, strict=False) for form in DATE_FORMATS)

    def moment(self, name: str) -> pl.Expr:
        """A moment (UTC), from ISO 8601 text with an offset or a column of moments."""
        dtype = self._schema[name]
        utc = pl.Datetime("us", "UTC")
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            return pl.col(name).cast(utc)
        self._need(name, dtype == pl.String, "moments with an offset")
        return pl.col(name).str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%:z", time_unit="us", time_zone="UTC", strict=False
        )

    def number(self, name: str) -> pl.Expr:
        """A number as Float64, or Int64 where the file has integers; text may have commas."""
        dtype, column = self._schema[name], pl.col(name)
        if dtype.is_integer():
            return column.cast(pl.Int64, strict=False)
        if dtype == pl.String:
            column = column.str.strip_chars().str.replace_all(",", "", literal=True)
        else:
            self._need(name, dtype.is_float() or dtype == pl.Null, "numbers")
        return column.cast(pl.Float64, strict=False).fill_nan(None)

    def readable(self, name: str) -> pl.Expr:
        """Whether there is a number that fits Int64, or nothing at all."""
        empty = pl.col(name).is_null()
        if self._schema[name] == pl.String:
            empty |= pl.col(name).str.strip_chars() == ""
        elif self._schema[name].is_float():
            empty |= pl.col(name).is_nan()
        return empty | integer(self.number(name)).is_not_null()

    def whole(self, name: str) -> pl.Expr:
        """Whether a number is whole (null where there is none)."""
        if self._schema[name].is_integer():
            return pl.lit(True)
        number = self.number(name)
        return number == number.round()

    def market(self, name: str) -> pl.Expr:
        """KOSPI, KOSDAQ or KONEX; null for anything else."""
        self._need(name, self._schema[name] in (pl.String, pl.Null), "text")
        known = pl.Series(MARKET_NAMES.values(), dtype=MARKET)
        said = pl.col(name).cast(pl.String).str.strip_chars().cast(SAID, strict=False)
        return pl.lit(known).gather(said.to_physical())

    def _need(self, name: str, condition: bool, what: str) -> None:
        if not condition:
            dtype = self._schema[name]
            raise BadFile(f"{self._file}: column {name} must hold {what}, not {dtype}")


def integer(number: pl.Expr) -> pl.Expr:
    """A number as Int64; what doesn't fit is null."""
    return number.cast(pl.Int64, strict=False)
