"""The number of signals on the real market is what the rules were tuned to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from realdata import adjusted_market, raw_market, schedule_of

from scanners import MarketScan, Rules, scan


@pytest.fixture(scope="module")
def found(real_data: Path) -> MarketScan:
    data = adjusted_market(real_data)
    return scan(data, schedule_of(data), date(2024, 3, 4), Rules())


def mean_a_session(found: MarketScan, scanner: str, first: date) -> dict[str, float]:
    # The last session of the data was saved while the market was open.
    days = pl.col("session").is_between(first, date(2025, 6, 16))
    counts = found.results[scanner].counts.filter(days)
    return counts.select(pl.exclude("session").mean()).to_dicts()[0]


def test_vcp_without_net_buying(found: MarketScan) -> None:
    mean = mean_a_session(found, "vcp", date(2024, 12, 16))
    assert 0 <= mean["s"] <= 1
    assert 4 <= mean["a"] <= 10
    assert 7 <= mean["b"] <= 12


def test_daytrading_with_its_gates(found: MarketScan) -> None:
    mean = mean_a_session(found, "daytrading", date(2024, 3, 4))
    assert mean["s"] == pytest.approx(3, abs=1)
    assert mean["a"] == pytest.approx(21, abs=3)
    assert mean["b"] == pytest.approx(38, abs=4)


def test_every_stock_is_counted_once(found: MarketScan) -> None:
    for result in found.results.values():
        counts = result.counts
        graded = pl.sum_horizontal("s", "a", "b", "c", "ungraded")
        assert counts.select((graded == pl.col("scanned")).all()).item()
        left = result.left_out.group_by("session").agg(pl.col("n").sum())
        whole = counts.join(left, on="session").filter(pl.col("session") == date(2025, 6, 16))
        # 2,761 codes, one of which is listed the day after.
        assert whole.select(pl.col("scanned") + pl.col("n")).item() == 2_760


def test_the_colours_of_the_gate(found: MarketScan) -> None:
    assert found.gate is not None
    shares = dict(found.gate["status"].value_counts(normalize=True).iter_rows())
    assert shares["GREEN"] == pytest.approx(0.18, abs=0.03)
    assert shares["YELLOW"] == pytest.approx(0.43, abs=0.04)
    assert shares["RED"] == pytest.approx(0.38, abs=0.04)


def test_net_buying_of_the_day_before_is_used_at_the_close(real_data: Path) -> None:
    data = raw_market(real_data, last=date(2026, 2, 10))
    session = date(2026, 2, 10)
    rules = Rules.from_mapping({"universe": {"min_rows": 60}})
    result = scan(data, schedule_of(data), session, rules).results["vcp"]
    assert result.counts["scanned"].item() == 0
    assert result.left_out.filter(reason="short_history")["n"].item() > 2_000
