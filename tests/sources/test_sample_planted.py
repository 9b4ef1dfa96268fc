"""The scanners find what was planted in the sample market, and not what only looks like it."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from market.asof import Slot
from market.calendar import TradingCalendar
from scanners import LOOKBACK, MarketScan, Rules, scan
from sources.sample import SampleMarket, generate

LAST = date(2026, 5, 15)
SCORED = 40
CALENDAR = TradingCalendar()


@pytest.fixture(scope="module")
def market() -> SampleMarket:
    return generate(last=LAST, sessions=LOOKBACK + SCORED, calendar=CALENDAR)


@pytest.fixture(scope="module")
def days() -> list[date]:
    return CALENDAR.sessions(date(2025, 1, 2), LAST)[-(LOOKBACK + SCORED) :]


@pytest.fixture(scope="module", params=[Slot.CLOSE, Slot.FINAL], ids=str)
def scanned(market: SampleMarket, days: list[date], request: pytest.FixtureRequest) -> MarketScan:
    schedule = CALENDAR.schedule(days[0], LAST, request.param)
    return scan(market.data, schedule, days[-SCORED], Rules.from_mapping({}))


@pytest.fixture(scope="module")
def planted(market: SampleMarket, days: list[date]) -> pl.DataFrame:
    return market.planted.filter(pl.col("session") >= days[-SCORED])


def test_every_genuine_pattern_is_a_signal_in_its_session(
    scanned: MarketScan, planted: pl.DataFrame
) -> None:
    genuine = planted.filter("genuine")
    missed = genuine.join(_signals(scanned), on=["session", "ticker", "imitates"], how="anti")
    assert missed.rows() == []
    assert set(genuine["expected_scanner"]) == {"vcp", "daytrading", "closing_bet"}


def test_no_fake_is_a_signal_in_its_session(scanned: MarketScan, planted: pl.DataFrame) -> None:
    fakes = planted.filter(~pl.col("genuine"))
    fooled = fakes.join(_signals(scanned), on=["session", "ticker", "imitates"])
    assert fooled.rows() == []
    assert fakes["expected_scanner"].null_count() == fakes.height


def test_every_kind_of_pattern_and_fake_is_there(planted: pl.DataFrame) -> None:
    assert set(planted.filter("genuine")["pattern"]) == {
        "vcp_forming", "vcp_breakout", "vcp_split_forming", "vcp_split_breakout",
        "daytrading_breakout", "daytrading_rebound", "closing_bet_rebound",
    }  # fmt: skip
    assert set(planted.filter(~pl.col("genuine"))["pattern"]) == {
        "vcp_spent", "vcp_split_spent", "vcp_growing", "vcp_loose", "vcp_below_template",
        "vcp_illiquid", "vcp_administrative", "daytrading_limit_up", "daytrading_single_price",
        "daytrading_thin", "closing_bet_limit_up", "closing_bet_warning",
    }  # fmt: skip


def test_every_session_completes_a_genuine_pattern_of_each_scanner(
    planted: pl.DataFrame, days: list[date]
) -> None:
    for scanner in ("vcp", "daytrading", "closing_bet"):
        fresh = planted.filter(pl.col("expected_scanner") == scanner)
        assert fresh["session"].n_unique() >= SCORED - 1, scanner
    assert planted.filter("genuine")["session"].n_unique() == SCORED
    assert set(planted["session"]) <= set(days)


def test_planted_contractions_shrink_and_dry_up(scanned: MarketScan, planted: pl.DataFrame) -> None:
    scores = scanned.results["vcp"].scores
    formed = planted.filter(pl.col("pattern") == "vcp_forming").join(
        scores, on=["session", "ticker"]
    )
    assert formed.height > 20
    assert formed["gate_pattern"].all()
    assert set(formed["state"]) <= {"forming"}
    assert formed["contractions_count"].is_between(2, 5).all()
    assert set(formed["contractions_count"]) >= {2, 3, 4}
    assert (formed["last_depth"] < formed["first_depth"]).all()
    assert (formed["volume_dry_up"] >= 4).all()


def test_a_session_has_about_as_many_signals_as_a_real_one(scanned: MarketScan) -> None:
    """Expected on real data: vcp 1/8/12, daytrading 3/21/38, closing_bet tens."""
    bounds = {
        "vcp": ((0.3, 4), (4, 20), (6, 35)),
        "daytrading": ((1, 9), (3, 40), (15, 60)),
    }
    for name, limits in bounds.items():
        counts = scanned.results[name].counts
        for grade, (low, high) in zip("sab", limits, strict=True):
            assert low <= counts[grade].mean() <= high, (name, grade)  # type: ignore[operator]
    closing = scanned.results["closing_bet"].counts
    per_session = closing.select(pl.sum_horizontal("s", "a", "b").mean()).item()
    assert 5 <= per_session <= 90


def _signals(scanned: MarketScan) -> pl.DataFrame:
    found = [
        result.signals.select("session", "ticker", imitates=pl.lit(name))
        for name, result in scanned.results.items()
    ]
    return pl.concat(found)
