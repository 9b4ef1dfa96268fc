"""The scan agrees with the plain reading of the rules on a small piece of the invented market."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from paths import Market
from polars.testing import assert_frame_equal
from readings import EVERYTHING, STOCK_SCANNERS, reference_rows, score_frame, why_left_out
from realdata import schedule_of
from reference import panel

from market.calendar import TradingCalendar
from scanners import LOOKBACK, MarketScan, scan
from sources.sample.market import generate

SESSIONS = 3


@pytest.fixture(scope="module")
def market() -> Market:
    found = generate(
        last=date(2026, 3, 13),
        sessions=LOOKBACK + SESSIONS,
        stocks=120,
        calendar=TradingCalendar(),
    )
    return Market(found.data, schedule_of(found.data), {})


@pytest.fixture(scope="module")
def stocks(market: Market) -> panel.Panel:
    return panel.build(market.data, market.schedule)


@pytest.fixture(scope="module")
def found(market: Market) -> MarketScan:
    return scan(market.data, market.schedule, market.schedule["session"][-SESSIONS], EVERYTHING)


def test_scores_parts_gates_grades_and_levels_agree(
    market: Market, stocks: panel.Panel, found: MarketScan
) -> None:
    expected = reference_rows(stocks, market, market.schedule["session"][-SESSIONS])
    for name in STOCK_SCANNERS:
        want = score_frame(name, expected[name]).sort("session", "ticker")
        assert want["score"].n_unique() > 5
        scores = found.results[name].scores.cast({"grade": pl.String})
        got = scores.select(want.columns).sort("session", "ticker")
        assert_frame_equal(got, want.cast(dict(got.schema)), rel_tol=1e-9, abs_tol=1e-9)


def test_who_is_left_out_agrees(market: Market, stocks: panel.Panel, found: MarketScan) -> None:
    for name in STOCK_SCANNERS:
        frame = found.results[name].left_out
        for session in market.schedule["session"][-SESSIONS:]:
            got = dict(frame.filter(session=session).select("reason", "n").iter_rows())
            assert got == why_left_out(stocks, name, session), (name, session)
