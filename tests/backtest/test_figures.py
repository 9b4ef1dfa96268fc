"""The figures of an account, worked out by hand."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from backtest.figures import cagr, drawdown, figures, monthly, returns, sharpe, sortino, volatility
from backtest.grid import Window
from backtest.portfolio import TRADES
from backtest.sharpe import deflated, expected_best
from backtest.trials import summary

CURVE = np.array([100.0, 110.0, 99.0, 99.0, 118.8])
R = np.array([0.1, -0.1, 0.0, 0.2])


def test_returns_and_their_moments_are_as_defined():
    assert returns(CURVE) == pytest.approx(R)
    # mean 0.05; squares of deviations 0.0025 + 0.0225 + 0.0025 + 0.0225 = 0.05; / 3
    deviation = math.sqrt(0.05 / 3)
    assert volatility(R) == pytest.approx(deviation * math.sqrt(252))
    assert sharpe(R) == pytest.approx(0.05 / deviation * math.sqrt(252))
    # below zero: only -0.1, over all four
    assert sortino(R) == pytest.approx(0.05 / math.sqrt(0.01 / 4) * math.sqrt(252))


def test_the_deepest_fall_and_the_longest_time_under_water():
    assert drawdown(CURVE) == (pytest.approx(-0.1), 2)
    assert drawdown(np.array([1.0, 2.0, 3.0])) == (0.0, 0)


def test_growth_is_a_year_of_calendar_days():
    assert cagr(np.array([100.0, 121.0]), 730) == pytest.approx(1.21 ** (365.25 / 730) - 1)
    assert cagr(np.array([100.0, 121.0]), 0) is None


def test_what_cant_be_told_is_null_and_not_infinite():
    flat = np.zeros(5)
    assert sharpe(flat) is None
    assert sortino(np.array([0.01, 0.02])) is None
    assert volatility(np.array([0.01])) is None


def test_all_figures_of_a_small_account():
    equity = pl.DataFrame(
        {
            "session": [date(2025, 1, 3), date(2025, 1, 6), date(2025, 2, 3)],
            "equity": [1_100, 990, 1_200],
            "cash": [600, 990, 1_200],
            "holdings": [500, 0, 0],
            "positions": [1, 0, 0],
            "kospi": [1.1, 0.99, 1.05],
            "universe": [1.0, None, 1.2],
        }
    )
    rows = [_trade(1, 50, 10, 7, 200), _trade(2, 20, 10, 3, -100), _trade(3, 5, None, 1, 10)]
    trades = pl.DataFrame(rows, schema=TRADES, orient="row")
    f = figures(1_000, date(2025, 1, 2), equity, trades)
    assert f.total_return == pytest.approx(0.2)
    assert f.cagr is None  # 32 days
    assert f.max_drawdown == pytest.approx(-0.1)
    assert f.exposure == pytest.approx(500 / 1100 / 3)
    # bought 10 x (50 + 20 + 5) = 750, sold 10 x (50 + 20) = 700; mean equity 1096.67; 32 days
    assert f.turnover == pytest.approx(725 / (3290 / 3) * 365.25 / 32)
    assert (f.trades, f.open_trades) == (2, 1)
    assert f.hit_rate == 0.5
    assert f.profit_factor == pytest.approx(2.0)
    assert f.costs == 11
    assert f.profit == 110
    assert f.kospi_return == pytest.approx(0.05)
    assert f.kospi_max_drawdown == pytest.approx(-0.1)
    assert f.universe_return == pytest.approx(0.2)
    assert monthly(equity, 1_000) == [
        (2025, 1, pytest.approx(-0.01)),
        (2025, 2, pytest.approx(1200 / 990 - 1)),
    ]


def _trade(number, price, sold, costs, profit):
    day = date(2025, 1, 3)
    return (
        *(number, "000010", day, "A", 70.0, 100.0, "GREEN", day, price, 10),
        *((day, price, 10) if sold else (None, None, None)),
        *("target", costs, profit, profit / 10, 1),
    )


def test_the_best_of_useless_trials_is_expected_as_far_out_as_simulated():
    rng = np.random.default_rng(1)
    best = rng.normal(0, 0.05, (20_000, 100)).max(axis=1).mean()
    assert expected_best(100, 0.05**2) == pytest.approx(best, rel=0.02)
    assert expected_best(1, 0.05**2) == 0.0


def test_the_deflated_sharpe_ratio_of_luck_is_about_half_and_of_skill_about_one():
    rng = np.random.default_rng(2)
    useless = rng.normal(0, 0.01, (100, 1_000))
    sharpes = (useless.mean(axis=1) / useless.std(axis=1, ddof=1)).tolist()
    lucky = deflated(useless[int(np.argmax(sharpes))], sharpes, 500)
    assert lucky.trials == 100
    assert 0.2 < lucky.probability < 0.8
    skilled = deflated(rng.normal(0.003, 0.01, 1_000), sharpes, 500)
    assert skilled.probability > 0.99
    # The paper's formula, with skewness 0 and kurtosis 3 all but exactly.
    r = useless[0]
    own = deflated(r, sharpes, 500)
    s, s0 = own.sharpe, own.expected_best
    centred = r - r.mean()
    skew = (centred**3).mean() / (centred**2).mean() ** 1.5
    kurtosis = (centred**4).mean() / (centred**2).mean() ** 2
    z = (s - s0) * math.sqrt(999) / math.sqrt(1 - skew * s + (kurtosis - 1) / 4 * s * s)
    assert own.probability == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2))))
    assert deflated(useless[0], sharpes, 500, trials=10_000).expected_best > own.expected_best


def test_trials_that_are_all_alike_make_no_luck_a_skill():
    """A grid so narrow that its points hardly differ says nothing of how far luck reaches."""
    r = np.random.default_rng(3).normal(0.0005, 0.01, 1_000)
    own = float(r.mean() / r.std(ddof=1))
    alike = deflated(r, [own - 0.001, own, own + 0.001], 500, trials=100)
    assert alike.expected_best == pytest.approx(expected_best(100, 1 / 999))
    apart = deflated(r, [own - 0.2, own, own + 0.2], 500, trials=100)
    assert apart.expected_best > alike.expected_best
    assert apart.probability < alike.probability < 0.9


@pytest.mark.parametrize(
    ("sessions", "trades", "trials", "why"),
    [
        (500, 29, 10, "fewer than 30 trades"),
        (119, 30, 10, "fewer than 120 sessions"),
        (500, 30, 1, "it is the only trial"),
        (500, 30, 10, None),
    ],
)
def test_of_few_trades_or_sessions_no_probability_is_told(sessions, trades, trials, why):
    r = np.random.default_rng(4).normal(0, 0.01, sessions)
    found = deflated(r, [0.01, 0.02][:trials], trades, trials)
    assert found.why == why
    assert (found.probability is None) == (why is not None)


def test_a_return_a_year_needs_a_year():
    curve = np.array([100.0, 110.0])
    assert cagr(curve, 359) is None
    assert cagr(curve, 365) == pytest.approx(0.1, rel=0.01)


def test_what_walking_forward_made_a_year_begins_at_the_close_it_was_chosen_at():
    days = [date(2023, 12, 28), date(2024, 1, 2), date(2024, 12, 27)]
    window = Window(days[0], days[0], days[1], days[2])
    part = {"sharpe": 1.0, "trades": 40, "returns": [0.05, 0.05]}
    results = {1: {"whole": part, "windows": [{"train": part, "test": part}]}}
    forward = summary(results, [window], 1, [1.0]).forward
    assert forward is not None
    assert forward["cagr"] == pytest.approx(1.1025 ** (365.25 / 365) - 1, rel=1e-9)
