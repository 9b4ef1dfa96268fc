"""Backtest runs: their figures, equity curves, trades."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from api import backtests, views
from api.answers import Answer, answer
from api.backtests import BacktestQuery, BacktestRun, BacktestWhole
from api.problems import NOT_FOUND, Problem
from api.queries import Query as NoQuery
from api.services import Room, Whole
from db.repositories import Repositories

router = APIRouter(tags=["backtests"])
Number = Annotated[int, Path(alias="id", ge=1, le=2**63 - 1, examples=[12])]


@router.get("/api/kr/backtests", response_model=list[BacktestRun])
async def recent(request: Request, room: Room, query: Annotated[BacktestQuery, Query()]) -> Whole:
    """The newest runs first."""

    def read(tx: Repositories) -> Answer:
        rows = tx.backtests.recent(query.limit, scanner=query.scanner)
        return answer(views.dumps([backtests.run(row) for row in rows]))

    return await room.keep(request, read)


@router.get("/api/kr/backtests/{id}", response_model=BacktestWhole)
async def one(
    request: Request,
    room: Room,
    number: Number,
    query: Annotated[NoQuery, Query()],  # noqa: ARG001
) -> Whole:
    """One run with its rules, equity curve and trades; 404 where there is none."""

    def read(tx: Repositories) -> Answer:
        row = tx.backtests.get(number)
        if row is None:
            raise Problem(NOT_FOUND, f"There is no backtest {number}.")
        equity, trades = tx.backtests.equity(number), tx.backtests.trades(number)
        return answer(views.dumps(backtests.whole(row, equity, trades)))

    return await room.keep(request, read)
