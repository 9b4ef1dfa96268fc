"""The dashboard: its page at `/`, and the files that page names."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.dashboard import ASSETS
from api.problems import NOT_FOUND, Problem
from api.services import Room, Whole

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request, room: Room) -> Whole:
    """The page, without any data: it asks for those itself, with a key where one is needed."""
    return Whole(room.dashboard.page(request.scope))


@router.get(ASSETS + "/{version}/{name:path}")
async def asset(request: Request, room: Room, version: str, name: str) -> Whole:
    """A file of the dashboard; under one address it never changes."""
    found = room.dashboard.asset(version, name, request.scope)
    if found is None:
        raise Problem(NOT_FOUND, "This version of the dashboard has no such file.")
    return Whole(found)
