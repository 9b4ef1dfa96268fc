"""What the live market says of chosen stocks: their base prices, and which it says nothing of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from errors import SourceUnavailable
from sources.protocol import LiveSource
from tasks.step import step


@step("base prices", timeout=300)
def bases_step(source: LiveSource, tickers: Sequence[str], session: date) -> pl.DataFrame:
    """The base prices of these stocks in `session`, as far as they are shown: ticker, base (won).

    Raises:
        SourceUnavailable: the source still shows the session before, or didn't answer.
        BadMarketData: none could be had.
    """
    quotes = source.quotes(tickers)
    today = quotes.filter(pl.col("session") == session)
    if today.is_empty():
        shown = ", ".join(f"{day}" for day in quotes["session"].unique().sort())
        raise SourceUnavailable(f"{source.name} shows base prices of {shown}, not of {session}")
    return today.select("ticker", "base")


def unseen(tickers: Iterable[str], quotes: pl.DataFrame) -> list[str]:
    """What to say of stocks without a quote, for a run's notes."""
    missing = sorted(set(tickers) - set(quotes["ticker"]))
    return [f"no quote of {', '.join(missing)}"] if missing else []
