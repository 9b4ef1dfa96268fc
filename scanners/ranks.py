"""What compares a stock with the others of its session: relative strength and sector rank."""

from __future__ import annotations

import polars as pl

from scanners.rules import Rules

CROSS = ("pos", "sector", "out_trading", "chg", "rs_raw", "r5", "above_average")


def ranked(cross: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """rs, sector_rank and sector_members for each eligible stock and session, in order.

    rs is 100 × rank / count over the stocks whose raw value is known, ties sharing the mean
    rank. sector_rank is 1 for the best five-row return of the sector among the stocks that
    daytrading scans, ties taking the better; null in sectors with too few of them.
    """
    least = rules.daytrading.sector_members
    candidate = (pl.col("out_trading") == 0) & pl.col("sector").is_not_null()
    frame = cross.select(
        "pos",
        "rs_raw",
        group=pl.col("pos") * 1024 + pl.col("sector").to_physical().cast(pl.Int32).fill_null(1023),
        r5=pl.when(candidate).then("r5"),
    )
    frame = frame.select(
        rs=pl.col("rs_raw").rank("average").over("pos")
        / pl.col("rs_raw").count().over("pos")
        * 100,
        sector_rank=pl.col("r5").rank("min", descending=True).over("group"),
        sector_members=pl.col("r5").count().over("group"),
    )
    return frame.with_columns(
        sector_rank=pl.when(pl.col("sector_members") >= least).then("sector_rank")
    )
