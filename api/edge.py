"""The outermost layer: request ids, limits of size, security headers, metrics, the last catch."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import tracing
from api.metrics import Metrics
from api.problems import MEDIA_TYPE, TOO_LARGE, TOO_LONG, Problem, problem_of
from logs import LOGGER
from logs import get as logger

REQUEST_ID = "closebell.request_id"
MAX_BODY = 16 * 1024
MAX_QUERY = 4 * 1024
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_CLOSED = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'; require-trusted-types-for 'script'",
)


class Edge:
    """The outermost layer: nothing leaves without a request id and the security headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope[REQUEST_ID] = _request_id(scope["headers"])
        tracing.note(request_id=request_id)
        own = [
            (b"x-request-id", request_id.encode()),
            _PAGE if scope["path"] == "/" else _CLOSED,
            *_SECURITY,
        ]
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, tagged)
            finally:
                self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or scope.get("kept_route") or "other"
        self._metrics.requests.labels(route, status or 499).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if logging.getLogger(LOGGER).isEnabledFor(logging.DEBUG):
            logger().debug(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round(seconds * 1000, 2),
            )


class Catch:
    """Inside CORS, so that pages may read problems too: no error leaves as anything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            _check_size(scope)
            await self._app(scope, _limited(receive), noted)
        except Exception as error:
            problem = problem_of(error)
            _log(scope, problem, error)
            if began:
                raise  # half an answer is out: only the connection can say that it failed
            await send_problem(problem, scope[REQUEST_ID], noted)


async def send_problem(problem: Problem, request_id: str, send: Send) -> None:
    """Answer with a problem."""
    body = problem.body(request_id)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((k.lower().encode(), v.encode("latin-1")) for k, v in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _log(scope: Scope, problem: Problem, error: Exception) -> None:
    about = {"path": scope["path"], "status": problem.kind.status, "problem": problem.kind.name}
    if problem.kind.status == 500:
        logger().error("request failed", **about, exc_info=error)
    elif problem.kind.status > 500:
        logger().warning("request failed", **about, cause=f"{type(error).__name__}: {error}")
    else:
        logger().info("request refused", **about, detail=problem.detail)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _PLAIN_ID.fullmatch(value):
            return value.decode()
    return secrets.token_hex(8)


def _check_size(scope: Scope) -> None:
    if len(scope["query_string"]) > MAX_QUERY:
        raise Problem(TOO_LONG, f"The query may have {MAX_QUERY} characters.")
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > MAX_BODY):
            raise _too_large()


def _limited(receive: Receive) -> Receive:
    got = 0

    async def limited() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > MAX_BODY:
            raise _too_large()
        return message

    return limited


def _too_large() -> Problem:
    return Problem(TOO_LARGE, f"A request may have {MAX_BODY} bytes.")
