"""Today's base prices of chosen stocks, before the session opens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from errors import SourceUnavailable
from sources.protocol import LiveSource
from tasks.step import step


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
