"""The scan agrees with a slow, plain reading of the same rules on real stocks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import realdata
from paths import Market
from polars.testing import assert_frame_equal
from readings import EVERYTHING, STOCK_SCANNERS, reference_rows, score_frame, why_left_out
from reference import market_gate, panel
from spliced import spliced_market

from market.asof import Slot
from scanners import MarketScan, scan

pytestmark = pytest.mark.slow

SESSIONS = 60
# A consolidation (261 won to 1,305) and a split (16,970 to 8,490) in early 2026.
EVENTFUL = ["009810", "059120"]


def _codes(real_data: Path, file: str) -> set[str]:
    return set(pl.read_parquet(real_data / file, columns=["code"])["code"])


def adjusted_at_the_source(real_data: Path) -> Market:
    codes = sorted(_codes(real_data, "daily_adjusted_2023_2025.parquet"))
    data = realdata.adjusted_market(real_data, tickers=codes[::7])
    return Market(data, realdata.schedule_of(data), {})


def as_traded(real_data: Path) -> Market:
    codes = _codes(real_data, "net_buying_won_2026.parquet") & _codes(
        real_data, "daily_adjusted_2023_2025.parquet"
    )
    return spliced_market(real_data, sorted(codes)[::5] + EVENTFUL, Slot.FINAL)


@dataclass(frozen=True, repr=False)  # millions of rows
class Readings:
    """What both have to say about the last sessions of one market."""

    market: Market
    session: date
    found: MarketScan
    stocks: panel.Panel


@pytest.fixture(scope="module", params=[adjusted_at_the_source, as_traded])
def readings(request: pytest.FixtureRequest, real_data: Path) -> Readings:
    market = request.param(real_data)
    session = market.schedule["session"][-SESSIONS]
    return Readings(
        market,
        session,
        scan(market.data, market.schedule, session, EVERYTHING),
        panel.build(market.data, market.schedule),
    )


def test_scores_parts_gates_grades_and_levels_agree(readings: Readings) -> None:
    expected = reference_rows(readings.stocks, readings.market, readings.session)
    for name in STOCK_SCANNERS:
        want = score_frame(name, expected[name]).sort("session", "ticker")
        assert want["ticker"].n_unique() > 300
        scores = readings.found.results[name].scores.cast({"grade": pl.String})
        got = scores.select(want.columns).sort("session", "ticker")
        assert_frame_equal(got, want.cast(dict(got.schema)), rel_tol=1e-9, abs_tol=1e-9)


def test_who_is_left_out_agrees(readings: Readings) -> None:
    for name in STOCK_SCANNERS:
        frame = readings.found.results[name].left_out
        for session in readings.market.schedule["session"][-SESSIONS:]:
            got = dict(frame.filter(session=session).select("reason", "n").iter_rows())
            assert got == why_left_out(readings.stocks, name, session), (name, session)


def test_the_market_gate_agrees(readings: Readings) -> None:
    want = market_gate.score(readings.stocks, readings.market.data, readings.session)
    assert readings.found.gate is not None
    got = readings.found.gate.to_dicts()
    for expected, row in zip(want, got, strict=True):
        parts = {name: part["points"] for name, part in json.loads(row["parts"]).items()}
        assert parts == pytest.approx(expected["parts"], abs=1e-6), row["session"]
        assert row["level"] == pytest.approx(expected["level"], abs=1e-9)
        for name in ("session", "status", "kospi_status", "kosdaq_status"):
            assert row[name] == expected[name]
