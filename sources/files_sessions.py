"""Which dates of a file are sessions of the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from market.calendar import TradingCalendar


def session_columns(
    days: pl.Series, calendar: TradingCalendar, now: datetime
) -> Mapping[str, pl.Series]:
    """`known`: whether each date is a session; `over`: whether it had closed by `now` (aware).

    Null where the date is null. Dates outside the years the calendar knows are no sessions.
    """
    return {"known": _known(days, calendar), "over": days <= calendar.last_closed(now)}


def _known(days: pl.Series, calendar: TradingCalendar) -> pl.Series:
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return days.is_in([])
    sessions = calendar.sessions(max(first, calendar.first), min(last, calendar.last))
    return days.is_in(sessions)
