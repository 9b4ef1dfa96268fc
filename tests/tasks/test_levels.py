"""Levels of open signals carried over ex-days to the scale of the session about to open."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from db import Database
from market.calendar import TradingCalendar
from market.schemas import DailyBars
from tasks.levels import re_expressed

CALENDAR = TradingCalendar()
FIRST, SECOND, LAST = CALENDAR.sessions(date(2026, 3, 11), date(2026, 3, 13))
TODAY = CALENDAR.next(LAST)


def bar(session: date, ticker: str, close: int, base: int) -> dict[str, Any]:
    return {
        "session": session,
        "ticker": ticker,
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": 1000,
        "value": None,
        "base": base,
        "listed_shares": None,
        "market_cap": None,
        "adjusted": False,
        "source": "test",
        "collected_at": datetime(2026, 3, 13, 7, tzinfo=UTC),
    }


@pytest.fixture
def stored(database: Database) -> Database:
    """000010 goes ex one for five in the second session, 000020 never, 000030 was halted."""
    rows = [
        bar(FIRST, "000010", 50_000, 50_000),
        bar(SECOND, "000010", 10_100, 10_000),
        bar(LAST, "000010", 10_200, 10_100),
        *(bar(day, "000020", 20_000, 20_000) for day in (FIRST, SECOND, LAST)),
    ]
    with database.transaction() as tx:
        tx.bars.store(DailyBars.validate(pl.DataFrame(rows), cast=True))
    return database


def signals(*of: tuple[date, str, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "scanner": "vcp",
                "session": session,
                "ticker": ticker,
                "name": f"Stock {ticker}",
                "entry": entry,
                "target": entry and entry * 115 // 100,
                "stop": entry and entry * 92 // 100,
            }
            for session, ticker, entry in of
        ],
        schema_overrides=dict.fromkeys(("entry", "target", "stop"), pl.Int64),
    )


def bases(**of: int) -> pl.DataFrame:
    return pl.DataFrame({"ticker": [name[1:] for name in of], "base": list(of.values())})


def test_a_level_from_before_a_stored_ex_day_is_carried_over_it(stored: Database) -> None:
    told = signals((FIRST, "000010", 50_500), (SECOND, "000010", 10_150), (FIRST, "000020", 1))
    [moved] = re_expressed(stored, CALENDAR, TODAY, told, None).to_dicts()
    assert (moved["session"], moved["ticker"], moved["factor"]) == (FIRST, "000010", 0.2)
    assert (moved["entry"], moved["target"], moved["stop"]) == (50_500, 58_075, 46_460)
    assert (moved["entry_now"], moved["target_now"], moved["stop_now"]) == (10_100, 11_610, 9_300)


def test_today_s_base_price_moves_the_levels_of_all_sessions_before(stored: Database) -> None:
    told = signals((FIRST, "000010", 50_500), (LAST, "000010", 10_250), (LAST, "000020", 20_000))
    moved = re_expressed(stored, CALENDAR, TODAY, told, bases(t000010=5_100, t000020=20_000))
    assert moved.select("session", "factor").rows() == [
        (FIRST, pytest.approx(0.1)),
        (LAST, pytest.approx(0.5)),
    ]
    assert moved["entry_now"].to_list() == [5_050, 5_130]  # rounded up to the tick of 10 won


def test_levels_without_a_price_stay_without_one(stored: Database) -> None:
    told = signals((FIRST, "000010", None))
    [moved] = re_expressed(stored, CALENDAR, TODAY, told, None).to_dicts()
    assert [moved[f"{name}_now"] for name in ("entry", "target", "stop")] == [None] * 3


def test_without_an_ex_day_nothing_is_told(stored: Database) -> None:
    assert re_expressed(stored, CALENDAR, TODAY, signals((LAST, "000010", 10_250)), None).is_empty()
    none = signals((LAST, "000010", 10_250)).clear()
    assert re_expressed(stored, CALENDAR, TODAY, none, None).is_empty()
