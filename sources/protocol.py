"""What every source of market data does, whoever the provider is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from market.data import MarketData


@dataclass(frozen=True)
class Collected:
    """The data of one session as a source gave them.

    `collected_at` (aware) is when they were fetched: data collected before the session's
    close can't be final. `data.bars` holds that session, and earlier ones where the source
    gives history along with it.
    """

    data: MarketData
    session: date
    collected_at: datetime
    source: str


class Source(Protocol):
    """A provider of market data."""

    @property
    def name(self) -> str:
        """What the setting CLOSEBELL_SOURCE calls it; stored with each bar."""
        ...

    def collect(self, session: date) -> Collected:
        """Fetch everything a scan of `session` needs.

        Raises:
            SourceUnavailable: the provider didn't answer after all retries.
            SourceNotConfigured: a key or file is missing.
            BadMarketData: the answer can't be what was asked for.
        """
        ...
