"""Recent scans."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import models, views
from api.answers import Answer, answer
from api.queries import ScanQuery
from api.services import Room, Whole
from db.repositories import Repositories

router = APIRouter(tags=["scans"])


@router.get("/api/kr/scans", response_model=list[models.Scan])
async def recent(room: Room, query: Annotated[ScanQuery, Query()]) -> Whole:
    """The newest scans first, also those that changed nothing.

    Those announce no event, so this answer isn't kept.
    """

    def read(tx: Repositories) -> Answer:
        runs = tx.runs.recent(query.limit, scanner=query.scanner, session=query.session)
        url = room.settings.prefect_ui_url
        return answer(views.dumps([views.scan(run, url) for run in runs]))

    return Whole(await room.reading(read))
