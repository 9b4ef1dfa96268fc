"""Ticks, limits and rounding: by the exchange's table, and number against column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import prices

PRICES = st.floats(0.5, 3_000_000, allow_nan=False)
BASES = st.integers(1, 3_000_000)
PAIRS: list[tuple[Callable[..., int], Callable[..., pl.Expr]]] = [
    (prices.tick_size, prices.tick_size_expr),
    (prices.round_up, prices.round_up_expr),
    (prices.round_down, prices.round_down_expr),
    (prices.round_nearest, prices.round_nearest_expr),
]


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (1, 1),
        (1_999, 1),
        (2_000, 5),
        (4_995, 5),
        (5_000, 10),
        (19_990, 10),
        (20_000, 50),
        (49_950, 50),
        (50_000, 100),
        (199_900, 100),
        (200_000, 500),
        (499_500, 500),
        (500_000, 1_000),
        (2_000_000, 1_000),
    ],
)
def test_the_tick_of_a_price(price: int, tick: int) -> None:
    assert prices.tick_size(price) == tick


@pytest.mark.parametrize(
    ("price", "kospi", "kosdaq"),
    [
        (999, 1, 1),
        (1_000, 5, 5),
        (5_000, 10, 10),
        (10_000, 50, 50),
        (49_950, 50, 50),
        (50_000, 100, 100),
        (100_000, 500, 100),
        (500_000, 1_000, 100),
    ],
)
def test_ticks_were_coarser_before_2023_01_25(price: int, kospi: int, kosdaq: int) -> None:
    before = date(2023, 1, 24)
    assert prices.tick_size(price, before) == kospi
    assert prices.tick_size(price, before, "KOSPI") == kospi
    assert prices.tick_size(price, before, "KOSDAQ") == kosdaq
    since = date(2023, 1, 25)
    assert prices.tick_size(price, since, "KOSDAQ") == prices.tick_size(price)


def test_limits_were_half_as_wide_before_2015_06_15() -> None:
    before, since = date(2015, 6, 12), date(2015, 6, 15)
    assert (prices.lower_limit(10_000, before), prices.upper_limit(10_000, before)) == (
        8_500,
        11_500,
    )
    assert (prices.lower_limit(10_000, since), prices.upper_limit(10_000, since)) == (
        7_000,
        13_000,
    )


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            BASES,
            st.dates(date(2010, 1, 4), date(2026, 5, 15)),
            st.sampled_from(["KOSPI", "KOSDAQ", None]),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_of_any_session_a_column_is_treated_like_each_number(
    rows: list[tuple[int, date, str | None]],
) -> None:
    schema = {"base": pl.Int64, "session": pl.Date, "market": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    columns = (pl.col("base"), pl.col("session"), pl.col("market"))
    for scalar, column in (
        *PAIRS,
        (prices.upper_limit, prices.upper_limit_expr),
        (prices.lower_limit, prices.lower_limit_expr),
    ):
        assert frame.select(column(*columns)).to_series().to_list() == [scalar(*r) for r in rows]


@pytest.mark.parametrize(
    ("price", "up", "down", "nearest"),
    [
        (10_003, 10_010, 10_000, 10_000),
        (10_005, 10_010, 10_000, 10_010),
        (1_999.5, 2_000, 1_999, 2_000),
        (4_997.6, 5_000, 4_995, 5_000),
        (19_999, 20_000, 19_990, 20_000),
        (123_450, 123_500, 123_400, 123_500),
        (10_000, 10_000, 10_000, 10_000),
        (10_000.000001, 10_000, 10_000, 10_000),
        (9_999.999999, 10_000, 10_000, 10_000),
        (1_999.9999999, 2_000, 2_000, 2_000),
    ],
)
def test_rounding_to_a_tick(price: float, up: int, down: int, nearest: int) -> None:
    assert prices.round_up(price) == up
    assert prices.round_down(price) == down
    assert prices.round_nearest(price) == nearest


@pytest.mark.parametrize(
    ("base", "lower", "upper"),
    [
        (10_000, 7_000, 13_000),
        (9_990, 7_000, 12_980),  # the width 2,997 is cut to 2,990
        (1_535, 1_075, 1_995),
        (1_990, 1_393, 2_585),  # 2,587 is no price above 2,000
        (86, 61, 111),
        (1, 1, 1),
        (261, 183, 339),
        (700_000, 490_000, 910_000),
    ],
)
def test_the_limits_of_a_base_price(base: int, lower: int, upper: int) -> None:
    assert (prices.lower_limit(base), prices.upper_limit(base)) == (lower, upper)


@pytest.mark.parametrize(("scalar", "column"), PAIRS)
@given(values=st.lists(PRICES, min_size=1, max_size=50))
def test_a_column_is_treated_like_each_of_its_numbers(
    scalar: Callable[[float], int], column: Callable[[pl.Expr], pl.Expr], values: list[float]
) -> None:
    result = pl.DataFrame({"p": values}).select(column(pl.col("p")).alias("r"))["r"]
    assert result.dtype == pl.Int64
    assert result.to_list() == [scalar(value) for value in values]


@given(st.lists(BASES, min_size=1, max_size=50))
def test_limits_of_a_column_are_those_of_each_number(bases: list[int]) -> None:
    frame = pl.DataFrame({"base": bases}).select(
        lower=prices.lower_limit_expr(pl.col("base")),
        upper=prices.upper_limit_expr(pl.col("base")),
    )
    assert frame["lower"].to_list() == [prices.lower_limit(base) for base in bases]
    assert frame["upper"].to_list() == [prices.upper_limit(base) for base in bases]


@given(BASES)
def test_limits_lie_within_thirty_percent_and_on_ticks(base: int) -> None:
    lower, upper = prices.lower_limit(base), prices.upper_limit(base)
    assert base * 0.7 - 1e-6 <= lower <= base <= prices.round_up(base)
    assert upper <= base * 1.3 + 1e-6
    assert lower % prices.tick_size(lower) == 0
    assert upper % prices.tick_size(upper) == 0


@given(PRICES)
def test_rounding_moves_less_than_a_tick_and_the_right_way(price: float) -> None:
    up, down = prices.round_up(price), prices.round_down(price)
    slack = price * 2e-9
    assert price - slack <= up < price + prices.tick_size(price) + slack
    assert price - prices.tick_size(price) - slack < down <= price + slack
    assert prices.round_up(up) == up
    assert prices.round_down(max(down, 1)) == max(down, 1)
    assert prices.round_nearest(price) in (up, down)


def test_null_stays_null() -> None:
    nothing = pl.DataFrame({"p": [None]}, schema={"p": pl.Int64})
    for _, column in PAIRS:
        assert nothing.select(column(pl.col("p"))).item() is None
    assert nothing.select(prices.upper_limit_expr(pl.col("p"))).item() is None
    assert nothing.select(prices.lower_limit_expr(pl.col("p"))).item() is None


def test_no_stock_of_2026_traded_above_its_upper_limit(real_data: Path) -> None:
    bars = pl.read_parquet(real_data / "daily_raw_2026.parquet").filter(
        (pl.col("market") != "KONEX") & (pl.col("volume") > 0)
    )
    base = (pl.col("close") - pl.col("chg")).cast(pl.Int64)
    marked = bars.with_columns(base=base).with_columns(
        upper=prices.upper_limit_expr(pl.col("base")), lower=prices.lower_limit_expr(pl.col("base"))
    )
    # first sessions (up to 400 %) and liquidation trading (no limit) go further
    above = marked.filter(pl.col("high") > pl.col("upper"), pl.col("high") <= 1.31 * pl.col("base"))
    assert above.height == 0
    assert marked.filter(pl.col("high") == pl.col("upper")).height == 785
    assert marked.filter(pl.col("low") == pl.col("lower")).height >= 26
