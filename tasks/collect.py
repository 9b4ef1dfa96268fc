"""Collecting a session's data, and storing them once they are checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from db import Database
from logs import get as logger
from market.calendar import TradingCalendar
from market.data import MarketData
from sources.joining import joined
from sources.protocol import History
from tasks.observations import of_market
from tasks.source_artifact import noted
from tasks.step import step
from tasks.windows import window_start


# Fetching a whole history stock by stock takes an hour, and goes on where it was.
@step("collect", timeout=7200)
def collect(
    db: Database, source: History | None, calendar: TradingCalendar, first: date, last: date
) -> MarketData | None:
    """What the source has of `first` to `last`, and of the history before it, that isn't stored.

    Returns:
        The data from the first missing session on, in memory; None when nothing is missing.

    Raises:
        ClosebellError: as the source's `history`; the source's state says so.
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
    data = _fetched(db, source, _stretches(missing, calendar))
    fresh = data.bars.filter(pl.col("session").is_in(missing))
    log.info(
        "collected",
        source=source.name,
        sessions=fresh["session"].n_unique(),
        bars=fresh.height,
        net_buying=data.net_buying.height,
    )
    return data


def _fetched(db: Database, source: History, stretches: Sequence[tuple[date, date]]) -> MarketData:
    with noted(db, source.name):
        return joined([source.history(first, last) for first, last in stretches])


def _stretches(missing: Sequence[date], calendar: TradingCalendar) -> list[tuple[date, date]]:
    """Sessions that follow each other as ranges, so that none between is asked for again."""
    found: list[tuple[date, date]] = []
    for session in missing:
        if found and calendar.next(found[-1][1]) == session:
            found[-1] = (found[-1][0], session)
        else:
            found.append((session, session))
    return found


def store_data(db: Database, data: MarketData, last: date) -> int:
    """Write collected data in one transaction; rows that are stored the same aren't touched.

    Returns:
        How many bars were added or changed.
    """
    with db.transaction() as tx:
        tx.instruments.observe(of_market(data, last))
        stored = tx.bars.store(data.bars)
        tx.net_buying.store(data.net_buying)
        tx.index_bars.store(data.index_bars)
        first = data.bars["session"].min()
        if isinstance(first, date):
            tx.sources.forget_parts(first, last)
    logger().info("stored", bars=stored.stored, unchanged=stored.unchanged)
    return stored.stored


store = step("store", timeout=900)(store_data)
