"""One stock's bars told as 'open high low close', for tests of what becomes of a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from market.calendar import TradingCalendar
from market.schemas import DailyBars

TOLD = "000010"
OTHER = "000020"
FIRST = date(2024, 3, 4)


def sessions_of(count: int, first: date = FIRST) -> list[date]:
    """So many sessions of the exchange from that day on."""
    return TradingCalendar().sessions(first, date(2025, 12, 30))[:count]


def bars_of(
    told: Sequence[str], base: Mapping[str, int] | None = None, first: date = FIRST
) -> pl.DataFrame:
    """The stock's bars and those of another one, traded in every session.

    '-' is a halted session, 'x' one without a row; `base`: base prices by number of bar, else the
    close before.
    """
    rows: list[dict[str, Any]] = []
    close: int | None = None
    for number, (session, text) in enumerate(zip(sessions_of(len(told), first), told, strict=True)):
        rows.append(_row(session, OTHER, (5000, 5000, 5000, 5000), 5000, 100))
        if text == "x":
            continue
        known = (base or {}).get(str(number), close)
        if text == "-":
            assert close is not None
            rows.append(_row(session, TOLD, (0, 0, 0, close), known, 0))
        else:
            opened, high, low, close = map(int, text.split())
            rows.append(_row(session, TOLD, (opened, high, low, close), known, 1000))
    return DailyBars.validate(pl.DataFrame(rows, schema=DailyBars.create_empty().schema))


def _row(
    session: date, ticker: str, prices: tuple[int, int, int, int], base: int | None, volume: int
) -> dict[str, Any]:
    names = ("open", "high", "low", "close")
    return {
        "session": session,
        "ticker": ticker,
        **dict(zip(names, prices, strict=True)),
        "volume": volume,
        "value": volume * prices[3],
        "base": base,
        "listed_shares": None,
        "market_cap": None,
        "adjusted": False,
        "source": "told",
        "collected_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
