"""Alerts: one process that listens for events, judges them, and sends what they give."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial

from alerts.config import Alerts
from alerts.situation import ScanFact
from db.listening import wakes
from errors import DatabaseError, DatabaseUnavailable
from flows.timetable import SHOWN_BY, entry, slot_of
from logs import get as logger
from market.calendar import TradingCalendar
from tasks.alerts import Desk, deliver, judge_events, next_delivery

ALONE = "closebell alerts"
FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0  # seconds between attempts to listen
LONGEST_WAIT = 3600.0  # seconds without looking at the clock
AWAITED = (("end-of-day", None), ("closing-bet", "decision"), ("intraday", None))
"""Flows and the step of their scan; why no others are awaited stands in docs/alerts.md."""


async def watch(desk: Desk, on_message: Callable[[str], None] = lambda _: None) -> None:
    """Send alerts until cancelled; only one process at a time does, the others wait.

    Comes back by itself, ever more slowly, when the database goes away.
    """
    failures = 0
    while True:
        watching = _Watch(desk)
        try:
            await watching.run(on_message)
        except* DatabaseError as group:
            failures = 1 if watching.began else failures + 1
            cause = f"{_first(group)}"
            logger().warning("alerts don't reach the database", cause=cause, tries=failures)
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures, 10))
        await asyncio.sleep(random.uniform(longest / 2, longest))


class _Watch:
    """One connection's worth of watching."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._woken = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._errors: list[BaseException] = []
        self.began = False

    async def run(self, on_message: Callable[[str], None]) -> None:
        """Until cancelled.

        Raises:
            ExceptionGroup: of DatabaseError: the database can't be reached any more.
        """
        waiting = partial(on_message, "another process sends alerts; waiting for it to end")
        listening = wakes(self._desk.db, alone_as=ALONE, on_waiting=waiting)
        try:
            async with aclosing(listening), asyncio.TaskGroup() as group:
                await anext(listening)
                self.began = True
                on_message("sending alerts")
                group.create_task(self._listen(listening))
                await self._work()
        finally:
            if self._sending:  # what is under way may end, so that it needn't be repeated
                patience = self._desk.config.attempt_seconds + 5
                await asyncio.wait(self._sending.values(), timeout=patience)

    async def _listen(self, listening: AsyncGenerator[None, None]) -> None:
        async for _ in listening:
            self._woken.set()
        raise DatabaseUnavailable("the connection ended")

    async def _work(self) -> None:
        desk = self._desk
        while not self._errors:
            self._woken.clear()
            now = desk.clock.now()
            late, next_late = scans_expected(desk.calendar, desk.config, now, live=desk.live)
            while await asyncio.to_thread(judge_events, desk, late):
                pass
            recipients, next_due = await asyncio.to_thread(next_delivery, desk)
            for recipient in recipients:
                self._start(recipient)
            await self._rest(next_late, next_due)
        raise self._errors[0]

    def _start(self, recipient: str) -> None:
        if recipient not in self._sending:
            task = asyncio.create_task(deliver(self._desk, recipient))
            self._sending[recipient] = task
            task.add_done_callback(partial(self._ended, recipient))

    def _ended(self, recipient: str, task: asyncio.Task[None]) -> None:
        del self._sending[recipient]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)
        self._woken.set()

    async def _rest(self, *moments: datetime | None) -> None:
        """Until a notification, the end of a delivery, or the first moment that is to come."""
        now = self._desk.clock.now()
        waits = [(moment - now).total_seconds() for moment in moments if moment and moment > now]
        try:
            async with asyncio.timeout(min([LONGEST_WAIT, *waits])):
                await self._woken.wait()
        except TimeoutError:
            return


def scans_expected(
    calendar: TradingCalendar, config: Alerts, now: datetime, *, live: bool = True
) -> tuple[list[ScanFact], datetime | None]:
    """The scans of the newest session that are overdue unless they are there, and the next moment.

    Overdue is `late_minutes` after the timetable's moment, or after the flow's own time limit if
    that is less; where a flow repeats, its next run may make that good until then. Of each flow's
    session only the last counts.

    Args:
        live: whether the source tells of a session that is on.
    """
    overdue, upcoming = {}, []
    for fact, late in _awaited(calendar, config, now, live=live):
        if late <= now:
            overdue[fact.scanner, fact.session] = fact
        else:
            upcoming.append(late)
    return list(overdue.values()), min(upcoming, default=None)


def _awaited(
    calendar: TradingCalendar, config: Alerts, now: datetime, *, live: bool
) -> Iterator[tuple[ScanFact, datetime]]:
    newest = calendar.last_closed(now)
    for session in (newest, calendar.next(newest)):
        hours = calendar.hours(session)
        for flow, step in AWAITED:
            line = entry(flow)
            if line.live and not live:
                continue
            patience = timedelta(minutes=config.late_minutes)
            if line.every is None:
                patience = min(patience, line.limit)
            for at, moment in line.slots(hours):
                if moment.step == step:
                    scan = ScanFact(SHOWN_BY[flow], session, slot_of(flow, at), due=at)
                    yield scan, at + patience


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
