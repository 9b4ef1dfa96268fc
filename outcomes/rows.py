"""Bars as trades meet them: by stock and session, with the chain that joins their scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from market.adjustment import factor_expr
from market.prices import lower_limit_expr, upper_limit_expr

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Rows:
    """One row a stock and stored session, in order; `frame`'s columns:

    place (its number), session, ticker, ordinal (place among the exchange's sessions), open, high,
    low, close (Float64 won; high and low hold the others), chain (a price of session t ×
    chain(u) / chain(t) is on the scale of u), traded, sellable (traded, and not only at its lower
    limit), upper (the upper limit, null where none is known), price_0930 (null: not known), run (a
    stock until it leaves the market), ends (the run's last row), gone (ordinal of the session in
    which it is known to have left after that row; null: it hasn't), sells (next sellable row from
    here on, or null), last_traded (row up to here, or null).

    `newest` is the ordinal of the last session that any stock has a row of, `gone_after` that
    which `gone` was told by.
    """

    frame: pl.DataFrame
    calendar: pl.DataFrame
    newest: int
    gone_after: int


def rows_of(
    bars: pl.DataFrame,
    sessions: Sequence[date],
    tickers: pl.Series,
    gone_after: int,
    markets: pl.DataFrame | None = None,
) -> Rows:
    """The rows of these stocks; a stock is gone after so many stored sessions without a row.

    `markets` (ticker, market) tell KOSDAQ's stocks, whose limits before 2023 had ticks of their
    own above 100,000 won.
    """
    if markets is None:
        markets = pl.DataFrame(schema={"ticker": pl.String, "market": pl.String})
    calendar = pl.DataFrame({"session": pl.Series(sessions, dtype=pl.Date)}).with_columns(
        ordinal=pl.int_range(pl.len(), dtype=pl.Int32)
    )
    known = calendar.join(bars.select("session").unique(), on="session", maintain_order="left")
    known = known.with_columns(
        number=pl.int_range(pl.len(), dtype=pl.Int32),
        missed=pl.col("ordinal").shift(-(gone_after + 1)),
    )
    newest = known["ordinal"].max()
    columns = ["session", "ticker", *PRICES, "volume", "base", "adjusted"]
    if "price_0930" in bars.columns:
        columns.append("price_0930")
    frame = (
        bars.lazy()
        .select(columns)
        .filter(pl.col("ticker").is_in(tickers.unique().implode()))
        .join(known.lazy(), on="session")
        .join(markets.lazy(), on="ticker", how="left")
        .sort("ticker", "ordinal")
        .with_columns(factor=factor_expr())
        .with_columns(_conditions("price_0930" in columns))
        .with_columns(pl.col(name).cast(pl.Float64) for name in PRICES)
        .with_columns(
            high=pl.max_horizontal("open", "high", "close"),
            low=pl.min_horizontal("open", "low", "close"),
            gone=pl.when(_gone(known.height - 1, gone_after)).then("missed"),
        )
        .with_columns(run=_run())
        .with_row_index("place")
        .with_columns(pl.col("place").cast(pl.Int32))
        .with_columns(chain=pl.col("factor").cum_prod().over("run"), **_places())
        .drop("volume", "base", "adjusted", "factor", "number", "missed", "market")
        .collect()
    )
    return Rows(frame, calendar, newest if isinstance(newest, int) else -1, gone_after)


def markets_of(instruments: pl.DataFrame) -> pl.DataFrame:
    """ticker, market: where a stock was listed last; of market.schemas.Instruments."""
    newest = instruments.sort("since").unique("ticker", keep="last")
    return newest.select("ticker", pl.col("market").cast(pl.String))


def taken(frame: pl.DataFrame, places: pl.Series, *names: str, **renamed: str) -> pl.DataFrame:
    """These columns of the rows at `places`; nulls where a place is null."""
    return frame.select(*names, **renamed).select(pl.all().gather(places))


def _conditions(has_0930: bool) -> list[pl.Expr]:
    """Halted rows have no volume; within limits a stock locked at one can't be traded.

    Liquidation trading has no limits, which a bar beyond them shows.
    """
    traded = (pl.col("volume") > 0) & (pl.col("open") > 0)
    limited = ~pl.col("adjusted") & pl.col("base").is_not_null()
    limits = (pl.col("base"), pl.col("session"), pl.col("market"))
    lowest = pl.when(limited).then(lower_limit_expr(*limits))
    highest = pl.max_horizontal("open", "high", "close")
    return [
        traded.alias("traded"),
        (traded & ~(highest == lowest).fill_null(False)).alias("sellable"),
        pl.when(limited).then(upper_limit_expr(*limits)).alias("upper"),
        (pl.col("price_0930") if has_0930 else pl.lit(None, pl.Int64)).alias("price_0930"),
    ]


def _gone(last: int, gone_after: int) -> pl.Expr:
    """Whether the stock has no row in more than so many stored sessions after this one."""
    number, same = pl.col("number"), pl.col("ticker") == pl.col("ticker").shift(-1)
    following = pl.when(same.fill_null(False)).then(number.shift(-1)).otherwise(last + 1)
    return following - number - 1 > gone_after


def _run() -> pl.Expr:
    other = pl.col("ticker") != pl.col("ticker").shift(1)
    begins = other | pl.col("gone").is_not_null().shift(1)
    return begins.fill_null(True).cast(pl.Int32).cum_sum()


def _places() -> dict[str, pl.Expr]:
    place = pl.col("place")
    return {
        "ends": place.last().over("run"),
        "gone": pl.col("gone").last().over("run"),
        "sells": pl.when("sellable").then(place).backward_fill().over("run"),
        "last_traded": pl.when("traded").then(place).forward_fill().over("run"),
    }
