"""The application, put together from what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

import tracing
from api import models, outcomes
from api.answers import Answers
from api.dashboard import Dashboard
from api.edge import Catch, Edge
from api.examples import BY_PATH
from api.guard import Doorkeeper, Guard
from api.keys import Keyring
from api.live import Connection, closing_down
from api.metrics import Metrics
from api.notifier import PING_SECONDS, SILENT_SECONDS, Notifier
from api.problems import MEDIA_TYPE
from api.reading import Reading
from api.routes import (
    backtests,
    boards,
    dashboard,
    docs,
    health,
    market_gate,
    performance,
    scans,
    session,
    signals,
    stocks,
    timetable,
)
from api.services import Costs, RoundTrip, Services, Slots
from api.sessions import Sessions, secret_of
from db import Database
from db.listening import wakes
from db.repositories.keys import StoredKey
from market.calendar import TradingCalendar
from market.clock import Clock, SystemClock
from settings import Settings

ROUTERS = (
    signals,
    market_gate,
    boards,
    stocks,
    performance,
    scans,
    timetable,
    health,
    session,
    dashboard,
    docs,
    backtests,
)
PROBLEMS = (400, 401, 403, 404, 413, 421, 422, 429, 500, 503)


def create_app(
    settings: Settings,
    database: Database,
    *,
    keys_database: Database | None = None,
    clock: Clock | None = None,
    slots: Slots = lambda _hours: (),
    costs: Costs = lambda _session: RoundTrip(),
    ping_seconds: float = PING_SECONDS,
    silent_seconds: float = SILENT_SECONDS,
) -> FastAPI:
    """The read API over one market's database.

    Args:
        database: opened for a role that may only read (`db.reading_role.open_for_reading`), with
            at least `settings.api_connections` connections.
        keys_database: where API keys are, if not in the same market.
        slots: when in a session which flow is due.
        costs: what a round trip costs.

    Raises:
        SettingsError: a setting can't be used.
    """
    clock = clock or SystemClock()
    metrics = Metrics()
    answers = Answers()
    reading = Reading(database, settings.api_connections)
    reading_keys = Reading(keys_database or database, 1)
    notifiers_reading = Reading(database, 1)

    async def read_keys() -> Sequence[StoredKey]:
        return await reading_keys(lambda tx: tx.keys.all())

    keyring = Keyring(read_keys)
    sessions = Sessions(lambda: secret_of(settings))
    doorkeeper = Doorkeeper(settings, keyring, sessions, clock)
    notifier = Notifier(
        lambda: wakes(database),
        reading,
        notifiers_reading,
        keyring,
        clock,
        metrics,
        on_change=lambda listening: answers.changed(listening=listening),
        prefect_ui_url=settings.prefect_ui_url,
        ping_seconds=ping_seconds,
        silent_seconds=silent_seconds,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(notifier.run()), asyncio.create_task(notifier.beat())]
        try:
            yield
        finally:
            closing_down(notifier.clients)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await notifier.close()
            await answers.close()
            for one in (reading, reading_keys, notifiers_reading):
                await one.close()
            await asyncio.to_thread(tracing.flush)

    app = FastAPI(
        title="closebell",
        version=version("closebell"),
        description="The latest signals on the Korean stock market. Missing is null, never 0.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_layers(settings, doorkeeper, answers, metrics),
        separate_input_output_schemas=False,
    )
    app.state.services = Services(
        settings=settings,
        clock=clock,
        calendar=TradingCalendar(settings.extra_holidays),
        reading=reading,
        answers=answers,
        keyring=keyring,
        doorkeeper=doorkeeper,
        notifier=notifier,
        metrics=metrics,
        dashboard=Dashboard(),
        slots=slots,
        costs=costs,
    )
    for module in ROUTERS:
        app.include_router(module.router, responses=_problem_responses())
    app.add_api_websocket_route("/ws", _live)
    for error in (RequestValidationError, HTTPException):
        app.add_exception_handler(error, _rise)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    tracing.watch_app(app)
    return app


async def _live(socket: WebSocket) -> None:
    services: Services = socket.app.state.services
    await Connection(socket, services).run()


async def _rise(_request: Request, error: Exception) -> Response:
    """Every error is answered in one place, the edge."""
    raise error


def _layers(
    settings: Settings, doorkeeper: Doorkeeper, answers: Answers, metrics: Metrics
) -> list[Middleware]:
    layers = [Middleware(Edge, metrics=metrics)]
    # Between them, so that errors carry the headers of CORS too.
    if settings.api_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=sorted(settings.api_origins),
                allow_methods=["GET"],
                allow_headers=["X-API-Key", "Authorization", "If-None-Match"],
                expose_headers=["ETag", "Link", "X-Request-ID", "Retry-After"],
            )
        )
    guard = Middleware(Guard, doorkeeper=doorkeeper, answers=answers, metrics=metrics)
    return [*layers, Middleware(Catch), guard]


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": "A problem", "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in PROBLEMS
    }


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = models.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        # Put in here, since FastAPI leaves out their nulls.
        for path, value in {**BY_PATH, **outcomes.EXAMPLES}.items():
            answered = document["paths"][path]["get"]["responses"]["200"]["content"]
            answered["application/json"]["example"] = value
        app.openapi_schema = document
    return app.openapi_schema
