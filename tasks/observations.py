"""What instruments were, as single observations for the repository to merge."""

from __future__ import annotations

from datetime import date

import polars as pl

from market.data import MarketData
from sources.protocol import Listed

ATTRIBUTES = ["name", "market", "kind", "sector"]
KEY = ["ticker", "session"]


def of_market(data: MarketData | Listed, last: date) -> pl.DataFrame:
    """The observations in collected data; the newest version of each was still so on `last`.

    Returns:
        ticker, session, name, market, kind, sector, flags (list; null: unknown), listed,
        delisted.
    """
    versions = data.instruments.with_columns(
        pl.when(pl.col("since") == pl.col("since").max().over("ticker"))
        .then(pl.min_horizontal(pl.lit(last), pl.col("delisted") - pl.duration(days=1)))
        .otherwise("since")
        .alias("last_seen")
    ).with_columns(pl.max_horizontal("last_seen", "since"))
    dates = versions.select("ticker", "listed", "delisted").unique("ticker", keep="last")
    known = data.flags_from if isinstance(data, MarketData) else date.min
    return of_stretches(versions, data.flags, known).join(dates, on="ticker", how="left")


def of_stretches(
    stretches: pl.DataFrame, flags: pl.DataFrame | None, flags_from: date | None = date.min
) -> pl.DataFrame:
    """One observation at each end of a stretch and wherever a flag came or went.

    Args:
        stretches: ticker, since, last_seen and the attributes.
        flags: ticker, flag, since, until (null: still so); None when nothing is known of them.
        flags_from: from here on a stock without flags has none; before, or with None, it may.

    Returns:
        ticker, session, name, market, kind, sector, and with `flags` a list of them.
    """
    ends = pl.concat(
        [stretches.select("ticker", session=column) for column in ("since", "last_seen")]
    )
    if flags is None:
        return _described(ends.unique(), stretches)
    turns = pl.concat(
        [ends, *(flags.select("ticker", session=column) for column in ("since", "until"))]
    )
    points = _described(turns.drop_nulls().unique(), stretches)
    set_then = (
        points.select(KEY)
        .join(flags.select("ticker", "since", "until", pl.col("flag").cast(pl.String)), on="ticker")
        .filter(
            (pl.col("since") <= pl.col("session"))
            & (pl.col("until").is_null() | (pl.col("until") > pl.col("session")))
        )
        .group_by(KEY)
        .agg(pl.col("flag").alias("flags"))
    )
    none_set = pl.when(pl.col("session") >= pl.lit(flags_from, pl.Date)).then(
        pl.lit([], pl.List(pl.String))
    )
    return points.join(set_then, on=KEY, how="left").with_columns(
        pl.coalesce("flags", none_set).alias("flags")
    )


def _described(points: pl.DataFrame, stretches: pl.DataFrame) -> pl.DataFrame:
    """The points that lie in a stretch, with its attributes."""
    return (
        points.sort("session")
        .join_asof(
            stretches.select("ticker", "since", "last_seen", *ATTRIBUTES).sort("since"),
            left_on="session",
            right_on="since",
            by="ticker",
            check_sortedness=False,
        )
        .filter(pl.col("session") <= pl.col("last_seen"))
        .select(*KEY, *ATTRIBUTES)
        .sort(KEY)
    )
