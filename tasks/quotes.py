"""Chosen stocks as they stand now."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sources.protocol import LiveSource
from tasks.step import step


@step("base prices", timeout=300)
def bases_step(source: LiveSource, tickers: Sequence[str]) -> pl.DataFrame:
    """The base prices of these stocks' session: ticker, base (won).

    Raises:
        SourceUnavailable, BadMarketData: one of them couldn't be had.
    """
    return source.quotes(tickers).select("ticker", "base")
