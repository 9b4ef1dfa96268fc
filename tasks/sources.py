"""Which source a run collects from."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from errors import SourceNotConfigured
from market.calendar import TradingCalendar
from market.data import MarketData
from settings import Settings
from sources.sample import SampleSource


class History(Protocol):
    """A source that can give many sessions at once."""

    @property
    def name(self) -> str:
        """Stored with each bar."""
        ...

    def history(self, first: date, last: date) -> MarketData:
        """Every session from `first` to `last`, both included, as far as the source goes."""
        ...


def open_source(name: str, settings: Settings, calendar: TradingCalendar) -> History | None:
    """The source of that name; None for `stored`: what is in the database.

    Raises:
        SourceNotConfigured: it can't be collected from here.
    """
    del settings  # the sample needs none; providers will
    if name == "sample":
        return SampleSource(calendar)
    if name == "stored":
        return None
    raise SourceNotConfigured(
        f"flows can't collect from {name} yet",
        remedy="import files (closebell import --help) and run with --source stored",
    )
