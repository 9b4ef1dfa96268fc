"""Health: for people, for probes, for Prometheus."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api import models, views
from api.freshness import last_scans, source_states
from api.guard import address_of
from api.problems import UNAVAILABLE, Problem, problem_of
from api.queries import Query as NoQuery
from api.services import Room, Services
from db.repositories import Repositories
from errors import DatabaseError
from logs import get as logger

router = APIRouter(tags=["health"])
NoParameters = Annotated[NoQuery, Query()]
Ages = dict[str, dict[str, Any]]
UNTOLD = {"missing": None, "last_error": None}  # to who shows no key where one is needed


@router.head("/health", include_in_schema=False)
@router.get("/health", response_model=models.Health)
async def health(request: Request, room: Room, query: NoParameters) -> Response:  # noqa: ARG001
    """Healthy, degraded (not listening, a scan overdue, a source failing), or unhealthy.

    Everybody is told states and times; what sources said, only who may read.
    """
    now = room.clock.now()
    try:
        scans, sources = await _ages(room)
        if not await _may_read(request, room):
            sources = {name: source | UNTOLD for name, source in sources.items()}
        database = "ok"
    except (DatabaseError, TimeoutError) as error:
        logger().warning("unhealthy", cause=str(error))
        scans, sources, database = {}, {}, "unavailable"
    listening = room.notifier.listening
    stale = any(scan["stale"] for scan in scans.values())
    failing = any(source["state"] == "degraded" for source in sources.values())
    status = "degraded" if stale or failing or not listening else "healthy"
    checks = {
        "database": database,
        "notifier": "ok" if listening else "disconnected",
        "last_scan": scans,
        "sources": sources,
    }
    body = {
        "status": status if database == "ok" else "unhealthy",
        "service": "closebell",
        "version": version("closebell"),
        "timestamp": now,
        "checks": checks,
    }
    return Response(
        views.dumps(body),
        200 if database == "ok" else 503,
        {"cache-control": "no-store"},
        "application/json",
    )


@router.get("/health/live", response_model=models.Probe)
async def live(query: NoParameters) -> JSONResponse:  # noqa: ARG001
    """The process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/health/ready", response_model=models.Probe)
async def ready(room: Room, query: NoParameters) -> JSONResponse:  # noqa: ARG001
    """The database answers and changes are heard; else a 503 problem."""
    if not room.notifier.listening:
        raise Problem(UNAVAILABLE, "Not listening to the database.", {"Retry-After": "5"})
    await room.reading.shared("ready", lambda tx: tx.events.last_id())
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Metrics", "content": {"text/plain": {}}}},
)
async def metrics(room: Room, query: NoParameters) -> Response:  # noqa: ARG001
    """For Prometheus. The ages of scans and sources are those of this moment."""
    own = room.metrics
    own.connections.set(room.reading.checked_out)
    try:
        scans, sources = await _ages(room)
        alerts = await room.reading.shared("alerts", lambda tx: tx.alerts.counts())
    except (DatabaseError, TimeoutError) as error:
        logger().warning("no ages", cause=str(problem_of(error).detail))
    else:
        for status, count in alerts.items():
            own.alerts.labels(status).set(count)
        for name, scan in scans.items():
            if scan["age_seconds"] is not None:
                own.scan_age.labels(name).set(scan["age_seconds"])
            own.scan_behind.labels(name).set(scan["sessions_behind"])
        for name, source in sources.items():
            own.tell_source(name, source)
    return Response(generate_latest(own.registry), media_type=CONTENT_TYPE_LATEST)


async def _may_read(request: Request, room: Services) -> bool:
    scope = request.scope
    try:
        await room.doorkeeper.recognise(scope["headers"], "read", address_of(scope))
    except Problem:
        return False
    return True


async def _ages(room: Services) -> tuple[Ages, Ages]:
    now = room.clock.now()

    def read(tx: Repositories) -> tuple[Ages, Ages]:
        return last_scans(tx, room.calendar, now), source_states(tx, now)

    return await room.reading.shared("ages", read)
