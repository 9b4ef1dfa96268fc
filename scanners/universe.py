"""What each stock was in each session: its kind, its sector, its designations, point in time."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from market.data import MarketData
from market.schemas import FLAGS

# More sessions than any panel has, so that (stock, session) is one growing number.
SPAN = 1 << 20

# Why a stock is not scanned; the place in this list is what frames carry, 0 is scanned.
REASONS = (
    "",
    "unknown_instrument",
    "konex",
    "preferred",
    "spac",
    "reit",
    "etf",
    "etn",
    "other",
    "administrative",
    "liquidation",
    "halted",
    "bad_prices",
    "new_listing",
    "short_history",
    "caution",
    "single_price",
    "risk",
    "no_data",
)
EVERYWHERE = ("administrative", "liquidation", "halted")
NOT_TRADED = ("caution", "single_price", "risk")
MARKET_OF = ("KOSPI", "KOSDAQ")


def code_of(reason: str) -> pl.Expr:
    """The number of a reason, as frames carry it."""
    return pl.lit(REASONS.index(reason), pl.UInt8)


def sectors_of(data: MarketData) -> pl.Enum:
    """Every sector name, as the type of the panel's `sector`."""
    return pl.Enum(data.instruments["sector"].drop_nulls().unique().sort())


def tickers_of(data: MarketData) -> pl.Enum:
    """Every ticker that has a bar or is an instrument, in order."""
    both = [data.bars["ticker"].unique(), data.instruments["ticker"].unique()]
    return pl.Enum(pl.concat(both).unique().sort())


def coded(data: MarketData) -> tuple[pl.Enum, pl.Series]:
    """`tickers_of`, and for each bar the place of its ticker there."""
    tickers = pl.Enum(data.instruments["ticker"].unique().sort())
    codes = data.bars["ticker"].cast(tickers, strict=False)
    if codes.null_count():
        tickers = tickers_of(data)
        codes = data.bars["ticker"].cast(tickers)
    return tickers, codes.to_physical()


def keys(tickers: pl.Enum, positions: pl.Expr) -> pl.Expr:
    """The growing number of (stock, session) for a frame with a `ticker` column."""
    code = pl.col("ticker").cast(tickers).to_physical().cast(pl.Int64)
    return code * SPAN + positions.cast(pl.Int64)


def periods(data: MarketData, tickers: pl.Enum, sessions: pl.Series) -> pl.DataFrame:
    """One row for each row of the instruments, sorted by `key`, with its span of sessions.

    `from_pos` and `to_pos` (exclusive) are the sessions in which it is listed as such;
    `listed_pos` is the session of its listing, null if that is before the panel.
    """
    first = sessions[0] if len(sessions) else None
    kind = pl.col("kind").cast(pl.String)
    out = (
        pl.when(pl.col("market") == "KONEX")
        .then(code_of("konex"))
        .when(kind == "common")
        .then(pl.lit(0, pl.UInt8))
        .otherwise(kind.replace_strict({r: i for i, r in enumerate(REASONS)}, default=0))
        .cast(pl.UInt8)
    )
    frame = data.instruments.with_columns(
        since_pos=place(data.instruments["since"], sessions),
        listed_place=place(data.instruments["listed"], sessions),
        delisted_pos=place(data.instruments["delisted"], sessions),
    ).select(
        "ticker",
        "name",
        "market",
        "sector",
        "since_pos",
        "delisted_pos",
        key=keys(tickers, pl.col("since_pos")),
        code=pl.col("ticker").cast(tickers).to_physical(),
        kind_out=out,
        listed_pos=pl.when(pl.col("listed") >= first).then(pl.col("listed_place")),
    )
    frame = frame.sort("key")
    following = pl.when(pl.col("code") == pl.col("code").shift(-1)).then(
        pl.col("since_pos").shift(-1)
    )
    end = len(sessions)
    return frame.with_columns(
        from_pos=pl.max_horizontal("since_pos", pl.col("listed_pos").fill_null(0)),
        to_pos=pl.min_horizontal(following.fill_null(end), pl.col("delisted_pos").fill_null(end)),
    )


def place(dates: pl.Series, sessions: pl.Series) -> pl.Series:
    """The position of the first session on or after each date; null stays null."""
    found = sessions.search_sorted(dates.fill_null(strategy="zero"), side="left")
    return pl.select(
        pl.when(pl.lit(dates.is_not_null())).then(pl.lit(found.cast(pl.Int32)))
    ).to_series()


def period_of(stored: pl.DataFrame, spans: pl.DataFrame) -> pl.Series:
    """For each row of `stored` (sorted by `key`) the row of `spans` that holds, or null."""
    rows = len(stored)
    if not len(spans):
        return pl.Series([None] * rows, dtype=pl.Int64)
    starts = stored["key"].search_sorted(spans["key"], side="left")
    last = _counted(starts, rows).cum_sum() - 1
    same = spans["code"].gather(last.clip(0)) == stored["code"]
    return pl.select(pl.when(pl.lit(same & (last >= 0))).then(pl.lit(last))).to_series()


def designated(
    data: MarketData, stored: pl.DataFrame, tickers: pl.Enum, sessions: pl.Series
) -> dict[str, pl.Series]:
    """For each designation that occurs at all, whether it holds in each row of `stored`."""
    rows = len(stored)
    flags = data.flags.filter(pl.col("ticker").is_in(tickers.categories.implode()))
    flags = flags.with_columns(
        start=place(flags["since"], sessions),
        end=place(flags["until"], sessions).fill_null(SPAN - 1),
    ).with_columns(start=keys(tickers, pl.col("start")), end=keys(tickers, pl.col("end")))
    result = {}
    for flag in FLAGS:
        some = flags.filter(pl.col("flag") == flag, pl.col("start") < pl.col("end"))
        if len(some):
            begun = _counted(stored["key"].search_sorted(some["start"], side="left"), rows)
            ended = _counted(stored["key"].search_sorted(some["end"], side="left"), rows)
            result[flag] = (begun - ended).cum_sum() > 0
    return result


def first_reason(reasons: Sequence[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The code of the first (condition, code) that holds, else 0."""
    result: pl.Expr = pl.lit(0, pl.UInt8)
    for condition, code in reversed(reasons):
        result = pl.when(condition).then(code).otherwise(result)
    return result


def listed_counts(spans: pl.DataFrame, sessions: int) -> pl.Series:
    """How many instruments are listed in each session."""
    real = spans.filter(pl.col("from_pos") < pl.col("to_pos"))
    change = _counted(real["from_pos"], sessions) - _counted(real["to_pos"], sessions)
    return change.cum_sum()


def _counted(places: pl.Series, length: int) -> pl.Series:
    """How often each of 0 … length-1 occurs in `places`; others are dropped."""
    counts = (
        pl.DataFrame({"at": places.cast(pl.UInt32)})
        .filter(pl.col("at") < length)
        .group_by("at")
        .len()
    )
    result = pl.zeros(length, dtype=pl.Int64, eager=True)
    return result.scatter(counts["at"], counts["len"].cast(pl.Int64))
