"""The market gate: newest, history, sectors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api import models, views
from api.answers import Answer, answer
from api.problems import NOT_FOUND, Problem
from api.queries import HistoryQuery
from api.queries import Query as NoQuery
from api.services import Room, Whole
from db.repositories import Repositories

router = APIRouter(tags=["market gate"])


@router.get("/api/kr/market-gate", response_model=models.Gate)
async def newest(request: Request, room: Room, query: Annotated[NoQuery, Query()]) -> Whole:  # noqa: ARG001
    """The state of the whole market; 404 before it was ever computed."""
    return await room.keep(request, lambda tx: answer(views.dumps(views.gate(_newest(tx)))))


@router.get("/api/kr/market-gate/history", response_model=list[models.Gate])
async def history(request: Request, room: Room, query: Annotated[HistoryQuery, Query()]) -> Whole:
    """The newest gate of each session, newest first."""

    def read(tx: Repositories) -> Answer:
        rows = tx.gates.history(query.before, query.limit)
        return answer(views.dumps([views.gate(row) for row in rows]))

    return await room.keep(request, read)


@router.get("/api/kr/market-gate/sectors", response_model=list[models.Sector])
async def sectors(request: Request, room: Room, query: Annotated[NoQuery, Query()]) -> Whole:  # noqa: ARG001
    """The sectors of the newest gate; 404 before one was ever computed."""
    return await room.keep(request, lambda tx: answer(views.dumps(_newest(tx)["sectors"])))


def _newest(tx: Repositories) -> dict[str, Any]:
    row = tx.gates.get()
    if row is None:
        raise Problem(NOT_FOUND, "The market gate was never computed.")
    return row
