"""The API on a loopback port: real uvicorn in a thread, over a role that may only read."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from uvicorn import Server

from api.app import create_app
from api.services import RoundTrip, Services
from api.serving import make_server, pool_of
from db import Database
from db.engine import SERVER, Pool
from db.reading_role import READER_ROLE, make_reader
from market.calendar import SessionHours
from settings import Settings

T = TypeVar("T")
NO_LIMIT = {"api_rate_limit": "", "api_port": 0, "session_secret": "for tests" * 4}


@dataclass
class Served:
    """A running server."""

    app: FastAPI
    database: Database
    server: Server
    loop: asyncio.AbstractEventLoop
    leftovers: list[str] = field(default_factory=list)
    """Names of the tasks that were still there after the shutdown."""

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **more)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def wait_until_listening(self) -> None:
        eventually(lambda: self.services.notifier.listening)

    def settle(self, event_id: int) -> None:
        """Wait until that event was offered to everybody."""
        eventually(lambda: (self.services.notifier.position or 0) >= event_id)


def eventually(true: Any, seconds: float = 60) -> None:
    """Wait until a condition holds; look less and less often."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("it never came to hold")
        time.sleep(pause)
        pause = min(0.2, pause * 1.5)


def read_only(database: Database, pool: Pool | None = None) -> Database:
    """The same database for the role that may only read."""
    with database.connection() as connection:
        make_reader(connection)
        connection.commit()
    pool = pool or pool_of(Settings())
    return Database(database.url_as(READER_ROLE), pool=pool, reading=SERVER)


def end_of_day(hours: SessionHours) -> list[tuple[datetime, str]]:
    """A timetable with a single flow."""
    return [(hours.close, "end-of-day")]


def dear_trades(_session: date) -> RoundTrip:
    """Costs that are no defaults."""
    return RoundTrip(0.314, 2)


@contextmanager
def serving(
    database: Database, *, clock: Any = None, wait: bool = True, **settings: Any
) -> Iterator[Served]:
    """Serve that database; settings in their own names, and what `create_app` may be given.

    `wait`: until it listens to the database.
    """
    own = ("ping_seconds", "silent_seconds", "slots", "costs")
    more = {"slots": end_of_day, "costs": dear_trades} | {
        k: settings.pop(k) for k in own if k in settings
    }
    config = Settings(**(NO_LIMIT | settings))
    reading = read_only(database, pool_of(config))
    started: dict[str, Any] = {}
    ready = threading.Event()

    async def main() -> None:
        app = create_app(config, reading, clock=clock, **more)
        server = make_server(app, config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        served = Served(app, reading, server, asyncio.get_running_loop())
        started["served"] = served
        serving = asyncio.create_task(server._serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        ready.set()
        await serving
        await asyncio.sleep(0)
        me = asyncio.current_task()
        served.leftovers = [str(t) for t in asyncio.all_tasks() if t is not me and not t.done()]

    def run() -> None:
        try:
            asyncio.run(main())
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="api-under-test")
    thread.start()
    try:
        ready.wait(30)
        served: Served = started["served"]
        if wait:
            served.wait_until_listening()
        yield served
    finally:
        if "served" in started:
            started["served"].server.should_exit = True
        thread.join(40)
        reading.close()
        assert not thread.is_alive(), "the server didn't stop"
