"""Kiwoom as a source: the session that is on, or has just closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import dataframely as dy
import polars as pl

from errors import BadMarketData, ClosebellError, SourceNotConfigured
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData
from market.schemas import INSTANT, DailyBars, IndexBars, InstrumentFlags, NetBuying, Quotes
from settings import Settings
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.joining import joined
from sources.kiwoom import history, indices, instruments, net_buying, quotes
from sources.kiwoom.client import PROVIDER, Access, KiwoomClient
from sources.kiwoom.instruments import Listing
from sources.kiwoom.quotes import Sweep
from sources.kiwoom.rows import StockQuote
from sources.parts import PartStore, Tell, fetch_stock_by_stock, tell_log
from sources.protocol import MOST_CHOSEN, Collected, History, Listed
from sources.wire import frame, tolerate

# When the closing auction's price is sure to have reached every quote.
SETTLED: Final = timedelta(seconds=90)


class KiwoomSource:
    """Sweeps of the whole market, and what is asked per stock. KRX prices and volumes only."""

    name: Final = PROVIDER

    def __init__(
        self,
        client: KiwoomClient,
        calendar: TradingCalendar,
        clock: Clock,
        parts: PartStore,
        *,
        max_missing: float,
        official: History | None = None,
        tell: Tell = tell_log,
    ) -> None:
        """
        Args:
            parts: keeps what was fetched stock by stock until all of it is stored.
            official: asked first for past sessions, which takes it a few calls each.
        """
        self._client = client
        self._calendar = calendar
        self._clock = clock
        self._parts = parts
        self._max_missing = max_missing
        self._official = official
        self._tell = tell

    def sweepable(self, session: date) -> bool:
        """Whether a sweep would show `session`: from its opening until the after-market's."""
        now = self._clock.now()
        if session != self._calendar.session_at(now):
            return False
        return now < self._calendar.hours(session).close + quotes.AFTER_MARKET

    def instruments(self, session: date) -> Listed:
        """Both markets' lists as they are now, two calls.

        Raises:
            BadMarketData: a list can't be read, or `session` is past.
        """
        shown = self._calendar.session_at(self._clock.now())
        if session < shown:
            raise BadMarketData(f"{PROVIDER}: its lists are of {shown} now, not of {session}")
        listing = self._listing()
        return Listed(
            listing.instruments(session), listing.flag_rows(session), listing.last_closes()
        )

    def sweep(self, session: date) -> Collected:
        """Instruments, designations, bars and indices of `session`, in some 50 calls.

        Between the close and 90 s after it waits until then. Net buying isn't among them: it is
        asked for later. Values (won traded) are null, as the sweep doesn't tell them.

        Raises:
            BadMarketData: what Kiwoom shows is another session, incomplete or contradictory.
            ClosebellError: as KiwoomClient.ask.
        """
        self._require_shown(session)
        self._await_the_close(session)
        listing = self._listing()
        began = self._clock.now()
        found = quotes.sweep(self._client, listing, max_missing=self._max_missing)
        hours = self._calendar.hours(session)
        quotes.require_session(self._client, found, hours, closed=began >= hours.close)
        data = MarketData(
            bars=_bars(self._client, session, listing, found, began),
            instruments=listing.instruments(session),
            flags=listing.flag_rows(session),
            net_buying=NetBuying.create_empty(),
            index_bars=indices.fetch_index_bars(self._client, session),
            flags_from=session,
        )
        return Collected(data, session, began, self.name)

    def history(self, first: date, last: date) -> MarketData:
        """Sessions `first` to `last`: the newest by a sweep while it can be seen.

        Those before are the official ones, if there is a source of them and it has them, else
        fetched stock by stock, one call each. Of past sessions the designations are unknown, and
        of stocks listed now what they were.

        Raises:
            BadMarketData: a stock's rows can't be, or more stocks than tolerated have none.
            ClosebellError: as KiwoomClient.ask; what was fetched isn't fetched again.
        """
        if not self.sweepable(last):
            return self._past(first, last)
        newest = self.sweep(last).data
        if first == last:
            return newest
        return joined([self._past(first, self._calendar.previous(last)), newest])

    def history_of(self, ticker: str, first: date, last: date) -> dy.DataFrame[DailyBars]:
        """A stock's daily bars as traded; see history.fetch_history."""
        return history.fetch_history(
            self._client, self._calendar, ticker, first, last, self._clock.now()
        )

    def quotes(self, tickers: Iterable[str]) -> dy.DataFrame[Quotes]:
        """Chosen stocks at this moment, thirty a call; those that can't be read are left out.

        Raises:
            BadMarketData: none can be read.
        """
        now = self._clock.now()
        return quotes.quote_rows(self._client, self.quotes_of(tickers).values(), now)

    def quotes_of(self, tickers: Iterable[str]) -> Mapping[str, StockQuote]:
        """Chosen stocks as Kiwoom tells them, by ticker; see `quotes`."""
        found = quotes.readable(self._client, tickers)
        call, lost = self._client.call(quotes.CHOSEN), found.rejected
        if lost and not found.quotes:
            raise BadMarketData(f"{call}: none of {len(lost)} stocks can be read ({lost[0]})")
        tolerate(call, "stocks can't be read", lost, len(lost), 1.0)
        return found.quotes

    def indices(self, session: date) -> dy.DataFrame[IndexBars]:
        """The indices of the session so far, three calls.

        Raises:
            BadMarketData: the newest row is of another session.
        """
        found = indices.fetch_index_bars(self._client, session)
        return IndexBars.cast(found.filter(pl.col("session") == session))

    def index_history(self, first: date, last: date) -> dy.DataFrame[IndexBars]:
        """The indices of past sessions, as far back as 600; three calls."""
        found = indices.fetch_index_bars(self._client, last)
        return IndexBars.cast(found.filter(pl.col("session") >= first))

    def net_buying(
        self, session: date, tickers: Iterable[str] | None = None
    ) -> dy.DataFrame[NetBuying]:
        """The market's net buying of a session that has closed, as known now.

        Of `tickers` alone if given, which saves the two calls for the lists. Marked provisional
        until the session's figures are final (20:10 on an ordinary day).

        Raises:
            BadMarketData: Kiwoom still shows the session before, or too much is missing.
        """
        wanted = self._listing().stocks if tickers is None else tickers
        now = self._clock.now()
        return net_buying.fetch_market(
            self._client,
            wanted,
            session,
            now,
            provisional=self._provisional(session, now),
            max_missing=self._max_missing,
        )

    def net_buying_of(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        """Chosen stocks' net buying of the session as known now, in won, one call each.

        Raises:
            BadMarketData: more than MOST_CHOSEN are asked for, or a row can't be.
        """
        asked = list(tickers)
        if len(asked) > MOST_CHOSEN:
            raise BadMarketData(f"{PROVIDER}: {len(asked)} stocks chosen, at most {MOST_CHOSEN}")
        found = [self.net_buying_history(ticker, [session], units=["won"]) for ticker in asked]
        return NetBuying.cast(pl.concat([NetBuying.create_empty(), *found]))

    def net_buying_history(
        self, ticker: str, sessions: Sequence[date], *, units: Iterable[str] = ("won", "shares")
    ) -> dy.DataFrame[NetBuying]:
        """One stock's net buying of these sessions, one call a unit.

        A session whose figures have been final is known since then; the newest one since now.
        """
        now = self._clock.now()
        rows = net_buying.fetch_stock(
            self._client,
            ticker,
            sessions,
            now,
            provisional=self._provisional(max(sessions), now),
            units=units,
        )
        final = {day: Slot.FINAL.moment(self._calendar.hours(day)) for day in sessions}
        known = pl.col("session").replace_strict(final, return_dtype=INSTANT)
        return NetBuying.cast(rows.with_columns(pl.min_horizontal("known_at", known)))

    def _listing(self) -> Listing:
        return instruments.fetch_listing(self._client, max_missing=self._max_missing)

    def _past(self, first: date, last: date) -> MarketData:
        found = self._published(first, last)
        have = set(found.bars["session"]) if found else set()
        lacking = [s for s in self._calendar.sessions(first, last) if s not in have]
        parts = [self._stock_by_stock(lacking[0], lacking[-1])] if lacking else []
        return joined(parts + ([found] if found else []))

    def _published(self, first: date, last: date) -> MarketData | None:
        if self._official is None:
            return None
        try:
            found = self._official.history(first, last)
        except ClosebellError as error:
            self._tell(f"not from {self._official.name}: {error.detail}")
            return None
        return replace(found, flags=InstrumentFlags.create_empty())  # it knows only two of them

    def _stock_by_stock(self, first: date, last: date) -> MarketData:
        listing = self._listing()
        call = self._client.call(history.TR)
        bars = fetch_stock_by_stock(
            call,
            list(listing.stocks),
            lambda ticker: self.history_of(ticker, first, last),
            self._parts,
            first,
            last,
            now=self._clock.now(),
            max_missing=self._max_missing,
            tell=self._tell,
        )
        empty = sorted(set(listing.stocks) - set(bars["ticker"]))
        new = [t for t in empty if (day := listing.stocks[t].listed) and day > last]
        lost = [ticker for ticker in empty if ticker not in new]
        tolerate(call, "stocks have no bars", lost, len(listing.stocks), self._max_missing)
        return MarketData(
            bars=bars,
            instruments=listing.instruments(first),
            flags=InstrumentFlags.create_empty(),
            net_buying=NetBuying.create_empty(),
            index_bars=self.index_history(first, last),
        )

    def _provisional(self, session: date, now: datetime) -> bool:
        return now < Slot.FINAL.moment(self._calendar.hours(session))

    def _require_shown(self, session: date) -> None:
        if self.sweepable(session):
            return
        shown = self._calendar.session_at(self._clock.now())
        if session != shown:
            raise BadMarketData(
                f"{PROVIDER}: its quotes are of {shown} now, not of {session}",
                remedy="import past sessions, or fetch them stock by stock",
            )
        raise BadMarketData(
            f"{PROVIDER}: the after-market since"
            f" {self._calendar.hours(session).close + quotes.AFTER_MARKET:%H:%M} may have moved"
            f" the quotes of {session}",
            remedy="fetch the session stock by stock, or from KRX next morning",
        )

    def _await_the_close(self, session: date) -> None:
        close = self._calendar.hours(session).close
        if self._clock.now() >= close:
            self._clock.wait_until(close + SETTLED)


def open_kiwoom(settings: Settings, guards: Guards) -> KiwoomClient:
    """A client with the settings' keys and limits.

    Raises:
        SourceNotConfigured: a key is missing.
    """
    if settings.kiwoom_app_key is None or settings.kiwoom_secret_key is None:
        raise SourceNotConfigured(
            "kiwoom: no keys are set",
            remedy="set CLOSEBELL_KIWOOM_APP_KEY and CLOSEBELL_KIWOOM_SECRET_KEY; without them work"
            " imported files (--source stored), KRX and the sample market (--source sample)",
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
    listing: Listing,
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
