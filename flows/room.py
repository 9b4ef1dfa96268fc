"""What every flow works with: settings, calendar, clock, rules and the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import logs
import settings
import tracing
from db import Database
from market.calendar import TradingCalendar
from market.clock import Clock
from outcomes.rules import TradeRules
from scanners.rules import Rules
from settings import Settings
from sources.protocol import History
from tasks.markets import open_market
from tasks.replay import clock_of
from tasks.sources import open_source


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

    @property
    def trades(self) -> TradeRules:
        """How signals are traded and followed."""
        return TradeRules.from_mapping(self.settings.rules)


@contextmanager
def opened(source: str | None, *, clock: Clock | None = None) -> Iterator[Room]:
    """Read and check all settings and rules, open the database and the source.

    Raises:
        SettingsError: naming what is missing or wrong.
        DatabaseUnavailable: it can't be reached or started.
    """
    config = settings.load()
    tracing.configure()
    logs.configure(config.log_level)
    calendar = TradingCalendar(config.extra_holidays)
    rules = Rules.from_mapping(config.rules)
    TradeRules.from_mapping(config.rules)  # wrong ones are named before anything is opened
    log = logs.get()
    clock = clock or clock_of(source, config, calendar)
    with ExitStack() as stack:
        db, name = stack.enter_context(
            open_market(config, source, lambda message: log.info(message))
        )
        found = stack.enter_context(open_source(name, config, calendar, db, clock))
        yield Room(
            settings=config,
            calendar=calendar,
            clock=clock,
            rules=rules,
            db=db,
            source=found,
            source_name=name,
        )
