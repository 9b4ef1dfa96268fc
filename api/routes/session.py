"""A session for browsers, made from a key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api import models
from api.guard import COOKIE, address_of, headers_of, presented_key
from api.problems import BAD_REQUEST, NO_KEY, Problem
from api.queries import Query as NoQuery
from api.services import Room
from api.sessions import SESSION_SECONDS

router = APIRouter(tags=["session"])


@router.post("/session", response_model=models.Session)
async def begin(
    request: Request,
    room: Room,
    query: Annotated[NoQuery, Query()],  # noqa: ARG001
    login: models.Login | None = None,
) -> JSONResponse:
    """Set an HttpOnly cookie in exchange for a key, sent as header or as `{"key": …}`."""
    text = presented_key(headers_of(request.scope["headers"])) or (login.key if login else None)
    if text is None:
        raise Problem(NO_KEY, "Send the key as X-API-Key or in the body.")
    if not await room.doorkeeper.needs_key():
        raise Problem(BAD_REQUEST, "No key is needed here: none was made.")
    key = await room.doorkeeper.admit(text, "read", address_of(request.scope))
    answer = JSONResponse({"scopes": list(key.scopes), "expires_in": SESSION_SECONDS})
    answer.set_cookie(
        COOKIE,
        room.doorkeeper.begin_session(key),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.delete("/session", status_code=204, response_class=Response)
async def end(query: Annotated[NoQuery, Query()]) -> Response:  # noqa: ARG001
    """Forget the cookie."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
