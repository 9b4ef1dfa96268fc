"""What every flow works with: settings, calendar, clock, rules and the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import logs
import settings
from db import Database
from market.calendar import TradingCalendar
from market.clock import Clock, SystemClock
from scanners.rules import Rules
from settings import Settings
from tasks.markets import open_market
from tasks.sources import History, open_source


@dataclass(frozen=True)
class Room:
    """Opened once a run and handed on; nothing of it is global."""

    settings: Settings
    calendar: TradingCalendar
    clock: Clock
    rules: Rules
    db: Database
    source: History | None
    source_name: str


@contextmanager
def opened(source: str | None, *, clock: Clock | None = None) -> Iterator[Room]:
    """Read and check all settings and rules, open the database and the source.

    Raises:
        SettingsError: naming what is missing or wrong.
        DatabaseUnavailable: it can't be reached or started.
    """
    config = settings.load()
    logs.configure(config.log_level)
    calendar = TradingCalendar(config.extra_holidays)
    rules = Rules.from_mapping(config.rules)
    log = logs.get()
    with open_market(config, source, lambda message: log.info(message)) as (db, name):
        yield Room(
            settings=config,
            calendar=calendar,
            clock=clock or SystemClock(),
            rules=rules,
            db=db,
            source=open_source(name, config, calendar),
            source_name=name,
        )
