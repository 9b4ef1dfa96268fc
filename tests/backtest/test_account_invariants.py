"""What holds for every account, whatever is offered to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from eager_backtests import SCANNERS, eager_backtest, eager_plan
from hypothesis import given, settings
from hypothesis import strategies as st
from markets import random_market

from backtest.limits import Limits, limits_of
from backtest.portfolio import Candidate, simulate
from backtest.prices import Prices
from backtest.run import account, backtest, follow_all, scan_all
from market.lookahead import demand_unchanged_past
from market.schemas import DailyBars
from scanners.rules import Grades, Rules

SESSIONS, STOCKS = 25, 6


@st.composite
def offers(draw):
    """Prices with splits, candidates in order, limits and an amount of capital."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = np.maximum(rng.lognormal(8.5, 0.7, (SESSIONS, STOCKS)).astype(np.int64), 1)
    factors = {}
    for at, stock in zip(rng.integers(1, SESSIONS, 4), rng.integers(0, STOCKS, 4), strict=True):
        factor = float(rng.choice([0.2, 0.5, 0.93, 3.0, 10.0]))
        factors.setdefault(int(at), [])
        if all(code != stock for code, _, _ in factors[int(at)]):
            base = max(round(close[at - 1, stock] * factor), 1)
            factors[int(at)].append((int(stock), base / close[at - 1, stock], base))
    days = [date(2025, 1, 6) + timedelta(days=n) for n in range(SESSIONS)]
    prices = Prices(
        days,
        {d: n for n, d in enumerate(days)},
        {f"{n:05}0": n for n in range(STOCKS)},
        close,
        factors,
    )
    found = []
    for _ in range(draw(st.integers(0, 60))):
        code, filled = int(rng.integers(0, STOCKS)), int(rng.integers(0, SESSIONS))
        held = int(rng.integers(0, 6))
        closed = filled + held if filled + held < SESSIONS and rng.random() < 0.9 else None
        found.append(
            Candidate(
                code=code,
                ticker=f"{code:05}0",
                filled=filled,
                bought_at=int(close[filled, code]),
                volume=int(rng.choice([0, 50, 5_000, 10**8])),
                closed=closed,
                sold_at=None if closed is None else int(close[closed, code]),
                buy_rate=float(rng.choice([0, 0.0002, 0.01])),
                sell_rate=float(rng.choice([0, 0.003, 0.02])),
                reason="target",
                fraction=float(rng.choice([0, 0.03, 0.1, 0.5, 1.0])),
                value20=float(rng.choice([1e5, 1e8, 1e12])),
                row={"session": days[0], "grade": "B", "score": 1.0, "out_of": 2.0, "gate": None},
            )
        )
    found.sort(key=lambda one: one.filled)
    limits = Limits.model_validate(
        limits_of(Rules()).model_dump()
        | {
            "max_positions": int(rng.integers(0, 6)),
            "max_open": int(rng.integers(1, 7)),
            "max_exposure": float(rng.choice([0.2, 0.5, 1.0])),
            "max_volume": float(rng.choice([0.001, 0.02, 1.0])),
        }
    )
    return found, prices, limits, draw(st.integers(1, 10**9)), draw(st.booleans())


@settings(max_examples=150, deadline=None)
@given(offers())
def test_no_account_breaks_its_limits_or_loses_a_won(offered):
    found, prices, limits, capital, sell_first = offered
    done = simulate(found, prices, limits, capital, sell_first=sell_first)
    equity, trades = done.equity, done.trades
    assert (equity["cash"] >= 0).all()
    assert (equity["cash"] + equity["holdings"] == equity["equity"]).all()
    assert equity["positions"].max() <= limits.max_open
    # The capital and what every trade brought is the equity at the end, to the won.
    assert capital + trades["profit"].sum() == equity["equity"][-1]
    assert len(trades) + sum(done.not_bought.values()) == len(found)
    per_session = trades.group_by("bought_session").len()["len"].max() or 0
    assert per_session <= limits.max_positions
    before = {s: e for s, e in zip(equity["session"][1:], equity["equity"], strict=False)}
    by_key = {(one.ticker, prices.sessions[one.filled]): [] for one in found}
    for one in found:
        by_key[(one.ticker, prices.sessions[one.filled])].append(one)
    for row in trades.iter_rows(named=True):
        worth = before.get(row["bought_session"], capital)
        won = row["bought_price"] * row["bought_shares"]
        same = by_key[(row["ticker"], row["bought_session"])]
        assert row["bought_shares"] >= 1
        assert any(
            0 < row["bought_shares"] <= limits.max_volume * one.volume
            and won <= one.fraction * worth * (1 + 1e-9) + row["bought_price"] * 1e-5
            and won <= limits.max_value20 * one.value20 * (1 + 1e-9) + row["bought_price"] * 1e-5
            for one in same
        )
        assert won <= limits.max_exposure * worth * (1 + 1e-9) + row["bought_price"] * 1e-5


