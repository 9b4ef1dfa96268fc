"""`closebell stream`: live prices of watched stocks while a session is on."""

from __future__ import annotations

import asyncio
import signal

from cli.common import load_settings, working
from db import open_database
from market.calendar import TradingCalendar
from market.clock import SystemClock


def stream() -> None:
    """Keep the last prices of watched stocks, and the indices, while a session is on.

    Watched are the stocks of open signals and of CLOSEBELL_WATCH_LIST. Runs until interrupted and
    needs Kiwoom's keys. A second process waits for the first to end.
    """
    from flows.stream import Service, serve
    from sources.kiwoom.source import open_kiwoom
    from tasks.sources import guards_of
    from tasks.stream import open_stream

    config = load_settings()
    clock = SystemClock()
    calendar = TradingCalendar(config.extra_holidays)

    async def until_stopped(service: Service) -> None:
        serving = asyncio.ensure_future(serve(service))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()

    with (
        working(quiet=False) as say,
        open_database(config, say, market="real") as db,
        open_kiwoom(config, guards_of(db)) as client,
    ):
        realtime = open_stream(config, client, clock)
        asyncio.run(until_stopped(Service(db, config, calendar, clock, realtime, say)))
