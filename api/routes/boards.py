"""The two lists in the shapes that older clients read: closing bets and day trades."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api import models, views
from api.answers import Answer, answer
from api.queries import DaytradingQuery
from api.queries import Query as NoQuery
from api.services import Room, Whole
from db.repositories import Repositories
from db.repositories.signal_pages import SignalFilter

router = APIRouter(tags=["boards"])
MOST = 1000  # signals of one slot


@router.get("/api/kr/jongga-v2/latest", response_model=list[models.JonggaSignal])
async def jongga(request: Request, room: Room, query: Annotated[NoQuery, Query()]) -> Whole:  # noqa: ARG001
    """The newest closing bets, best first."""

    def read(tx: Repositories) -> Answer:
        slots = tx.signal_pages.newest_slots(["closing_bet"])
        rows = tx.signal_pages.best(slots, SignalFilter(), MOST)
        return answer(views.dumps([views.jongga(row) for row in rows]))

    return await room.keep(request, read)


@router.get("/api/daytrading/signals", response_model=models.Daytrading)
async def daytrading(
    request: Request, room: Room, query: Annotated[DaytradingQuery, Query()]
) -> Whole:
    """The newest day trades with their seven checks, best first; grade C is never among them."""

    def read(tx: Repositories) -> Answer:
        slots = tx.signal_pages.newest_slots(["daytrading"])
        chosen = SignalFilter(grades=list(views.VERDICTS), market=query.market)
        rows = tx.signal_pages.best(slots, chosen, MOST)
        rows = [row for row in rows if row["score"] >= query.min_score * (1 - 1e-9)]
        found = [views.daytrading(row) for row in rows[: query.limit]]
        made = tx.runs.shown_since(*slots[0]) if slots else None
        when = views.local(made) if made else None
        data = {"signals": found, "count": len(found), "generated_at": when}
        return answer(views.dumps({"success": True, "data": data}))

    return await room.keep(request, read)
