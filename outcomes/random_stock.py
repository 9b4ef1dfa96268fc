"""What a random liquid stock returned: the mean of all of them, from auction to auction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from market.adjustment import factor_expr

VALUE_ROWS = 20
_OPENINGS = ("opened_beyond_stop", "opened_beyond_target", "next_open", "next_0930")


def random_stock(
    bars: pl.DataFrame, instruments: pl.DataFrame, sessions: Sequence[date], min_value: int
) -> pl.DataFrame:
    """The worth of one won that is in every liquid stock alike, spread anew at every auction.

    A stock counts in a session if it was traded in it and in the session before, and its value
    of the twenty traded rows up to that one was at least `min_value` won a session on average;
    common stocks of KOSPI and KOSDAQ only. From one auction to the next this is the expected
    return of picking one at random; over several it is that of picking anew at each, since the
    means are compounded: close to one stock held throughout, but not the same.

    Returns session, at_open, at_close (Float64), piece (auctions of two pieces can't be compared:
    sessions are missing between them), stocks (how many counted). Sessions without any: no row.
    """
    chosen = instruments.filter(
        pl.col("kind").cast(pl.String) == "common",
        pl.col("market").cast(pl.String).is_in(["KOSPI", "KOSDAQ"]),
    )["ticker"]
    calendar = pl.DataFrame({"session": pl.Series(sessions, dtype=pl.Date)}).with_columns(
        ordinal=pl.int_range(pl.len(), dtype=pl.Int32)
    )
    value = pl.coalesce("value", pl.col("close") * pl.col("volume"))
    same = pl.col("ticker") == pl.col("ticker").shift(1)
    daily = (
        bars.lazy()
        .filter(pl.col("ticker").is_in(chosen.unique().implode()))
        .join(calendar.lazy(), on="session")
        .sort("ticker", "ordinal")
        .with_columns(factor=factor_expr(), before=pl.col("close").shift(1))
        .filter(pl.col("volume") > 0, pl.col("open") > 0)
        .with_columns(usual=value.rolling_mean(VALUE_ROWS).over("ticker"))
        .with_columns(
            traded_before=same & (pl.col("ordinal") == pl.col("ordinal").shift(1) + 1),
            usual_before=pl.col("usual").shift(1),
        )
        .filter("traded_before", pl.col("usual_before") >= min_value)
        .group_by("ordinal")
        .agg(
            overnight=(pl.col("open") / (pl.col("before") * pl.col("factor"))).mean(),
            intraday=(pl.col("close") / pl.col("open")).mean(),
            stocks=pl.len(),
        )
        .sort("ordinal")
        .collect()
    )
    at_close = (pl.col("overnight") * pl.col("intraday")).cum_prod()
    broken = (pl.col("ordinal") != pl.col("ordinal").shift(1) + 1).fill_null(False)
    return daily.join(calendar, on="ordinal", maintain_order="left").select(
        "session",
        at_open=at_close / pl.col("intraday"),
        at_close=at_close,
        piece=broken.cast(pl.Int32).cum_sum(),
        stocks="stocks",
    )


def random_gross(trades: pl.DataFrame, worth: pl.DataFrame) -> pl.Series:
    """The gross return of a random liquid stock over each ended trade of `follow`, in order.

    Bought at the closing auction of the session it was bought in where the trade was (closing
    bets), else at its opening; sold at the opening where the trade was, else at the close.
    """
    at_close = pl.col("scanner") == "closing_bet"
    at_open = pl.col("reason").is_in(_OPENINGS)
    found = trades.join(
        worth, left_on="filled_session", right_on="session", how="left", maintain_order="left"
    ).join(
        worth,
        left_on="closed_session",
        right_on="session",
        how="left",
        maintain_order="left",
        suffix="_end",
    )
    bought = pl.when(at_close).then("at_close").otherwise("at_open")
    sold = pl.when(at_open).then("at_open_end").otherwise("at_close_end")
    whole = (pl.col("piece") == pl.col("piece_end")) & pl.col("closed_price").is_not_null()
    return found.select(pl.when(whole).then(sold / bought - 1).alias("random_gross")).to_series()
