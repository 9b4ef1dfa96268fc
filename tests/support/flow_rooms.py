"""Rooms for flows under test: a small sample market, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, TypeVar

import polars as pl
from prefect import flow
from prefect.client.schemas.objects import State

import settings
from db import Database
from flows.room import Room
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.data import MarketData
from market.schemas import NetBuying
from scanners.rules import Rules
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
