"""Stocks: search, last price, chart, net buying."""

from __future__ import annotations

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Path, Query, Request

from api import models, views
from api.answers import Answer, answer
from api.problems import NOT_FOUND, Problem
from api.queries import TICKER, ChartQuery, FlowQuery, StockQuery
from api.queries import Query as NoQuery
from api.routes.formats import next_page
from api.services import Room, Whole
from db.repositories import Repositories
from market.adjustment import adjusted, with_scale
from market.calendar import TradingCalendar

router = APIRouter(tags=["stocks"])
Ticker = Annotated[str, Path(pattern=TICKER, examples=["005930"])]
_PRICES = ("open", "high", "low")


@router.get("/api/kr/stocks", response_model=list[models.StockFound])
async def search(request: Request, room: Room, query: Annotated[StockQuery, Query()]) -> Whole:
    """Stocks whose ticker begins with `q` or whose name contains it, by ticker."""

    def read(tx: Repositories) -> Answer:
        rows = tx.stocks.search(
            query.q,
            query.limit + 1,
            market=query.market,
            sector=query.sector,
            after=query.cursor or "",
        )
        page, following = rows[: query.limit], None
        if len(rows) > query.limit:
            place = page[-1]["ticker"]
            following = next_page(request.url.path, request.scope["query_string"], place)
        names = ("ticker", "name", "market", "sector", "kind")
        found = [{name: row[name] for name in names} for row in page]
        return answer(views.dumps(found), next_page=following)

    return await room.keep(request, read)


@router.get("/api/kr/stocks/{ticker}", response_model=models.Stock)
async def detail(
    request: Request,
    room: Room,
    ticker: Ticker,
    query: Annotated[NoQuery, Query()],  # noqa: ARG001
) -> Whole:
    """A stock and its last bar of the newest ten sessions; nulls where it has none."""

    def read(tx: Repositories) -> Answer:
        stock = _known(tx, ticker)
        bars = tx.stocks.quotes([ticker])
        return answer(views.dumps(_detail(stock, bars[0] if bars else None)))

    return await room.keep(request, read)


@router.get("/api/kr/stocks/{ticker}/chart", response_model=models.Chart)
async def chart(
    request: Request, room: Room, ticker: Ticker, query: Annotated[ChartQuery, Query()]
) -> Whole:
    """Daily bars of the newest sessions, oldest first; volumes are adjusted the other way."""

    def read(tx: Repositories) -> Answer:
        _known(tx, ticker)
        bars = tx.stocks.bars(ticker, query.days)
        if query.adjusted and not bars.is_empty():
            bars = _on_todays_scale(bars, room.calendar)
        points = [_point(bar) for bar in bars.iter_rows(named=True)]
        found = {
            "ticker": ticker,
            "period": f"{query.days}d",
            "data": points,
            "total_points": len(points),
        }
        return answer(views.dumps(found))

    return await room.keep(request, read)


@router.get("/api/kr/stocks/{ticker}/flow", response_model=models.Flow)
async def flow(
    request: Request, room: Room, ticker: Ticker, query: Annotated[FlowQuery, Query()]
) -> Whole:
    """What foreigners and institutions bought minus sold, oldest session first."""

    def read(tx: Repositories) -> Answer:
        _known(tx, ticker)
        points = [
            {
                "date": row["session"],
                "foreign_net": row["foreign_shares"],
                "inst_net": row["institution_shares"],
                "foreign_net_amount": row["foreign_won"],
                "inst_net_amount": row["institution_won"],
            }
            for row in tx.stocks.net_buying(ticker, query.days)
        ]
        found = {
            "ticker": ticker,
            "period_days": query.days,
            "data": points,
            "smartmoney_score": _score(tx.stocks.smart_money(ticker)),
            "total_points": len(points),
        }
        return answer(views.dumps(found))

    return await room.keep(request, read)


def _known(tx: Repositories, ticker: str) -> dict[str, Any]:
    stock = tx.stocks.get(ticker)
    if stock is None:
        raise Problem(NOT_FOUND, f"No stock {ticker} was ever seen.")
    return stock


def _detail(stock: views.Row, bar: views.Row | None) -> dict[str, Any]:
    change, change_pct = views.price_change(bar) if bar else (None, None)
    collected = bar["collected_at"] if bar else None
    return {
        "ticker": stock["ticker"],
        "name": stock["name"],
        "market": stock["market"],
        "sector": stock["sector"],
        "kind": stock["kind"],
        "flags": (stock["flags"] or "").split(),
        "current_price": bar["close"] if bar else None,
        "price_change": change,
        "price_change_pct": change_pct,
        "volume": bar["volume"] if bar else None,
        "market_cap": bar["market_cap"] if bar else None,
        "session": bar["session"] if bar else None,
        "updated_at": views.local(collected) if collected else None,
    }


def _on_todays_scale(bars: pl.DataFrame, calendar: TradingCalendar) -> pl.DataFrame:
    sessions = calendar.sessions(bars["session"][0], bars["session"][-1])
    return adjusted(with_scale(bars, sessions))


def _point(bar: views.Row) -> dict[str, Any]:
    """A halted stock has a close, carried on, and no other price."""
    halted = not bar["open"]
    prices = {name: None if halted else _plain(bar[name]) for name in _PRICES}
    close, volume = _plain(bar["close"]), _plain(bar["volume"])
    return {"date": bar["session"], **prices, "close": close, "volume": volume}


def _plain(value: float) -> float:
    return round(value, 2)


def _score(part: views.Row | None) -> float | None:
    if part is None or part["points"] is None:
        return None
    return round(float(part["points"]) / float(part["out_of"]) * 100, 2)
