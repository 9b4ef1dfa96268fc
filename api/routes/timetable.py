"""The market's hours around now, what is due next, and what trading costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import models, views
from api.queries import Query as NoQuery
from api.services import Costs, Room, Slots
from market.calendar import SessionHours, TradingCalendar

router = APIRouter(tags=["timetable"])
BEFORE, AFTER = timedelta(days=21), timedelta(days=21)
MOST = 6  # coming runs, each flow once


@router.get("/api/kr/timetable", response_model=models.Timetable)
async def timetable(room: Room, query: Annotated[NoQuery, Query()]) -> Response:  # noqa: ARG001
    """Whether the market is open, until when, and which flows come next; by the server's clock."""
    now = room.clock.now()
    body = views.dumps(_around(now, room.calendar, room.slots, room.costs))
    return Response(body, headers={"cache-control": "no-store"}, media_type="application/json")


def _around(now: datetime, calendar: TradingCalendar, slots: Slots, costs: Costs) -> dict[str, Any]:
    session = calendar.session_at(now)
    hours = calendar.hours(session)
    following = calendar.hours(calendar.next(session))
    today, trade = now.date(), costs(session)
    return {
        "now": now,
        "open": hours.open <= now < hours.close,
        "session": session,
        "opens_at": hours.open,
        "closes_at": hours.close,
        "note": hours.note,
        "next_session": following.session,
        "next_opens_at": following.open,
        "closed_today": calendar.why_closed(today) or None,
        "next": _coming(now, [hours, following], slots),
        "sessions": calendar.sessions(today - BEFORE, today + AFTER),
        "round_trip_pct": trade.percent,
        "slippage_ticks": trade.slippage_ticks,
    }


def _coming(now: datetime, days: list[SessionHours], slots: Slots) -> list[dict[str, Any]]:
    due = sorted((at, flow) for hours in days for at, flow in slots(hours) if at > now)
    first: dict[str, datetime] = {}
    for at, flow in due:
        first.setdefault(flow, at)
    return [{"flow": flow, "at": at} for flow, at in first.items()][:MOST]
