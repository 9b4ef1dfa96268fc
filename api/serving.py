"""Running the application: where it listens, when it refuses to, how it stops."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import uvicorn
from fastapi import FastAPI

import tracing
from api.app import create_app
from api.hosts import is_loopback
from api.services import Costs, RoundTrip, Slots
from api.sessions import secret_of
from api.transport import HttpProtocol, LiveProtocol
from db.engine import Pool
from db.reading_role import open_for_reading
from db.schema import Market
from errors import SettingsError
from logs import LOGGER
from settings import Settings

MAX_FRAME = 64 * 1024  # bytes; longer WebSocket frames end the connection unread
STOP_SECONDS = 10
BACKLOG = 2048


def serve(
    settings: Settings,
    market: Market | None = None,
    on_message: Callable[[str], None] = lambda _: None,
    slots: Slots = lambda _hours: (),
    costs: Costs = lambda _session: RoundTrip(),
) -> None:
    """Serve one market until the process is told to stop.

    Args:
        market: by default the real one once it has any bars, else the sample.
        slots: when in a session which flow is due.
        costs: what a round trip costs.

    Raises:
        SettingsError: it would listen beyond this machine without keys, the role may write, or
            there is no secret to sign sessions with.
        DatabaseUnavailable, SchemaOutdated: see db.open_database.
    """
    tracing.configure()
    pool = pool_of(settings)
    with ExitStack() as stack:
        opened = partial(open_for_reading, settings, on_message, pool=pool)
        real = stack.enter_context(opened(market="real"))
        with real.reader() as tx:
            has_keys = bool(tx.keys.all())
        require_keys(settings, has_keys=has_keys)
        if has_keys:
            secret_of(settings)  # that it can be used is known before the first login
        chosen = market or ("real" if real.freshness().bars else "sample")
        database = real if chosen == "real" else stack.enter_context(opened(market=chosen))
        app = create_app(settings, database, keys_database=real, slots=slots, costs=costs)
        _log_through_ours()
        on_message(f"serving the {chosen} market on http://{_shown(settings)}")
        # uvicorn raises the signal again once it has stopped; the database is to be left in order.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        make_server(app, settings).run()


def pool_of(settings: Settings) -> Pool:
    """A connection for every thread of the application: the readers', and two of its own."""
    return Pool(size=settings.api_connections + 2, overflow=0, wait=2, connect=5)


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """uvicorn as this application needs it."""
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=HttpProtocol,
        ws=LiveProtocol,
        ws_max_size=MAX_FRAME,
        ws_ping_interval=None,  # the clients' own ping and pong say more: that the page is alive
        ws_per_message_deflate=False,  # would compress the same text once a client
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.api_proxies),
        forwarded_allow_ips=settings.api_proxies or None,
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    return uvicorn.Server(config)


def require_keys(settings: Settings, *, has_keys: bool) -> None:
    """Refuse to be open to a network by mistake.

    Raises:
        SettingsError: with what to do.
    """
    if has_keys or settings.api_without_keys or is_loopback(settings.api_host):
        return
    raise SettingsError(
        f"CLOSEBELL_API_HOST is {settings.api_host}, and there is no API key",
        remedy="closebell keys create NAME; or set CLOSEBELL_API_WITHOUT_KEYS=true to let"
        " everybody read who can reach it",
    )


def _log_through_ours() -> None:
    """uvicorn's own words, from warnings on, in the form of ours."""
    theirs = logging.getLogger("uvicorn.error")
    theirs.handlers[:] = logging.getLogger(LOGGER).handlers
    theirs.setLevel(logging.WARNING)
    theirs.propagate = False


def _shown(settings: Settings) -> str:
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    return f"{host}:{settings.api_port}"
