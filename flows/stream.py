"""The live stream: prices of watched stocks while a session is on; a service, no Prefect flow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from db import Database
from db.listening import wakes
from errors import ClosebellError, DatabaseUnavailable, SourceUnavailable, outward
from logs import get as logger
from market.calendar import TradingCalendar
from market.clock import Clock
from settings import Settings
from sources.kiwoom.realtime import Realtime
from sources.kiwoom.realtime_rows import SessionNotice, Told
from tasks.stream import Kept, note, watched

ALONE = "closebell stream"
BEFORE, AFTER = timedelta(minutes=10), timedelta(minutes=15)  # of the session's open and close
SIGNALS_FOR = 20  # sessions for which a signal that isn't over is watched
FLUSH_SECONDS = 1.0


@dataclass(frozen=True)
class Service:
    """What the stream works with."""

    db: Database
    settings: Settings
    calendar: TradingCalendar
    clock: Clock
    realtime: Realtime
    on_message: Callable[[str], None] = lambda _: None
    flush_seconds: float = FLUSH_SECONDS


async def serve(service: Service) -> None:
    """Session after session until cancelled; only one process at a time does so.

    Raises:
        SourceUnavailable, SourceNotConfigured, SourceRefused: Kiwoom can't be listened to.
        DatabaseError: what was told can't be stored.
    """
    waiting = partial(service.on_message, "another process streams; waiting for it to end")
    listening = wakes(service.db, alone_as=ALONE, on_waiting=waiting)
    async with aclosing(listening):
        await anext(listening)
        woken = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_hear(listening, woken))
                while True:
                    await _session(service, woken)
        except* ClosebellError as errors:
            raise _first(errors) from None


async def _hear(listening: AsyncGenerator[None, None], woken: asyncio.Event) -> None:
    async for _ in listening:
        woken.set()
    raise DatabaseUnavailable("the connection ended")


async def _session(service: Service, woken: asyncio.Event) -> None:
    """Wait for the session that is on or comes next, and stream it to its end."""
    begin, end = _window(service.calendar, service.clock.now())
    if (wait := (begin - service.clock.now()).total_seconds()) > 0:
        service.on_message(f"waiting for {begin:%Y-%m-%d %H:%M} KST")
        await asyncio.sleep(wait)
    kept = Kept()
    try:
        async with asyncio.timeout((end - service.clock.now()).total_seconds()):
            async with asyncio.TaskGroup() as group:
                group.create_task(_watch(service, woken))
                group.create_task(_flush(service, kept))
                group.create_task(_listen(service, kept))
    except TimeoutError:
        service.on_message(f"the session is over; {kept.ticks:,} trades were heard")
    finally:
        await asyncio.to_thread(kept.store, service.db)


def _window(calendar: TradingCalendar, now: datetime) -> tuple[datetime, datetime]:
    day = now.date()
    while True:
        if calendar.is_session(day):
            hours = calendar.hours(day)
            if now < hours.close + AFTER:
                return hours.open - BEFORE, hours.close + AFTER
        day = calendar.next(day)


async def _watch(service: Service, woken: asyncio.Event) -> None:
    """Whenever something changes in the database, see whether other stocks are to be watched."""
    since = service.clock.now().date()
    for _ in range(SIGNALS_FOR):
        since = service.calendar.previous(since)
    while True:
        woken.clear()
        tickers = await asyncio.to_thread(watched, service.db, service.settings, since)
        service.realtime.watch(tickers)
        service.on_message(f"streaming, {len(tickers)} stocks watched")
        await woken.wait()
        await asyncio.sleep(service.flush_seconds)  # our own prices wake us too


async def _flush(service: Service, kept: Kept) -> None:
    while True:
        await asyncio.sleep(service.flush_seconds)
        await asyncio.to_thread(kept.store, service.db)


async def _listen(service: Service, kept: Kept) -> None:
    connected = 0

    def hand_on(told: Told | None) -> None:
        nonlocal connected
        if told is None:
            connected += 1
            logger().info("the stream stands", times=connected)
        else:
            if isinstance(told, SessionNotice):
                logger().info("the market's session", notice=told.words, at=told.at.isoformat())
            kept.take(told)

    await asyncio.to_thread(note, service.db, None)
    try:
        await service.realtime.run(hand_on)
    except ClosebellError as error:
        await asyncio.to_thread(note, service.db, outward(error))
        raise
    raise SourceUnavailable("the stream ended")


def _first(group: BaseExceptionGroup[ClosebellError]) -> ClosebellError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
