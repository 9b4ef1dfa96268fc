"""What sources of market data and of news do, whoever the provider is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol, runtime_checkable

import dataframely as dy
import polars as pl

from market.data import MarketData
from market.schemas import IndexBars, InstrumentFlags, Instruments, NetBuying, News, Quotes

MOST_CHOSEN: Final = 60
"""How many stocks' net buying may be asked for one by one: a call a second and unit."""


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


@dataclass(frozen=True)
class Listed:
    """The instruments of a session, and the designations in force in it.

    `last_closes` is ticker and close (won) of the session before; None where the list has none.
    """

    instruments: dy.DataFrame[Instruments]
    flags: dy.DataFrame[InstrumentFlags]
    last_closes: pl.DataFrame | None = None


class History(Protocol):
    """A source that can give many sessions at once."""

    @property
    def name(self) -> str:
        """What the setting CLOSEBELL_SOURCE calls it; stored with each bar."""
        ...

    def history(self, first: date, last: date) -> MarketData:
        """Every session from `first` to `last`, both included, as far as the source goes.

        Raises:
            SourceUnavailable: the provider didn't answer after all retries.
            SourceNotConfigured: a key or file is missing.
            BadMarketData: the answer can't be what was asked for.
        """
        ...


@runtime_checkable
class LiveSource(History, Protocol):
    """A source that also tells of the session that is on. All raise as `history` does."""

    def instruments(self, session: date) -> Listed:
        """What is listed, and under which designations, in `session`."""
        ...

    def sweep(self, session: date) -> Collected:
        """The whole market as it stands now: bars of the session so far, instruments, indices.

        `collected_at` is when the first quote was asked for. Net buying isn't among it.
        """
        ...

    def quotes(self, tickers: Iterable[str]) -> dy.DataFrame[Quotes]:
        """Chosen stocks as they stand now, one row each; those that can't be read are left out.

        Raises:
            BadMarketData: none can be read.
        """
        ...

    def indices(self, session: date) -> dy.DataFrame[IndexBars]:
        """KOSPI, KOSDAQ and KOSPI200 of the session so far."""
        ...

    def net_buying_of(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        """Chosen stocks' net buying of the session as known now, in won; at most MOST_CHOSEN.

        `known_at` is now; provisional until the evening's figures are final.
        """
        ...

    def net_buying(self, session: date) -> dy.DataFrame[NetBuying]:
        """The whole market's net buying of a session that has closed, as known now."""
        ...


class NewsSource(Protocol):
    """A source of disclosures or articles, beside the one of prices."""

    @property
    def name(self) -> str:
        """Stored with each item."""
        ...

    def news(self, first: date, last: date) -> dy.DataFrame[News]:
        """What was published of the whole market from day `first` to `last`, as known now.

        `seen_at` is now.

        Raises:
            SourceUnavailable: the provider didn't answer after all retries.
            BadMarketData: the answer can't be what was asked for.
        """
        ...
