"""Facts about instruments without a session: listing, delisting, sector, name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from market.schemas import KINDS, MARKETS, TICKER
from sources.files_columns import Columns
from sources.files_observations import kind

ATTRIBUTE_ROWS = pl.Schema(
    {
        "ticker": pl.String(),
        "name": pl.String(),
        "market": pl.Enum(MARKETS),
        "kind": pl.Enum(KINDS),
        "sector": pl.String(),
        "listed": pl.Date(),
        "delisted": pl.Date(),
    }
)
UNCLASSIFIED = "미분류"

# 증권구분 of a delisted paper that was a share; the others are rights, funds and ships
SHARES = ("주권", "외국주권", "주식예탁증권")
REIT = "부동산투자회사"


@dataclass(frozen=True)
class AttributeColumns:
    """What a file calls these columns; None where it has none."""

    ticker: str = "code"
    name: str = "name"
    market: str = "market"
    sector: str | None = None
    listed: str | None = None
    delisted: str | None = None
    dept: str | None = None
    group: str | None = None


FILES: Mapping[str, AttributeColumns] = {
    # companies' own column `sector` is KOSDAQ's 소속부; its 163 industries are finer than any
    # sector, and two sets of sectors side by side would split every one
    "companies": AttributeColumns(listed="listingdate", dept="sector"),
    "sectors": AttributeColumns(sector="sector_large"),
    "names": AttributeColumns(),
    "delisted": AttributeColumns(
        ticker="Symbol",
        name="Name",
        market="Market",
        listed="ListingDate",
        delisted="DelistingDate",
        group="SecuGroup",
    ),
}


def read_attributes(
    table: pl.DataFrame, file: str, names: AttributeColumns
) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """One row a ticker (`ATTRIBUTE_ROWS`, null where unknown), and why other rows don't matter.

    Bonds and rights have codes of another shape. A code that was delisted twice keeps its
    last listing.
    """
    columns = Columns(table, file)

    def text(name: str | None) -> pl.Expr:
        return columns.text(name) if name and name in columns else pl.lit(None, pl.String)

    def day(name: str | None) -> pl.Expr:
        return columns.day(name) if name else pl.lit(None, pl.Date)

    parsed = table.select(
        columns.ticker(names.ticker).alias("ticker"),
        text(names.name).alias("name"),
        columns.market(names.market).alias("market"),
        text(names.sector).replace(UNCLASSIFIED, None).alias("sector"),
        day(names.listed).alias("listed"),
        day(names.delisted).alias("delisted"),
        text(names.dept).alias("dept"),
        text(names.group).alias("group"),
    )
    shares = parsed.filter(pl.col("ticker").str.contains(TICKER) & pl.col("name").is_not_null())
    newest = shares.sort("ticker", pl.coalesce("delisted", "listed"), nulls_last=False).unique(
        "ticker", keep="last", maintain_order=True
    )
    ignored = {
        "not a share's code, or no name": parsed.height - shares.height,
        "an earlier row of the same code": shares.height - newest.height,
    }
    rows = newest.with_columns(_kind()).select(ATTRIBUTE_ROWS.names()).cast(ATTRIBUTE_ROWS)
    return rows, {reason: n for reason, n in ignored.items() if n}


def _kind() -> pl.Expr:
    return (
        pl.when(pl.col("group") == REIT)
        .then(pl.lit("reit"))
        .when(pl.col("group").is_not_null() & ~pl.col("group").is_in(SHARES))
        .then(pl.lit("other"))
        .otherwise(kind().cast(pl.String))
        .cast(pl.Enum(KINDS))
        .alias("kind")
    )
