"""Errors as clients see them: RFC 9457 problems that say what to do, and nothing of the inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from errors import ClosebellError, DatabaseError, DatabaseUnavailable, SchemaOutdated

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its name in `type`, its status and its title."""

    name: str
    status: int
    title: str


INVALID: Final = Kind("invalid-parameter", 422, "A parameter is unknown or wrong")
BAD_REQUEST: Final = Kind("bad-request", 400, "The request can't be understood")
NO_KEY: Final = Kind("unauthorized", 401, "A valid API key is needed")
NO_RIGHT: Final = Kind("forbidden", 403, "This key may not do that")
NOT_FOUND: Final = Kind("not-found", 404, "There is nothing here")
WRONG_METHOD: Final = Kind("method-not-allowed", 405, "This method isn't for this path")
WRONG_HOST: Final = Kind("wrong-host", 421, "This server isn't known by that name")
TOO_LARGE: Final = Kind("too-large", 413, "The request is too large")
TOO_LONG: Final = Kind("uri-too-long", 414, "The address is too long")
TOO_MANY: Final = Kind("too-many-requests", 429, "Too many requests")
INTERNAL: Final = Kind("internal", 500, "Something went wrong here")
REFUSED: Final = Kind("database-refused", 503, "The database didn't answer in time")
UNAVAILABLE: Final = Kind("database-unavailable", 503, "The database can't be reached")
OUTDATED: Final = Kind("database-outdated", 503, "The database is being upgraded")
BUSY: Final = Kind("busy", 503, "Too much to do at this moment")

_BY_STATUS = {kind.status: kind for kind in (BAD_REQUEST, NOT_FOUND, WRONG_METHOD, TOO_LARGE)}


@dataclass
class Problem(Exception):
    """Raised anywhere in the API to answer with a problem."""

    kind: Kind
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        return orjson.dumps(
            {
                "type": f"urn:closebell:problem:{self.kind.name}",
                "title": self.kind.title,
                "status": self.kind.status,
                "detail": self.detail,
                "request_id": request_id,
                **self.more,
            }
        )


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error; what it says itself stays in the log."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return invalid([(_place(e["loc"]), str(e["msg"])) for e in error.errors()])
        case HTTPException(__cause__=Problem() as cause):  # raised while a body was read
            return cause
        case HTTPException():
            kind = _BY_STATUS.get(error.status_code, BAD_REQUEST)
            return Problem(kind, f"{kind.title}.", dict(error.headers or {}))
        case SchemaOutdated():
            return _later(OUTDATED)
        case DatabaseUnavailable():
            return _later(UNAVAILABLE)
        case DatabaseError():
            return _later(REFUSED)
        case TimeoutError():
            return _later(BUSY)
        case ClosebellError():
            return Problem(INTERNAL, "See the log of the server for this request id.")
    return Problem(INTERNAL, "See the log of the server for this request id.")


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """422, naming each parameter and what is wrong with it."""
    named = ", ".join(dict.fromkeys(name for name, _ in errors))
    listed = [{"parameter": name, "message": message} for name, message in errors]
    return Problem(INVALID, f"Wrong or unknown: {named}.", more={"errors": listed})


def _place(loc: Sequence[str | int]) -> str:
    return str(loc[1]) if len(loc) > 1 else str(loc[0])


def _later(kind: Kind) -> Problem:
    return Problem(kind, "Try again in some seconds.", {"Retry-After": str(RETRY_SECONDS)})
