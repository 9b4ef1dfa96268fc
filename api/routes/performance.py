"""What became of signals: figures of all of them, and one stock's with their outcomes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api import outcomes, views
from api.answers import Answer, answer
from api.outcomes import FollowedSignal, OutcomeQuery, Performance, PerformanceQuery
from api.problems import NOT_FOUND, Problem, invalid
from api.queries import StockCursor
from api.routes.formats import next_page
from api.routes.stocks import Ticker
from api.services import Room, Whole
from db.repositories import Repositories
from db.repositories.signal_pages import SignalFilter, position_of_stock

router = APIRouter(tags=["outcomes"])
LINKED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Signals, newest first",
        "headers": {"Link": {"description": 'rel="next"', "schema": {"type": "string"}}},
    }
}


@router.get("/api/kr/performance", response_model=Performance)
async def performance(
    request: Request, room: Room, query: Annotated[PerformanceQuery, Query()]
) -> Whole:
    """Outcome figures by scanner, grade and market gate; 404 before anything was settled."""

    def read(tx: Repositories) -> Answer:
        row = tx.outcomes.performance(query.period)
        if row is None:
            raise Problem(NOT_FOUND, f"No signals of {query.period} were settled yet.")
        chosen = {"scanner": query.signal_type, "grade": query.grade, "gate": query.market_gate}
        groups = [
            group
            for group in row["groups"]
            if all(wanted is None or group[name] in wanted for name, wanted in chosen.items())
        ]
        return answer(views.dumps(outcomes.report(row, groups)))

    return await room.keep(request, read)


@router.get(
    "/api/kr/stocks/{ticker}/signals", response_model=list[FollowedSignal], responses=LINKED
)
async def of_stock(
    request: Request, room: Room, ticker: Ticker, query: Annotated[OutcomeQuery, Query()]
) -> Whole:
    """One stock's signals with what became of them, newest first; 404 for one never seen."""
    cursor = None if query.cursor is None else _read(query.cursor)

    def read(tx: Repositories) -> Answer:
        chosen = SignalFilter(
            scanners=query.signal_type,
            statuses=query.status,
            ticker=ticker,
            newest_slots=query.slots == "newest",
        )
        rows = tx.signal_pages.of_stock(chosen, query.limit + 1, cursor.after if cursor else None)
        if not rows and tx.stocks.get(ticker) is None:
            raise Problem(NOT_FOUND, f"No stock {ticker} was ever seen.")
        page, following = rows[: query.limit], None
        if len(rows) > query.limit:
            place = StockCursor.model_validate({"after": position_of_stock(page[-1])})
            following = next_page(request.url.path, request.scope["query_string"], place)
        ids = [row["id"] for row in page]
        found, steps = tx.outcomes.of_signals(ids), tx.outcomes.transitions(ids)
        told = [
            outcomes.followed(
                row, found.get(row["id"]), [s for s in steps if s["signal_id"] == row["id"]]
            )
            for row in page
        ]
        return answer(views.dumps(told), next_page=following)

    return await room.keep(request, read)


def _read(text: str) -> StockCursor:
    try:
        return StockCursor.read(text)
    except ValueError as error:
        raise invalid([("cursor", str(error))]) from None
