"""The share of a day's volume: the table's word until there are twenty sessions of our own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest

from db import Database
from db.repositories.snapshots import KeptSnapshot
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.schemas import DailyBars, IndexBars
from scanners.rules import Rules
from settings import Settings
from tasks.volume_shares import expected, learn, ordinary_time

CALENDAR = TradingCalendar()
RULES = Rules.from_mapping({}).daytrading
SESSIONS = CALENDAR.sessions(date(2026, 2, 2), date(2026, 3, 20))
STOCKS = 120


def bars(session: date, share: float) -> pl.DataFrame:
    """Stocks that traded `share` of 1,000 shares by then; one of them much more."""
    return DailyBars.validate(
        pl.DataFrame(
            {
                "session": [session] * STOCKS,
                "ticker": [f"{n:05d}0" for n in range(STOCKS)],
                "open": 1000,
                "high": 1000,
                "low": 1000,
                "close": 1000,
                "volume": [round(1000 * share)] * (STOCKS - 1) + [1000],
                "value": 1_000_000,
                "base": 1000,
                "listed_shares": 10_000,
                "market_cap": 10_000_000,
                "adjusted": False,
                "source": "test",
                "collected_at": datetime(2026, 3, 20, tzinfo=UTC),
            }
        ),
        cast=True,
    )


def seen(session: date, clock: str, share: float) -> KeptSnapshot:
    moment = datetime.combine(session, time.fromisoformat(clock), SEOUL)
    frame = DailyBars.cast(bars(session, share))
    return KeptSnapshot(session, moment, "test", frame, IndexBars.create_empty())


def fill(database: Database, sessions: list[date], share: float) -> None:
    with database.transaction() as tx:
        for session in sessions:
            tx.snapshots.add(seen(session, "10:00", share))
            tx.snapshots.add(seen(session, "11:00", share + 0.2))
            tx.bars.store(DailyBars.cast(bars(session, 1.0)))


def share_at(database: Database, session: date, clock: str) -> tuple[float, str]:
    hours = CALENDAR.hours(session)
    at = datetime.combine(session, time.fromisoformat(clock), SEOUL)
    found = expected(database, hours, at, RULES)
    return found.in_session.expected_share, found.origin


def test_nineteen_sessions_are_too_few_and_twenty_are_believed(database: Database) -> None:
    config = Settings(snapshot_sessions=3)
    fill(database, SESSIONS[:19], 0.4)
    assert learn.fn(database, CALENDAR, SESSIONS[19], config) == 19
    assert share_at(database, SESSIONS[19], "10:00") == (0.25, "table")
    fill(database, SESSIONS[19:20], 0.4)
    assert learn.fn(database, CALENDAR, SESSIONS[20], config) == 1
    assert learn.fn(database, CALENDAR, SESSIONS[20], config) == 0
    assert share_at(database, SESSIONS[20], "10:00") == (pytest.approx(0.4), "own")
    assert share_at(database, SESSIONS[20], "10:30") == (pytest.approx(0.5), "own")
    assert share_at(database, SESSIONS[20], "09:30") == (pytest.approx(0.2), "own")
    with database.reader() as tx:
        assert [bool(tx.snapshots.of(s)) for s in SESSIONS[16:20]] == [False, True, True, True]


def test_one_odd_session_does_not_move_the_median(database: Database) -> None:
    fill(database, SESSIONS[:20], 0.4)
    fill(database, SESSIONS[20:22], 0.7)
    learn.fn(database, CALENDAR, SESSIONS[22], Settings())
    assert share_at(database, SESSIONS[22], "10:00") == (pytest.approx(0.4), "own")


def test_a_session_is_never_told_of_its_own_or_later_volumes(database: Database) -> None:
    fill(database, SESSIONS[:21], 0.4)
    learn.fn(database, CALENDAR, SESSIONS[25], Settings())
    assert share_at(database, SESSIONS[20], "10:00") == (pytest.approx(0.4), "own")
    assert share_at(database, SESSIONS[19], "10:00") == (0.25, "table")


def test_a_day_of_other_hours_is_put_on_an_ordinary_days_scale() -> None:
    exam = CALENDAR.hours(date(2026, 11, 19))
    assert ordinary_time(exam, exam.open + timedelta(minutes=20)) == time(9, 20)
    assert ordinary_time(exam, exam.close) == time(15, 30)
    first = CALENDAR.hours(date(2026, 1, 2))
    assert first.open.time() == time(10, 0)
    assert ordinary_time(first, first.open + timedelta(minutes=165)) == time(12, 15)
