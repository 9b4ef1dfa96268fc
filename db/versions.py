"""What was observed of something at single sessions, kept as versions that last until the next.

Observations may come in any order of time, and again; the same ones change nothing.
"""

from __future__ import annotations

import polars as pl


def merge_versions(
    known: pl.DataFrame, observed: pl.DataFrame, attributes: list[str]
) -> pl.DataFrame:
    """All versions of the observed tickers after taking in the new observations.

    A newer observation of the same session wins. An attribute observed as null is unknown there:
    it is taken from the observation before, or if there is none, from the one after. Between two
    new observations that agree, nothing else is believed to have been the case.

    Args:
        known: ticker, since, seen and the attributes; all versions of those tickers.
        observed: ticker, session and the attributes.
    """
    first = known.select("ticker", pl.col("since").alias("session"), *attributes, rank=0)
    last = known.select("ticker", pl.col("seen").alias("session"), *attributes, "since", rank=1)
    new = observed.select("ticker", "session", *attributes, rank=2)
    points = (
        pl.concat([last, first, new], how="diagonal_relaxed")
        .sort("ticker", "session", "rank")
        .with_columns(pl.col(attributes).forward_fill().over("ticker"))
        .with_columns(pl.col(attributes).backward_fill().over("ticker"))
        .unique(["ticker", "session"], keep="last", maintain_order=True)
    )
    # The end of a known version that new observations cut in two: it goes on the day after them.
    previous = pl.col("session").shift().over("ticker")
    cut = (pl.col("since") < previous) & (pl.col("rank").shift() == 2)
    resumed = previous + pl.duration(days=1)
    starts = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift()) for c in attributes)
    run = (starts | pl.col("ticker").ne_missing(pl.col("ticker").shift())).cum_sum()
    return (
        points.with_columns(run.alias("run"), pl.when(cut).then(resumed).alias("resumed"))
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("ticker").first(),
            pl.coalesce(pl.col("resumed").first(), pl.col("session").first()).alias("since"),
            pl.col("session").last().alias("seen"),
            pl.col(attributes).first(),
        )
        .drop("run")
    )
