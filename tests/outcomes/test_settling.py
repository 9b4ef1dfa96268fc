"""What settling a signal knows of its stock beyond what following it needs."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from trade_stories import OTHER, TOLD, bars_of, sessions_of

from market.schemas import IndexBars
from outcomes.rules import TradeRules
from outcomes.settling import settled

LAST_WEEK_OF_OLD_TICKS = date(2023, 1, 17)


@pytest.mark.parametrize(
    ("market", "became"), [("KOSDAQ", "upper_limit"), ("KOSPI", "next_open")], ids=str
)
def test_before_2023_limits_had_the_ticks_of_the_stocks_market(market: str, became: str) -> None:
    """Base 123,400: three tenths are 37,020, by KOSDAQ's tick of 100 a limit of 160,400; KOSPI's
    tick of 500 makes it 160,000, and what closed at another price wasn't locked there."""
    bars = bars_of(
        ["130000 160400 129000 160400", "161000 162000 160000 161000"],
        {"0": 123_400},
        LAST_WEEK_OF_OLD_TICKS,
    )
    sessions = sessions_of(2, LAST_WEEK_OF_OLD_TICKS)
    instruments = pl.DataFrame(
        {
            "ticker": [TOLD, OTHER],
            "since": [date(2020, 1, 2)] * 2,
            "market": [market] * 2,
            "kind": ["common"] * 2,
        }
    )
    signals = pl.DataFrame(
        {
            "session": sessions[:1],
            "as_of": ["close"],
            "ticker": [TOLD],
            "scanner": ["closing_bet"],
            "market": [market],
            "entry": [160_400],
            "target": [184_400],
            "stop": [152_400],
        }
    )
    index_bars = IndexBars.create_empty()
    found = settled(signals, bars, index_bars, instruments, sessions, TradeRules())
    assert found["reason"].to_list() == [became]
