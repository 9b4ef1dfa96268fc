"""On the sample market the answer is known: what was planted is earned, luck earns the market."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from backtest.plan import plan_of
from backtest.prices import scaled_bars
from backtest.run import Ready, account, follow_all, prepared, scan_all
from market.asof import Slot
from market.calendar import TradingCalendar
from market.prices import tick_size
from outcomes.rules import TradeRules
from scanners import LOOKBACK
from scanners.rules import Rules
from sources.sample import SampleMarket, generate

pytestmark = pytest.mark.slow
LAST = date(2026, 5, 15)
SCORED, STOCKS = 90, 1_200
CALENDAR = TradingCalendar()
WIDE = {"max_exposure": 1.0, "max_positions": 50, "max_open": 200, "max_value20": 1.0}
# sources/sample/long_scripts.py: the close six sessions after a base is complete, against the
# close at its pivot (a logarithm), and how far above that close the pivot's high is; the breakout
# is bought a tick above the pivot in the session after the base is complete.
HELD, LEVEL, UP = 5, 0.075, 0.003


@pytest.fixture(scope="module")
def market() -> SampleMarket:
    return generate(last=LAST, sessions=LOOKBACK + SCORED, stocks=STOCKS, calendar=CALENDAR)


@pytest.fixture(scope="module")
def days(market: SampleMarket) -> list[date]:
    return market.data.bars["session"].unique().sort().to_list()


def test_planted_patterns_earn_what_was_planted(market, days):
    changes = {"outcomes.vcp.hold": HELD} | {f"limits.{k}": v for k, v in WIDE.items()}
    plan = plan_of(
        "vcp",
        days[LOOKBACK],
        LAST,
        rules=Rules(),
        trades=TradeRules(),
        capital=10**11,
        changes=changes | {"limits.max_volume": 1.0},
    )
    schedule = CALENDAR.schedule(days[0], LAST, Slot.CLOSE)
    result = account(follow_all(scan_all(market.data, schedule, plan), plan), plan.first, LAST)
    broke_out = market.planted.filter(pl.col("pattern") == "vcp_breakout")
    planted = result.trades.join(
        broke_out.select("ticker", bought_session="session"), on=["ticker", "bought_session"]
    ).filter(pl.col("sold_session").is_not_null())
    gross = planted["profit_pct"] + planted["costs"] * 100 / (
        planted["bought_price"] * planted["bought_shares"]
    )
    assert planted.height >= 12
    assert set(planted["reason"]) == {"time_limit"}
    ticks = [tick_size(price) / price for price in planted["bought_price"]]
    promised = 100 * (math.exp(LEVEL) / (1 + UP) - 1 - float(np.mean(ticks)))
    error = 4 * float(gross.std()) / math.sqrt(len(gross))  # type: ignore[arg-type]
    assert error < 0.5
    assert gross.mean() == pytest.approx(promised, abs=error)
    assert planted["profit_pct"].mean() < gross.mean()


def test_random_entries_earn_the_market_less_costs(market, days):
    rng = np.random.default_rng(7)
    sessions = days[LOOKBACK:]
    plan = plan_of(
        "closing_bet",
        sessions[0],
        LAST,
        rules=Rules(),
        trades=TradeRules(),
        capital=10**12,
        changes={"outcomes.closing_bet.exit": "next_close"}
        | {f"limits.{name}": value for name, value in WIDE.items()}
        | {"limits.size_b": 0.01, "limits.max_volume": 1.0, "limits.max_positions": 1_000}
        | {"limits.scale_red": 1.0, "limits.scale_yellow": 1.0, "limits.max_open": 2_000},
    )
    bars = scaled_bars(market.data, days)
    common = market.data.instruments.filter(pl.col("kind") == "common")["ticker"].unique()
    traded = bars.filter(
        pl.col("session").is_in(sessions[:-1]),
        pl.col("volume") > 0,
        pl.col("ticker").is_in(common.implode()),
    )
    chosen = traded.sample(5_000, seed=3)
    signals = chosen.select(
        "session",
        "ticker",
        scanner=pl.lit("closing_bet"),
        grade=pl.lit("B"),
        score=pl.Series(rng.random(len(chosen))),
        out_of=pl.lit(1.0),
        value20=pl.lit(1e13),
        entry="close",
        target=pl.lit(None, pl.Int64),
        stop=pl.lit(None, pl.Int64),
        parts=pl.lit("{}"),
        net_buying_session=pl.lit(None, pl.Date),
    )
    gate = pl.DataFrame({"session": sessions, "status": ["GREEN"] * len(sessions)})
    ready: Ready = follow_all(prepared(market.data, days, signals, gate, plan), plan)
    trades = account(ready, sessions[0], LAST).trades.filter(pl.col("sold_session").is_not_null())
    # The market on the same sessions: every traded common stock, bought at each of their closes.
    after = dict(pairwise(days))
    held = trades.filter(
        pl.col("sold_session") == pl.col("bought_session").replace_strict(after, default=None)
    )
    next_moves = traded.select("ticker", session="session").with_columns(
        next_one=pl.col("session").replace_strict(after, default=None)
    )
    everyone = next_moves.join(
        bars.select("ticker", "move", next_one="session"), on=["ticker", "next_one"]
    ).drop_nulls("move")
    by_session = everyone.group_by("session").agg(pl.col("move").mean())
    market_return = held.join(by_session, left_on="bought_session", right_on="session")["move"]
    spent = held["bought_price"] * held["bought_shares"]
    costs = held["costs"] / spent
    own = held["profit_pct"] / 100
    extra = own + costs - market_return
    assert held.height > 4_000
    assert costs.mean() > 0.002
    error = 4 * float(extra.std()) / math.sqrt(len(extra))  # type: ignore[arg-type]
    assert error < 0.003
    assert extra.mean() == pytest.approx(0, abs=error)
