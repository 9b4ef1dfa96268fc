"""Signals: the newest of every scanner, and those of one stock."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request

from api import models
from api.answers import Answer
from api.problems import NOT_FOUND, Problem, invalid
from api.queries import (
    TICKER,
    BestCursor,
    GoneQuery,
    SignalQuery,
    StockCursor,
    StockSignalQuery,
)
from api.routes.formats import next_page, signals
from api.services import Room, Whole
from db.repositories import Repositories
from db.repositories.signal_pages import SignalFilter, position_of_best, position_of_stock
from market.scanners import SCANNERS

router = APIRouter(tags=["signals"])
MOST_GONE = 100
CONTENT: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
}
HEADERS = {
    "Link": {"description": 'the next page, rel="next"', "schema": {"type": "string"}},
    "ETag": {"description": "for If-None-Match", "schema": {"type": "string"}},
}
DONE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Signals", "content": CONTENT, "headers": HEADERS}
}


@router.get("/api/kr/signals", response_model=list[models.Signal], responses=DONE)
async def newest(request: Request, room: Room, query: Annotated[SignalQuery, Query()]) -> Whole:
    """The signals, best first by score/out_of.

    Without `session` and `as_of`: of each scanner's newest slot of its latest session.
    """
    cursor = None if query.cursor is None else _read(BestCursor, query.cursor)

    def read(tx: Repositories) -> Answer:
        scanners = query.signal_type or SCANNERS
        if cursor is None:
            slots = tx.signal_pages.newest_slots(scanners, query.session, query.as_of)
        else:
            slots = [(name, day, as_of) for name, day, as_of in cursor.slots]
        rows = tx.signal_pages.best(
            slots,
            SignalFilter(
                scanners=query.signal_type,
                statuses=query.status,
                grades=query.grade,
                market=query.market,
                min_ratio=None if query.min_score is None else query.min_score / 100,
                ticker=query.ticker,
            ),
            query.limit + 1,
            cursor.after if cursor else None,
        )
        page, following = rows[: query.limit], None
        if len(rows) > query.limit:
            place = BestCursor.model_validate({"slots": slots, "after": position_of_best(page[-1])})
            following = next_page(request.url.path, request.scope["query_string"], place)
        return signals(page, query.format, following)

    return await room.keep(request, read)


@router.get("/api/kr/signals/gone", response_model=list[models.Signal])
async def gone(request: Request, room: Room, query: Annotated[GoneQuery, Query()]) -> Whole:
    """What the scan before had, the one that `change` compares with, and this one no longer has.

    As they were then, of each scanner best first, at most 100 a scanner.
    """

    def read(tx: Repositories) -> Answer:
        scanners = query.signal_type or SCANNERS
        slots = tx.signal_pages.newest_slots(scanners, query.session, query.as_of)
        return signals(tx.signal_pages.gone(slots, MOST_GONE), "json", None)

    return await room.keep(request, read)


@router.get("/api/kr/signals/{ticker}", response_model=list[models.Signal], responses=DONE)
async def of_stock(
    request: Request,
    room: Room,
    ticker: Annotated[str, Path(pattern=TICKER)],
    query: Annotated[StockSignalQuery, Query()],
) -> Whole:
    """One stock's signals, newest first; 404 for a stock that was never seen."""
    cursor = None if query.cursor is None else _read(StockCursor, query.cursor)

    def read(tx: Repositories) -> Answer:
        chosen = SignalFilter(scanners=query.signal_type, statuses=query.status, ticker=ticker)
        rows = tx.signal_pages.of_stock(chosen, query.limit + 1, cursor.after if cursor else None)
        if not rows and tx.stocks.get(ticker) is None:
            raise Problem(NOT_FOUND, f"No stock {ticker} was ever seen.")
        page, following = rows[: query.limit], None
        if len(rows) > query.limit:
            place = StockCursor.model_validate({"after": position_of_stock(page[-1])})
            following = next_page(request.url.path, request.scope["query_string"], place)
        return signals(page, query.format, following)

    return await room.keep(request, read)


C = TypeVar("C", BestCursor, StockCursor)


def _read(kind: type[C], text: str) -> C:
    try:
        return kind.read(text)
    except ValueError as error:
        raise invalid([("cursor", str(error))]) from None
