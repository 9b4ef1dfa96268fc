"""Rooms for flows under test: a small sample market, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import dataframely as dy
import polars as pl
from prefect import flow
from prefect.client.schemas.objects import State

import settings
from db import Database
from errors import ClosebellError
from flows.room import Room
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.data import MarketData
from market.schemas import IndexBars, NetBuying, Quotes
from scanners.rules import Rules
from sources.protocol import Collected, Listed
from sources.sample import SampleSource

CALENDAR = TradingCalendar()
STOCKS = 150

T = TypeVar("T")


class Evening:
    """The sample market whose net buying comes out as a live source's: by the hour, and revised."""

    name = "sample"

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._sample = SampleSource(CALENDAR, stocks=STOCKS)

    def history(self, first: date, last: date) -> MarketData:
        data = self._sample.history(first, last)
        now = self._clock.now()
        known = pl.col("known_at") <= pl.lit(now).dt.convert_time_zone("UTC")
        return replace(data, net_buying=NetBuying.cast(data.net_buying.filter(known)))


def at(session: date, clock: str) -> FixedClock:
    """A clock that stands at that time of the session's day in Seoul."""
    return FixedClock(datetime.combine(session, time.fromisoformat(clock), SEOUL))


def room_at(db: Database, clock: FixedClock) -> Room:
    """A room over the sample market, `clock` in it."""
    return Room(
        settings=settings.Settings(source="sample"),
        calendar=CALENDAR,
        clock=clock,
        rules=Rules.from_mapping({}),
        db=db,
        source=Evening(clock),
        source_name="sample",
    )


def in_flow(work: Callable[[], T]) -> T:
    """What the work gives when it is done inside a flow run; its own errors rise."""

    @flow(name="under-test")
    def under_test() -> Any:
        return work()

    given: T = under_test()
    return given


def state_of(work: Callable[[], Any]) -> State[Any]:
    """The state a flow run ends in that does this work."""

    @flow(name="under-test")
    def under_test() -> Any:
        return work()

    state: State[Any] = under_test(return_state=True)
    return state


class LiveSample(Evening):
    """The sample market as a broker tells of it: `halved` stocks open ex one for two."""

    name = "kiwoom"

    def __init__(self, clock: FixedClock, halved: Collection[str] = ()) -> None:
        super().__init__(clock)
        self.halved = list(halved)
        self.down: ClosebellError | None = None

    def history(self, first: date, last: date) -> MarketData:
        self._answer()
        return super().history(first, last)

    def instruments(self, session: date) -> Listed:
        self._answer()
        data = self._sample.market(session, 1).data
        return Listed(data.instruments, data.flags)

    def sweep(self, session: date) -> Collected:
        self._answer()
        data = self._sample.market(session, 1).data
        return Collected(data, session, self._clock.now(), self.name)

    def quotes(self, tickers: Iterable[str]) -> dy.DataFrame[Quotes]:
        """Before the open: the last close, and today's base price."""
        self._answer()
        today = self._clock.now().date()
        last = self._sample.market(CALENDAR.previous(today), 1).data.bars
        halved = pl.when(pl.col("ticker").is_in(self.halved)).then(pl.col("close") // 2)
        null = pl.lit(None)
        return Quotes.validate(
            last.filter(pl.col("ticker").is_in(list(tickers))).select(
                "ticker",
                session=pl.lit(today),
                asked_at=pl.lit(self._clock.now().astimezone(UTC)),
                price="close",
                base=halved.otherwise("close"),
                **dict.fromkeys(("open", "high", "low", "volume"), pl.lit(0)),
                **dict.fromkeys(("value", "upper_limit", "lower_limit"), null),
                **dict.fromkeys(("expected_price", "expected_volume", "traded_at"), null),
            ),
            cast=True,
        )

    def indices(self, session: date) -> dy.DataFrame[IndexBars]:
        self._answer()
        return self._sample.market(session, 1).data.index_bars

    def net_buying_of(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        found = self.net_buying(session)
        return NetBuying.cast(found.filter(pl.col("ticker").is_in(list(tickers))))

    def net_buying(self, session: date) -> dy.DataFrame[NetBuying]:
        self._answer()
        return self._sample.market(session, 1).data.net_buying

    def _answer(self) -> None:
        if self.down:
            raise self.down


def live_room(db: Database, clock: FixedClock, *halved: str, **more: Any) -> Room:
    """A room whose source tells of a session before its close too."""
    chosen = settings.Settings(source="kiwoom", **more)
    room = room_at(db, clock)
    source = LiveSample(clock, halved)
    return replace(room, settings=chosen, source=source, source_name="kiwoom")
