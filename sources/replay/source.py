"""A market of the past as a live source: it tells what its clock has reached, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date
from typing import Final

import dataframely as dy
import polars as pl

from errors import BadMarketData
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData
from market.prices import lower_limit_expr, upper_limit_expr
from market.schemas import INSTANT, IndexBars, NetBuying, Quotes
from sources.protocol import MOST_CHOSEN, Collected, Listed
from sources.replay.played import PlayedMarket


class ReplaySource:
    """Plays `market` by `clock`; see sources.protocol.LiveSource."""

    name: Final = "replay"

    def __init__(self, market: PlayedMarket, calendar: TradingCalendar, clock: Clock) -> None:
        self._market = market
        self._calendar = calendar
        self._clock = clock

    def instruments(self, session: date) -> Listed:
        """What is listed in `session`."""
        return self._market.listed(session)

    def sweep(self, session: date) -> Collected:
        """The newest snapshot of `session`; `collected_at` is the moment it stands for.

        Raises:
            SourceUnavailable: there is none yet.
        """
        seen = self._market.at(session, self._clock.now())
        listed = self._market.listed(session)
        data = MarketData(
            bars=seen.bars,
            instruments=listed.instruments,
            flags=listed.flags,
            net_buying=NetBuying.create_empty(),
            index_bars=seen.index_bars,
            flags_from=session,
        )
        return Collected(data, session, seen.at, self.name)

    def quotes(self, tickers: Iterable[str]) -> dy.DataFrame[Quotes]:
        """Chosen stocks as they stand; nothing is known of an auction's expected price."""
        wanted = list(tickers)
        now = self._clock.now()
        session = self._calendar.session_at(now)
        bars = self._market.at(session, now).bars.filter(pl.col("ticker").is_in(wanted))
        if wanted and bars.is_empty():
            raise BadMarketData(f"replay: no quote of {', '.join(wanted[:5])}")
        base = pl.col("base").fill_null(pl.col("close"))
        null = pl.lit(None)
        return Quotes.validate(
            bars.select(
                "ticker",
                "session",
                asked_at=pl.lit(now.astimezone(UTC), INSTANT),
                price="close",
                base=base,
                open="open",
                high="high",
                low="low",
                volume="volume",
                value="value",
                upper_limit=upper_limit_expr(base),
                lower_limit=lower_limit_expr(base),
                expected_price=null,
                expected_volume=null,
                traded_at=null,
            ),
            cast=True,
        )

    def indices(self, session: date) -> dy.DataFrame[IndexBars]:
        """The session's indices so far."""
        return self._market.at(session, self._clock.now()).index_bars

    def net_buying_of(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        """Chosen stocks' net buying as known now; empty where the market played has none.

        Raises:
            ValueError: more than MOST_CHOSEN.
        """
        wanted = list(tickers)
        if len(wanted) > MOST_CHOSEN:
            raise ValueError(f"{len(wanted)} stocks, {MOST_CHOSEN} at most")
        return self._market.net_buying(session, wanted, self._clock.now())

    def net_buying(self, session: date) -> dy.DataFrame[NetBuying]:
        """The whole market's, as known now."""
        return self._market.net_buying(session, None, self._clock.now())

    def history(self, first: date, last: date) -> MarketData:
        """The sessions of the market that are over by the clock, each as it closed.

        Raises:
            SourceUnavailable: it holds none of them.
        """
        over = self._calendar.last_closed(self._clock.now())
        data = self._market.history(first, min(last, over))
        known = pl.col("known_at") <= self._clock.now().astimezone(UTC)
        return replace(data, net_buying=NetBuying.cast(data.net_buying.filter(known)))
