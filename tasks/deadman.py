"""Telling a service elsewhere that a session's signals are stored."""

from __future__ import annotations

import asyncio
from datetime import date

from alerts.deadman import ping
from logs import get as logger
from market.calendar import TradingCalendar
from market.clock import Clock
from settings import Settings
from tasks.replay import REPLAY
from tasks.step import step


@step("tell the dead-man's switch", timeout=60, retries=0)
def _told(settings: Settings, session: date) -> str | None:
    if settings.deadman_url is None:
        return None
    return asyncio.run(ping(settings.deadman_url, f"closebell: signals of {session} are stored\n"))


def tell_deadman(
    settings: Settings, calendar: TradingCalendar, clock: Clock, source: str, session: date
) -> list[str]:
    """Ping `deadman_url` for the newest session; gives what is to be noted. It fails no flow.

    A replay and sessions of the past don't ping: tonight's might be missing all the same.
    """
    if settings.deadman_url is None or source == REPLAY:
        return []
    if session != calendar.last_closed(clock.now()):
        return []
    try:
        why = _told(settings, session)
    except TimeoutError:
        why = "no answer in a minute"
    if why is None:
        return []
    logger().warning("the dead-man's ping wasn't taken", session=session.isoformat(), cause=why)
    return [f"the dead-man's ping wasn't taken: {why}"]
