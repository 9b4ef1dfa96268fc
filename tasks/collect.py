"""Collecting a session's data, and storing them once they are checked."""

from __future__ import annotations

from datetime import date

import polars as pl

from db import Database
from logs import get as logger
from market.calendar import TradingCalendar
from market.data import MarketData
from tasks.observations import of_market
from tasks.sources import History
from tasks.step import step
from tasks.windows import window_start


@step("collect", timeout=900)
def collect(
    db: Database, source: History | None, calendar: TradingCalendar, first: date, last: date
) -> MarketData | None:
    """What the source has of `first` to `last`, and of the history before it, that isn't stored.

    Returns:
        The data from the first missing session on, in memory; None when nothing is missing.

    Raises:
        SourceUnavailable: the provider didn't answer.
    """
    log = logger()
    if source is None:
        log.info("nothing to collect, the stored data are used")
        return None
    start = window_start(calendar, first)
    with db.reader() as tx:
        stored = set(tx.bars.sessions(start, last))
    missing = [s for s in calendar.sessions(start, last) if s not in stored]
    newest = max(stored, default=None)
    if newest is not None:  # history the source doesn't reach stays missing
        missing = [s for s in missing if s > newest or s >= first]
    if not missing:
        log.info("all sessions are stored", source=source.name)
        return None
    data = source.history(missing[0], last)
    fresh = data.bars.filter(pl.col("session").is_in(missing))
    log.info(
        "collected",
        source=source.name,
        sessions=fresh["session"].n_unique(),
        bars=fresh.height,
        net_buying=data.net_buying.height,
    )
    return data


@step("store", timeout=900)
def store(db: Database, data: MarketData, last: date) -> int:
    """Write collected data in one transaction; rows that are stored the same aren't touched.

    Returns:
        How many bars were added or changed.
    """
    with db.transaction() as tx:
        tx.instruments.observe(of_market(data, last))
        stored = tx.bars.store(data.bars)
        tx.net_buying.store(data.net_buying)
        tx.index_bars.store(data.index_bars)
    logger().info("stored", bars=stored.stored, unchanged=stored.unchanged)
    return stored.stored
