"""Which dates of a file are sessions of the exchange."""

from __future__ import annotations

from datetime import date

import polars as pl

from market.calendar import TradingCalendar


def known_sessions(days: pl.Series, calendar: TradingCalendar) -> pl.Series:
    """Whether each date is a session; null where the date is null.

    Dates outside the years the calendar knows are none.
    """
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return days.is_in([])
    sessions = calendar.sessions(max(first, calendar.first), min(last, calendar.last))
    return days.is_in(sessions)
