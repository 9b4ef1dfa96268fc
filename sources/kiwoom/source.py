"""Kiwoom as a source: the session that is on, or has just closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final

import dataframely as dy

from errors import BadMarketData, SourceNotConfigured
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData
from market.schemas import DailyBars, NetBuying
from settings import Settings
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom import history, indices, instruments, net_buying, quotes
from sources.kiwoom.client import PROVIDER, Access, KiwoomClient
from sources.kiwoom.quotes import Sweep
from sources.kiwoom.rows import StockQuote
from sources.protocol import Collected
from sources.wire import frame


class KiwoomSource:
    """Sweeps of the whole market, and what is asked per stock. KRX prices and volumes only."""

    name: Final = PROVIDER

    def __init__(
        self,
        client: KiwoomClient,
        calendar: TradingCalendar,
        clock: Clock,
        *,
        max_missing: float,
    ) -> None:
        self._client = client
        self._calendar = calendar
        self._clock = clock
        self._max_missing = max_missing

    def collect(self, session: date) -> Collected:
        """Instruments, designations, bars and indices of `session`, in some 50 calls.

        Net buying isn't among them: it is asked for later (`net_buying`, `net_buying_of`).
        Values (won traded) are null, as the sweep doesn't tell them.

        Raises:
            BadMarketData: what Kiwoom shows is another session, incomplete or contradictory.
            ClosebellError: as KiwoomClient.ask.
        """
        self._require_shown(session)
        listing = instruments.fetch_listing(self._client, max_missing=self._max_missing)
        began = self._clock.now()
        found = quotes.sweep(self._client, listing, max_missing=self._max_missing)
        quotes.require_session(self._client, found, self._calendar.hours(session))
        data = MarketData(
            bars=_bars(self._client, session, listing, found, began),
            instruments=listing.instruments(session),
            flags=listing.flag_rows(session),
            net_buying=NetBuying.create_empty(),
            index_bars=indices.fetch_index_bars(self._client, session),
        )
        return Collected(data, session, began, self.name)

    def quotes_of(self, tickers: Iterable[str]) -> dict[str, StockQuote]:
        """Chosen stocks at this moment, with value, limits and expected auction price.

        Raises:
            BadMarketData: one is missing or can't be read.
        """
        return quotes.chosen(self._client, tickers)

    def history(self, ticker: str, first: date, last: date) -> dy.DataFrame[DailyBars]:
        """A stock's daily bars as traded; see history.fetch_history."""
        return history.fetch_history(
            self._client, self._calendar, ticker, first, last, self._clock.now()
        )

    def net_buying(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        """The whole market's net buying of a session that has closed, as known now.

        Marked provisional until the session's figures are final (20:10 on an ordinary day).

        Raises:
            BadMarketData: Kiwoom still shows the session before, or too much is missing.
        """
        now = self._clock.now()
        return net_buying.fetch_market(
            self._client,
            tickers,
            session,
            now,
            provisional=self._provisional(session, now),
            max_missing=self._max_missing,
        )

    def net_buying_of(
        self, ticker: str, sessions: Sequence[date], *, units: Iterable[str] = ("won", "shares")
    ) -> dy.DataFrame[NetBuying]:
        """One stock's net buying of these sessions as known now, one call a unit."""
        now = self._clock.now()
        return net_buying.fetch_stock(
            self._client,
            ticker,
            sessions,
            now,
            provisional=self._provisional(max(sessions), now),
            units=units,
        )

    def _provisional(self, session: date, now: datetime) -> bool:
        return now < Slot.FINAL.moment(self._calendar.hours(session))

    def _require_shown(self, session: date) -> None:
        shown = self._calendar.session_at(self._clock.now())
        if session != shown:
            raise BadMarketData(
                f"{PROVIDER}: its quotes are of {shown} now, not of {session}",
                remedy="import past sessions, or fetch them stock by stock",
            )


def open_kiwoom(settings: Settings, guards: Guards) -> KiwoomClient:
    """A client with the settings' keys and limits.

    Raises:
        SourceNotConfigured: a key is missing.
    """
    if settings.kiwoom_app_key is None or settings.kiwoom_secret_key is None:
        raise SourceNotConfigured(
            "kiwoom: no keys are set",
            remedy="set CLOSEBELL_KIWOOM_APP_KEY and CLOSEBELL_KIWOOM_SECRET_KEY",
        )
    access = Access(
        settings.kiwoom_base_url.rstrip("/"),
        settings.kiwoom_app_key.get_secret_value(),
        settings.kiwoom_secret_key.get_secret_value(),
        settings.kiwoom_calls_per_second,
        settings.kiwoom_burst,
        settings.kiwoom_total_per_second,
    )
    return KiwoomClient(Client(PROVIDER, guards, Limits.of(settings)), access)


def _bars(
    client: KiwoomClient,
    session: date,
    listing: instruments.Listing,
    found: Sweep,
    collected_at: datetime,
) -> dy.DataFrame[DailyBars]:
    rows = []
    for ticker, quote in found.quotes.items():
        shares = listing.stocks[ticker].listed_shares or None
        traded = quote.volume > 0
        rows.append(
            {
                "session": session,
                "ticker": ticker,
                "open": quote.open if traded else 0,
                "high": quote.high if traded else 0,
                "low": quote.low if traded else 0,
                "close": quote.close,
                "volume": quote.volume,
                "value": None,
                "base": quote.base,
                "listed_shares": shares,
                "market_cap": shares and shares * quote.close,
                "adjusted": False,
                "source": PROVIDER,
                "collected_at": collected_at.astimezone(UTC),
            }
        )
    return frame(client.call(quotes.SWEEP), DailyBars, rows)
