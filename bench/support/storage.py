"""What the storage benchmarks share: a database of their own, and bars to fill it with."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl

from db.database import Database
from db.embedded import embedded_server
from market.schemas import DailyBars

STOCKS = 2_700
SESSIONS_A_YEAR = 245


@contextmanager
def fresh_database() -> Iterator[Database]:
    """An embedded database as users have it, on disk, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        database = Database(url)
        database.upgrade()
        try:
            yield database
        finally:
            database.close()


def weekdays(until: date, count: int) -> list[date]:
    """The newest `count` weekdays up to `until`, in order."""
    days = (until - timedelta(days=n) for n in range(count * 2))
    return sorted([day for day in days if day.weekday() < 5][:count])


def bars(sessions: list[date], seed: int = 0) -> pl.DataFrame:
    """Made-up bars of every stock in these sessions: every column filled, none of them regular."""
    random = np.random.default_rng(seed)
    rows = len(sessions) * STOCKS
    close = random.integers(1_000, 500_000, rows)
    spread = random.integers(0, 500, (3, rows))
    tickers = [f"{n:06d}" for n in range(STOCKS)]
    return pl.DataFrame(
        {
            "session": pl.Series(sessions).gather(np.repeat(np.arange(len(sessions)), STOCKS)),
            "ticker": tickers * len(sessions),
            "open": close - spread[0] // 2,
            "high": close + spread[1],
            "low": close - spread[2],
            "close": close,
            "volume": random.integers(0, 10_000_000, rows),
            "value": random.integers(0, 10**12, rows),
            "base": close + spread[0],
            "listed_shares": random.integers(10**6, 10**9, rows),
            "market_cap": random.integers(10**10, 10**14, rows),
        }
    ).with_columns(
        adjusted=pl.lit(False),
        source=pl.lit("bench"),
        collected_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)),
    )


def as_bars(frame: pl.DataFrame) -> dy.DataFrame[DailyBars]:
    """The frame as it is trusted to be, without checking a row."""
    return DailyBars.cast(frame)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> str:
    """What the figures were measured on."""
    load = f"load {os.getloadavg()[0]:.1f}"
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {load}"
    )