@pytest.mark.parametrize("scanner", SCANNERS)
def test_no_share_is_bought_in_a_halted_session_or_sold_in_one(scanner):
    market = random_market(5)
    trades = backtest(market.data, market.schedule, eager_plan(scanner, market)).trades
    moved = market.data.bars.filter(pl.col("volume") > 0).select("ticker", "session")
    assert len(trades)
    for day in ("bought_session", "sold_session"):
        some = trades.filter(pl.col(day).is_not_null())
        halted = some.join(
            moved, left_on=["ticker", day], right_on=["ticker", "session"], how="anti"
        )
        assert halted.is_empty()


@pytest.mark.parametrize("scanner", SCANNERS)
def test_changing_the_future_leaves_the_past_of_the_curve_as_it_was(scanner):
    market = random_market(9)
    plan = eager_plan(scanner, market)
    moments = dict(market.schedule.select("session", "as_of").rows())
    days = list(moments)
    chosen = {day: moments[day] for day in (days[-150], days[-60], days[-2])}
    demand_unchanged_past(
        lambda data: backtest(data, market.schedule, plan).equity, market.data, chosen
    )


@pytest.mark.parametrize("scanner", SCANNERS)
def test_nobody_knows_that_a_stock_will_vanish(scanner):
    market = random_market(9)
    plan = eager_plan(scanner, market)
    whole = backtest(market.data, market.schedule, plan)
    held = whole.trades.filter(pl.col("sold_session").is_not_null())
    ticker, last = (
        held.sort("bought_session").select("ticker", "bought_session").row(len(held) // 2)
    )
    later = (pl.col("ticker") == ticker) & (pl.col("session") > last)
    data = replace(market.data, bars=DailyBars.cast(market.data.bars.filter(~later)))
    cut = backtest(data, market.schedule, plan)
    before = pl.col("session") <= last
    assert cut.equity.filter(before).equals(whole.equity.filter(before))
    bought = cut.trades.filter(pl.col("ticker") == ticker, pl.col("bought_session") == last)
    assert bought["sold_session"].null_count() == 0
    in_time = scanner == "daytrading"  # sold in the session it was bought in
    assert (bought["reason"] == "delisted").to_list() == [not in_time]


@pytest.mark.slow
@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("seed", range(40, 48))
def test_the_past_stays_on_many_markets_and_cuts(scanner, seed):
    market = random_market(seed)
    plan = eager_plan(scanner, market)
    moments = dict(market.schedule.select("session", "as_of").rows())
    chosen = {day: moments[day] for day in list(moments)[-180::23]}
    demand_unchanged_past(
        lambda data: backtest(data, market.schedule, plan).equity, market.data, chosen
    )


def test_a_closing_bet_takes_what_the_scanner_says_it_may():
    market = random_market(3)
    plan = eager_plan("closing_bet", market)
    scanned = scan_all(market.data, market.schedule, plan)
    filled = follow_all(scanned, plan).filled
    told = scanned.signals.select("session", "ticker", "position_size")
    both = filled.join(told, on=["session", "ticker"]).filter(pl.col("position_size") > 0)
    own = [plan.limits.size(grade, gate) for grade, gate in both.select("grade", "gate").rows()]
    assert own == pytest.approx(both["position_size"].to_list())
    assert len(own) > 100


def test_an_account_of_part_of_the_range_knows_nothing_of_the_rest():
    market = random_market(4)
    plan = eager_plan("closing_bet", market)
    ready = follow_all(scan_all(market.data, market.schedule, plan), plan)
    days = market.schedule["session"].to_list()
    part = account(ready, days[-100], days[-50])
    assert part.equity["session"].to_list() == days[-100:-49]
    assert part.trades["signal_session"].min() >= days[-100]
    assert part.trades.filter(pl.col("sold_session") > days[-50]).is_empty()
    alone = eager_backtest("closing_bet", 4)
    assert account(ready, plan.first, plan.last).equity.equals(alone.equity)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_without_a_signal_the_capital_stays_as_it_is(scanner):
    market = random_market(1)
    plan = eager_plan(scanner, market)
    none = {"S": 100.0, "A": 99.9, "B": 99.8}
    rules = getattr(plan.rules, scanner).model_copy(
        update={"grades": Grades(**none), "min_grade": "S"}
    )
    plan = replace(plan, rules=plan.rules.model_copy(update={scanner: rules}))
    result = backtest(market.data, market.schedule, plan)
    assert result.facts["signals"] == 0
    assert result.trades.is_empty()
    assert set(result.equity["equity"]) == {plan.capital}
    assert result.figures.sharpe is None
    assert result.figures.profit_factor is None
