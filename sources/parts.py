"""Fetching stock by stock what takes the better part of an hour, so that it can go on later."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Protocol

import dataframely as dy
import polars as pl

import logs
from errors import BadMarketData
from market.schemas import DailyBars
from sources.http.call import Call
from sources.wire import tolerate

Tell = Callable[[str], None]

EVERY: Final = 100
"""Stocks between two words on how far it has come."""

KEPT: Final = timedelta(hours=24)
"""What was fetched longer ago is fetched again."""


class PartStore(Protocol):
    """Keeps fetched parts of a market until the whole is stored; db/ implements it."""

    def kept(self, source: str, first: date, last: date, since: datetime) -> Mapping[str, bytes]:
        """The parts that cover `first` to `last` and were fetched after `since`, by ticker."""
        ...

    def keep(self, source: str, ticker: str, first: date, last: date, content: bytes) -> None:
        """Keep one stock's part, in a transaction of its own."""
        ...


def tell_log(message: str) -> None:
    """Say it in the log, which Prefect shows with the run."""
    logs.get().info(message)


def fetch_stock_by_stock(
    call: Call,
    tickers: Sequence[str],
    fetch: Callable[[str], dy.DataFrame[DailyBars]],
    parts: PartStore,
    first: date,
    last: date,
    *,
    now: datetime,
    max_missing: float,
    tell: Tell,
) -> dy.DataFrame[DailyBars]:
    """Every stock's bars from `first` to `last`; a stock that is kept isn't asked for again.

    `tell` hears every hundredth stock how far it has come and how long the rest will take.

    Raises:
        BadMarketData: more than the share `max_missing` of the stocks have rows that can't be.
        ClosebellError: whatever else `fetch` raises; the stocks before it stay kept.
    """
    source = f"{call.provider} {call.name}"
    kept = parts.kept(source, first, last, now - KEPT)
    found = {ticker: kept[ticker] for ticker in tickers if ticker in kept}
    waiting = [ticker for ticker in tickers if ticker not in found]
    if found and waiting:
        tell(f"{source}: {len(found):,} of {len(tickers):,} stocks were fetched before, going on")
    began = time.monotonic()
    bad: list[str] = []
    for number, ticker in enumerate(waiting, 1):
        try:
            found[ticker] = _packed(fetch(ticker))
        except BadMarketData as error:
            bad.append(error.detail)
            tolerate(call, "stocks' rows can't be", bad, len(tickers), max_missing)
        else:
            parts.keep(source, ticker, first, last, found[ticker])
        if number % EVERY == 0 or number == len(waiting):
            left = (time.monotonic() - began) / number * (len(waiting) - number)
            tell(
                f"{source}: {len(found):,} of {len(tickers):,} stocks, {first} to {last},"
                f" {_minutes(left)} left"
            )
    frames = [_unpacked(content) for content in found.values()]
    bars = pl.concat([DailyBars.create_empty(), *frames]).filter(
        pl.col("session").is_between(first, last)
    )
    return DailyBars.validate(bars.sort(DailyBars.primary_key()))


def _packed(bars: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    bars.write_ipc(file, compression="zstd")
    return file.getvalue()


def _unpacked(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(content))


def _minutes(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
