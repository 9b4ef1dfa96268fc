"""A scan asks the database as often for a few stocks as for many."""

from __future__ import annotations

from datetime import date

import pytest
from databases import emptied
from sqlalchemy import event

from market.asof import Slot
from market.calendar import TradingCalendar
from scanners.rules import Rules
from sources.sample import generate
from tasks.collect import store_data
from tasks.publish import RunFacts, publish_sessions
from tasks.scan import scan_sessions
from tasks.windows import window_start

SESSION = date(2026, 3, 13)
CALENDAR = TradingCalendar()


def statements(postgres_url: str, stocks: int) -> list[str]:
    """What a whole scan, from the stored rows to the signals, says to the database."""
    seen: list[str] = []
    window = len(CALENDAR.sessions(window_start(CALENDAR, SESSION), SESSION))
    market = generate(last=SESSION, sessions=window, stocks=stocks, calendar=CALENDAR)
    with emptied(postgres_url) as database:
        store_data(database, market.data, SESSION)
        event.listen(database._engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
        rules = Rules()
        scanned = scan_sessions(database, CALENDAR, rules, SESSION, SESSION, Slot.CLOSE)
        assert scanned.scan.results["vcp"].counts["scanned"].sum() > stocks // 2
        publish_sessions(database, scanned, [SESSION], rules, RunFacts(source="sample"))
    return seen


@pytest.mark.slow
def test_a_scan_takes_as_many_statements_for_forty_stocks_as_for_four_hundred(
    postgres_url: str,
) -> None:
    few, many = statements(postgres_url, 40), statements(postgres_url, 400)
    assert len(few) == len(many) < 150
