"""Ranges of sessions that scans need."""

from __future__ import annotations

from datetime import date, timedelta

from market.calendar import TradingCalendar
from scanners import LOOKBACK

A_YEAR_HAS_AT_LEAST = 230  # sessions


def window_start(calendar: TradingCalendar, first: date, sessions: int = LOOKBACK) -> date:
    """The session `sessions` before `first`, or the exchange's first known one."""
    days = timedelta(days=366 * (sessions // A_YEAR_HAS_AT_LEAST + 1))
    before = calendar.sessions(max(first - days, calendar.first), first - timedelta(days=1))
    return before[-sessions:][0] if before else first
