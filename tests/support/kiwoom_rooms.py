"""A room whose source is a fake Kiwoom that shows the sample market, its history stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import polars as pl
from fake_kiwoom import APP_KEY, SECRET_KEY

import settings
from db.database import Database
from flows.room import Room
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, NetBuying
from scanners.rules import Rules
from sources.sample import SampleSource
from tasks.observations import of_market
from tasks.sources import open_source

CALENDAR = TradingCalendar()
LAST = date(2026, 11, 20)
RATE = 2000.0
LOOSE = {"closing_bet": {"min_grade": "C", "value_steps": [[1e9, 3], [1e8, 2], [1, 1]]}}


def last_at(clock: str) -> datetime:
    """That time of the session that is on, in Seoul."""
    return datetime.combine(LAST, time.fromisoformat(clock), SEOUL)


def sample_market(stocks: int = 120) -> MarketData:
    """The sample market up to the session that is on."""
    return SampleSource(CALENDAR, stocks=stocks).history(date(2025, 9, 1), LAST)


@contextmanager
def kiwoom_room(database: Database, url: str, clock: str, **more: Any) -> Iterator[Room]:
    """Everything a flow works with at that time, with the server at `url` as its Kiwoom."""
    config = settings.Settings(
        source="kiwoom",
        kiwoom_app_key=APP_KEY,
        kiwoom_secret_key=SECRET_KEY,
        kiwoom_base_url=url,
        kiwoom_calls_per_second=RATE,
        kiwoom_total_per_second=5 * RATE,
        http_attempts=2,
        **more,
    )
    moment = FixedClock(last_at(clock))
    with open_source("kiwoom", config, CALENDAR, database, moment) as source:
        yield Room(
            settings=config,
            calendar=CALENDAR,
            clock=moment,
            rules=Rules.from_mapping(LOOSE),
            db=database,
            source=source,
            source_name="kiwoom",
        )


def store_before(database: Database, sample: MarketData, session: date = LAST) -> None:
    """What was known of the market before the session that is on."""
    before = pl.col("session") < session
    data = replace(
        sample,
        bars=DailyBars.cast(sample.bars.filter(before)),
        net_buying=NetBuying.cast(sample.net_buying.filter(before)),
        index_bars=IndexBars.cast(sample.index_bars.filter(before)),
    )
    with database.transaction() as tx:
        tx.instruments.observe(of_market(data, CALENDAR.previous(session)))
        tx.bars.store(data.bars)
        tx.net_buying.store(data.net_buying)
        tx.index_bars.store(data.index_bars)
