"""What the live market says before a session opens: base prices, last closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from db import Database
from errors import SourceUnavailable
from sources.protocol import LiveSource
from tasks.step import step

ASKED: Final = 60  # stocks, two calls


@step("base prices", timeout=300)
def bases_step(source: LiveSource, tickers: Sequence[str], session: date) -> pl.DataFrame:
    """The base prices of these stocks in `session`: ticker, base (won).

    Raises:
        SourceUnavailable: the source still shows the session before, or didn't answer.
        BadMarketData: one of them couldn't be had.
    """
    quotes = source.quotes(tickers)
    if (quotes["session"] != session).any():
        shown = ", ".join(f"{day}" for day in quotes["session"].unique().sort())
        raise SourceUnavailable(f"{source.name} shows base prices of {shown}, not of {session}")
    return quotes.select("ticker", "base")


@step("last closes", timeout=300)
def last_closes_step(db: Database, source: LiveSource, session: date) -> pl.DataFrame:
    """What the live market takes as the close of `session` now: ticker, close (won).

    Asked of the stocks traded most in it. Before the next open that is their last price, after it
    their base price, which a corporate action moves.

    Raises:
        SourceUnavailable, BadMarketData: one of them couldn't be had.
    """
    bars = db.read_market_data(session, session).bars.filter(pl.col("volume") > 0)
    traded = bars.with_columns(turned=pl.col("volume") * pl.col("close"))
    quotes = source.quotes(traded.top_k(ASKED, by="turned")["ticker"].sort().to_list())
    before = pl.col("session") == session
    return quotes.select("ticker", close=pl.when(before).then("price").otherwise("base"))
