"""Adjustment factors: splits, rights, holes in the data, and what must be left alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.adjustment import adjusted, with_scale
from market.calendar import TradingCalendar

CALENDAR = TradingCalendar()
SESSIONS = CALENDAR.sessions(date(2026, 1, 2), date(2026, 3, 20))


def bars(
    closes: list[int],
    bases: list[int | None],
    *,
    days: list[int] | None = None,
    ticker: str = "000010",
    already: bool | list[bool] = False,
    volumes: list[int] | None = None,
) -> pl.DataFrame:
    days = days if days is not None else list(range(len(closes)))
    return pl.DataFrame(
        {
            "session": [SESSIONS[day] for day in days],
            "ticker": ticker,
            "open": closes,
            "high": closes,
            "low": closes,
            "close": closes,
            "volume": volumes or [1000] * len(closes),
            "base": bases,
            "adjusted": already if isinstance(already, list) else [already] * len(closes),
        },
        schema_overrides={"base": pl.Int64},
    )


def scales(frame: pl.DataFrame) -> list[float]:
    return with_scale(frame, SESSIONS)["scale"].to_list()


def test_an_ordinary_stock_is_not_scaled() -> None:
    assert scales(bars([100, 110, 105], [None, 100, 110])) == [1.0, 1.0, 1.0]


def test_a_five_for_one_split_divides_the_prices_before_it() -> None:
    frame = with_scale(bars([50_000, 51_000, 10_400], [None, 50_000, 10_200]), SESSIONS)
    assert frame["factor"].to_list() == [1.0, 1.0, 0.2]
    assert frame["scale"].to_list() == [0.2, 0.2, 1.0]
    now = adjusted(frame)
    assert now["close"].to_list() == [10_000.0, 10_200.0, 10_400.0]
    assert now["volume"].to_list() == [5_000.0, 5_000.0, 1_000.0]
    assert now["base"].to_list() == [None, 10_000.0, 10_200.0]


def test_a_reverse_split_multiplies_the_prices_before_it() -> None:
    # 009810 on 2026-02-10: 261 before, base 1,305
    assert scales(bars([270, 261, 1_350], [None, 270, 1_305])) == [5.0, 5.0, 1.0]


def test_a_rights_issue_shaves_the_prices_before_it() -> None:
    frame = with_scale(bars([10_000, 9_500], [None, 9_200]), SESSIONS)
    assert frame["scale"].to_list() == [0.92, 1.0]


def test_two_events_multiply() -> None:
    assert scales(bars([1_000, 500, 250], [None, 500, 250])) == [0.25, 0.5, 1.0]


def test_no_factor_is_taken_over_a_missing_session() -> None:
    assert scales(bars([1_000, 600], [None, 500], days=[0, 2])) == [1.0, 1.0]


def test_no_factor_is_taken_without_a_base() -> None:
    assert scales(bars([1_000, 500], [None, None])) == [1.0, 1.0]


def test_rows_adjusted_at_the_source_are_left_alone() -> None:
    assert scales(bars([1_000, 500], [None, 500], already=True)) == [1.0, 1.0]
    mixed = bars([1_000, 500, 400], [None, 500, 200], already=[True, False, False])
    assert scales(mixed) == [1.0, 0.4, 1.0]


def test_a_halted_stock_is_rebased_on_the_halted_session() -> None:
    frame = bars([3_585, 10_760, 11_000], [None, 10_760, 10_760], volumes=[500, 0, 700])
    assert scales(frame) == [pytest.approx(10_760 / 3_585), 1.0, 1.0]


def test_one_stock_does_not_scale_another() -> None:
    split = bars([1_000, 500], [None, 500], ticker="000020")
    plain = bars([700, 710], [None, 700], ticker="000030")
    before = bars([900, 910], [None, 900], ticker="000010")
    frame = with_scale(pl.concat([plain, split, before]), SESSIONS)
    assert frame["ticker"].unique(maintain_order=True).to_list() == ["000010", "000020", "000030"]
    assert frame["scale"].to_list() == [1.0, 1.0, 0.5, 1.0, 1.0, 1.0]


CLOSES = st.lists(st.integers(100, 100_000), min_size=2, max_size=40)


@given(CLOSES, st.data())
def test_adjusted_returns_are_the_exchanges_own(closes: list[int], data: st.DataObject) -> None:
    bases: list[int | None] = [None]
    for before in closes[:-1]:
        factor = data.draw(st.sampled_from([1, 1, 1, 5, 0.2, 0.5, 2]))
        bases.append(max(1, round(before * factor)))
    now = adjusted(with_scale(bars(closes, bases), SESSIONS))
    for i in range(1, len(closes)):
        base = bases[i]
        assert base
        assert now["close"][i] / now["close"][i - 1] == pytest.approx(closes[i] / base, rel=1e-9)
    assert now["scale"][-1] == 1.0


@given(CLOSES, st.integers(1, 39))
def test_cutting_the_end_only_changes_the_common_scale(closes: list[int], cut: int) -> None:
    bases: list[int | None] = [None, *closes[:-1]]
    if len(closes) > 2:
        bases[-1] = max(1, closes[-2] // 5)
    whole = with_scale(bars(closes, bases), SESSIONS).head(min(cut, len(closes)))
    short = with_scale(bars(closes, bases).head(min(cut, len(closes))), SESSIONS)
    ratio = whole["scale"] / short["scale"]
    assert ratio.to_list() == pytest.approx([ratio[0]] * len(ratio), rel=1e-12)


def test_real_corporate_actions_of_early_2026_are_found(real_data: Path) -> None:
    raw = pl.read_parquet(real_data / "daily_raw_2026.parquet").select(
        pl.col("date").alias("session"),
        pl.col("code").alias("ticker"),
        pl.col("close").cast(pl.Int64),
        "volume",
        (pl.col("close") - pl.col("chg")).cast(pl.Int64).alias("base"),
        pl.lit(False).alias("adjusted"),
    )
    found = with_scale(raw, SESSIONS).filter(pl.col("factor") != 1)
    factors = {(str(s), t): f for s, t, f in found.select("session", "ticker", "factor").rows()}
    assert factors["2026-02-10", "009810"] == 5.0
    assert factors["2026-02-20", "482630"] == 0.5
    # the first sessions after a hole would give an event for nearly every stock
    after_holes = found.filter(pl.col("session").is_in([date(2026, 3, 6)]))
    assert after_holes.height == 0
    assert found.height == 116
