"""The sample market as a source: any session of it, and its history, made on demand."""

from __future__ import annotations

from datetime import date

from errors import SourceUnavailable
from market.calendar import TradingCalendar
from market.data import MarketData
from sources.protocol import Collected
from sources.sample import frames
from sources.sample.market import ORIGIN, SEED, STOCKS, SampleMarket, generate


class SampleSource:
    """The built-in market; the same seed and number of stocks always give the same one."""

    name = frames.SOURCE

    def __init__(
        self, calendar: TradingCalendar, *, stocks: int = STOCKS, seed: int = SEED
    ) -> None:
        self._calendar = calendar
        self._stocks = stocks
        self._seed = seed

    def collect(self, session: date) -> Collected:
        """That session alone, as it stood at 20:00 KST.

        Raises:
            NotATradingSession: the exchange is closed, or the market hasn't begun.
        """
        data = self.market(session, 1).data
        return Collected(data, session, frames.instant(session, frames.COLLECTED), self.name)

    def history(self, first: date, last: date) -> MarketData:
        """Every session from `first` to `last`; nothing is known before the market's origin.

        Raises:
            NotATradingSession: `last` is no session, or the market hasn't begun.
            SourceUnavailable: there is no session in the range.
        """
        sessions = len(self._calendar.sessions(max(first, ORIGIN), last))
        if not sessions:
            raise SourceUnavailable(f"the sample market has no session from {first} to {last}")
        return self.market(last, sessions).data

    def market(self, last: date, sessions: int) -> SampleMarket:
        """A window of the market together with what is planted in it."""
        return generate(
            last=last,
            sessions=sessions,
            stocks=self._stocks,
            seed=self._seed,
            calendar=self._calendar,
        )
