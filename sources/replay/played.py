"""What a market must be able to tell to be played."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import dataframely as dy

from market.data import MarketData
from market.schemas import DailyBars, IndexBars, NetBuying
from sources.protocol import Listed


@dataclass(frozen=True)
class Snapshot:
    """The whole market as it stood `at` (aware): bars and indices of the session so far."""

    at: datetime
    bars: dy.DataFrame[DailyBars]
    index_bars: dy.DataFrame[IndexBars]


class PlayedMarket(Protocol):
    """Sessions that are over, moment by moment."""

    @property
    def sessions(self) -> list[date]:
        """Those it can play, in order."""
        ...

    def listed(self, session: date) -> Listed:
        """What was listed in a session, and under which designations."""
        ...

    def at(self, session: date, moment: datetime) -> Snapshot:
        """The newest snapshot by `moment`, and nothing of what came later.

        Raises:
            SourceUnavailable: there is none.
        """
        ...

    def history(self, first: date, last: date) -> MarketData:
        """The sessions from `first` to `last`, each as it closed, as far as it knows them.

        Raises:
            SourceUnavailable: it knows none.
        """
        ...

    def net_buying(
        self, session: date, tickers: Iterable[str] | None, moment: datetime
    ) -> dy.DataFrame[NetBuying]:
        """The session's net buying as known by then, of all stocks or of some."""
        ...
