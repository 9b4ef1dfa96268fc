"""What collected data say of instruments, and what they leave open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import InstrumentFlags, Instruments
from sources.joining import joined
from sources.sample import SampleSource
from tasks.observations import of_market

CALENDAR = TradingCalendar()
BEFORE, SESSION = date(2026, 11, 19), date(2026, 11, 20)


@pytest.fixture(scope="module")
def told() -> MarketData:
    """A market of which every designation is known."""
    return SampleSource(CALENDAR, stocks=60).history(SESSION, SESSION)


def flags_of(data: MarketData, session: date = SESSION) -> dict[str, list[str] | None]:
    found = of_market(data, SESSION).filter(pl.col("session") == session)
    return dict(found.select("ticker", "flags").iter_rows())


def test_a_stock_without_designation_has_none_where_all_are_told(told: MarketData) -> None:
    flags = flags_of(told)
    assert None not in flags.values()
    assert [] in flags.values()


def test_where_not_all_are_told_the_others_are_unknown(told: MarketData) -> None:
    whole, partly = flags_of(told), flags_of(replace(told, flags_from=None))
    assert partly == {ticker: flags or None for ticker, flags in whole.items()}
    assert any(partly.values())


def test_only_the_newest_session_of_a_joined_stretch_tells_its_designations(
    told: MarketData,
) -> None:
    seen = {
        day: Instruments.cast(told.instruments.with_columns(since=pl.lit(day)))
        for day in (BEFORE, SESSION)
    }
    nothing = InstrumentFlags.create_empty()
    past = replace(told, instruments=seen[BEFORE], flags=nothing, flags_from=None)
    newest = replace(told, instruments=seen[SESSION], flags_from=SESSION)
    both = joined([past, newest])
    assert [] not in flags_of(both, BEFORE).values()
    assert None not in flags_of(both).values()
    assert joined([newest, past]).flags_from is None
