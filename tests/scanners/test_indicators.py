"""Indicators over the whole column equal those of each stock alone, and start when full."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal
from realdata import adjusted_market, schedule_of

from scanners import Rules
from scanners.daytrading import InSession, expected_share
from scanners.indicators import for_ranks, for_scores
from scanners.panel import Panel, build_panel
from scanners.ranks import ranked
from scanners.universe import sectors_of

ALL = ("vcp", "daytrading", "closing_bet")
STARTS = {
    "average_short": 50,
    "average_long": 200,
    "average_long_before": 220,
    "low_year": 252,
    "dry_up": 50,
    "dry_up_before": 51,
    "atr_ratio": 51,
    "band_place": 139,
    "activity_before": 21,
    "high_before": 21,
    "average": 5,
    "period_low": 10,
    "bet_high_year": 252,
    "value20": 20,
}


@pytest.fixture(scope="module")
def panel(real_data: Path) -> Panel:
    tickers = ["005930", "000660", "035720", "068270", "000020"]
    data = adjusted_market(real_data, tickers=tickers)
    sessions = schedule_of(data)["session"]
    return build_panel(data, sessions, 0, sectors_of(data), Rules().universe)


def every(rows: pl.DataFrame) -> pl.Series:
    return pl.repeat(True, len(rows), dtype=pl.Boolean, eager=True)


def test_each_indicator_starts_with_its_window(panel: Panel) -> None:
    found = for_scores(panel.rows, every(panel.rows), Rules(), ALL)
    for name, rows in STARTS.items():
        known = panel.rows["n"].filter(found[name].is_not_null())
        assert known.min() == rows, name
    ranks = for_ranks(panel.rows, Rules())
    assert panel.rows["n"].filter(ranks["rs_raw"].is_not_null()).min() == 253
    assert panel.rows["n"].filter(ranks["r5"].is_not_null()).min() == 6


def test_neighbours_in_the_column_change_nothing(panel: Panel) -> None:
    together = for_scores(panel.rows, every(panel.rows), Rules(), ALL).with_columns(
        panel.rows["code"]
    )
    for code in panel.rows["code"].unique():
        rows = panel.rows.filter(pl.col("code") == code)
        start = rows["row"][0]
        alone = rows.with_columns(pl.col("row") - start, pl.col("segment") - start)
        expected = for_scores(alone, every(alone), Rules(), ALL)
        got = together.filter(pl.col("code") == code).drop("code")
        for name in expected.columns:
            assert_series_equal(got[name], expected[name], rel_tol=1e-9, abs_tol=1e-9)


def test_a_window_of_closes_equals_its_definition(panel: Panel) -> None:
    rows = panel.rows.filter(pl.col("code") == 0)
    found = for_scores(panel.rows, every(panel.rows), Rules(), ALL).filter(panel.rows["code"] == 0)
    close = rows["close"].to_list()
    assert found["average_long"][299] == pytest.approx(sum(close[100:300]) / 200)
    assert found["average_long_before"][299] == pytest.approx(sum(close[80:280]) / 200)
    assert found["high_before"][299] == max(rows["high"].to_list()[279:299])


def test_relative_strength_and_sector_ranks_share_ties() -> None:
    cross = pl.DataFrame(
        {
            "pos": [0] * 7,
            "sector": ["a"] * 5 + ["b"] * 2,
            "out_trading": [0] * 7,
            "rs_raw": [0.1, 0.2, 0.2, 0.4, None, 0.5, 0.6],
            "r5": [0.3, 0.3, 0.1, 0.2, 0.0, 0.9, 0.8],
        },
        schema_overrides={"sector": pl.Enum(["a", "b"]), "pos": pl.Int32},
    )
    found = ranked(cross, Rules())
    assert found["rs"].to_list() == pytest.approx(
        [100 / 6, 250 / 6, 250 / 6, 400 / 6, None, 500 / 6, 100.0]
    )
    assert found["sector_rank"].to_list() == [1, 1, 4, 3, 5, None, None]
    assert found["sector_members"].to_list() == [5, 5, 5, 5, 5, 2, 2]


@pytest.mark.parametrize(
    ("clock", "share"),
    [
        ("08:50", 0.0),
        ("09:15", 0.06),
        ("09:30", 0.12),
        ("10:15", 0.30),
        ("15:18", 0.95),
        ("15:40", 1),
    ],
)
def test_the_expected_share_of_the_day_is_interpolated(clock: str, share: float) -> None:
    moment = time.fromisoformat(clock)
    assert expected_share(moment, Rules().daytrading) == pytest.approx(share)


def test_volume_so_far_says_nothing_before_twenty_past_nine() -> None:
    rules = Rules().daytrading
    assert not InSession(time(9, 19), 0.5).usable(rules)
    assert not InSession(time(9, 25), 0.0999).usable(rules)
    assert InSession(time(9, 25), 0.10).usable(rules)


def test_the_last_row_alone_is_measured_as_among_all_rows(panel: Panel) -> None:
    rows = panel.rows
    last = (rows["code"] != rows["code"].shift(-1)).fill_null(True)
    among_all = for_scores(rows, every(rows), Rules(), ALL).filter(last)
    assert_frame_equal(for_scores(rows, last, Rules(), ALL), among_all)
