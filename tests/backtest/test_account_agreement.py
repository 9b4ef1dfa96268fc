"""The account agrees trade by trade with a slow plain one, on random and on real markets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import polars.selectors as cs
import pytest
from eager_backtests import SCANNERS, eager_plan
from markets import random_market
from paths import Market as Days
from realdata import adjusted_market, raw_market, schedule_of
from reference.account import Market, plain_account

from backtest.plan import Plan, plan_of
from backtest.run import account, backtest, follow_all, scan_all
from market.data import MarketData
from market.schemas import DailyBars
from outcomes.rows import markets_of
from outcomes.rules import TradeRules
from scanners.rules import Rules

SOLD = ["ticker", "bought_session", "bought_price", "bought_shares", "sold_session"]
COLUMNS = [*SOLD, "sold_price", "sold_shares", "profit"]


def agree(data: MarketData, schedule: pl.DataFrame, plan: Plan) -> int:
    """Assert that both accounts made the same trades and equity; gives how many trades."""
    scanned = scan_all(data, schedule, plan)
    own = account(follow_all(scanned, plan), plan.first, plan.last)
    signals = scanned.signals.with_columns(
        grade=pl.col("grade").cast(pl.String),
        pivot=pl.coalesce(
            pl.col("parts").str.json_path_match("$.pivot.price").cast(pl.Float64, strict=False),
            "entry",
        ),
    )
    needed = data.bars.filter(pl.col("ticker").is_in(signals["ticker"].unique().implode()))
    stored = set(data.bars["session"].unique())
    names = dict(markets_of(data.instruments).iter_rows())
    market = Market(needed.to_dicts(), schedule["session"].to_list(), stored, names)
    gates = dict(scanned.gate.select("session", "status").iter_rows())
    plain = plain_account(signals.to_dicts(), gates, market, plan)
    trades = own.trades.sort("bought_session", "ticker").select(COLUMNS).rows()
    assert trades == plain.trades
    assert dict(own.equity.select("session", "equity").iter_rows()) == plain.equity
    return len(trades)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_the_account_agrees_with_the_plain_one_on_random_markets(scanner):
    market = random_market(11, splits=True)
    assert agree(market.data, market.schedule, eager_plan(scanner, market)) > 5


@pytest.mark.parametrize("scanner", SCANNERS)
def test_they_agree_where_older_ticks_and_limits_hold(scanner):
    market = long_ago(random_market(11, multiple=100))
    assert agree(market.data, market.schedule, eager_plan(scanner, market)) > 5


@pytest.mark.parametrize("scanner", SCANNERS)
def test_they_agree_about_stocks_that_leave_while_they_are_held(scanner):
    market = random_market(11, splits=True)
    plan = eager_plan(scanner, market)
    before = backtest(market.data, market.schedule, plan).trades
    days = market.schedule["session"].to_list()
    at, bars = pl.col("session"), market.data.bars
    bought = before.sort("bought_session").unique("ticker", keep="first", maintain_order=True)
    rows = bought.select("ticker", "bought_session").rows()
    for number, (ticker, session) in enumerate(rows[:-2]):
        out = at > session
        if number % 2:  # these come back after a while
            out &= at <= days[min(days.index(session) + 20, len(days) - 1)]
        bars = bars.filter(~((pl.col("ticker") == ticker) & out))
    data = replace(market.data, bars=DailyBars.cast(bars))
    agree(data, market.schedule, plan)
    gone = backtest(data, market.schedule, plan).trades.filter(pl.col("reason") == "delisted")
    if scanner == "daytrading":  # over in the session they are bought in
        assert gone.is_empty()
        return
    assert len(gone) > 1
    after = [days.index(one) + plan.trades.gone_after + 1 for one in gone["bought_session"]]
    assert gone["sold_session"].to_list() == [days[number] for number in after]


@pytest.mark.slow
@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("seed", range(20, 32))
def test_they_agree_on_many_random_markets_and_narrow_limits(scanner, seed):
    market = random_market(seed, splits=seed % 2 == 0, multiple=100 if seed % 3 == 0 else 1)
    narrow = {"max_positions": 2, "max_exposure": 0.25, "max_open": 3, "max_volume": 0.0001}
    for limits in ({}, narrow):
        agree(market.data, market.schedule, eager_plan(scanner, market, 30_000_000, **limits))


@pytest.mark.slow
@pytest.mark.parametrize("scanner", SCANNERS)
def test_they_agree_on_real_data_adjusted_at_the_source(real_data, scanner):
    data = adjusted_market(real_data)
    assert agree(data, schedule_of(data), plan(scanner, date(2025, 1, 2), date(2025, 6, 16))) > 40


@pytest.mark.slow
def test_they_agree_on_real_data_as_traded_with_splits_and_rights(real_data):
    data = raw_market(real_data, last=date(2026, 2, 20))
    loose = {
        "closing_bet.min_out_of": 4,
        "closing_bet.grades.S": 6,
        "closing_bet.grades.A": 5,
        "closing_bet.grades.B": 3,
        "limits.max_positions": 20,
        "limits.max_exposure": 1.0,
        "universe.new_listing_sessions": 0,
        "universe.min_rows": 60,
    }
    early = data.bars["session"].min()
    assert isinstance(early, date)
    own = plan("closing_bet", early, date(2026, 2, 20), loose)
    # 44 sessions are fewer than the universe asks for: scanned all the same, for the trades' sake.
    own = replace(own, rules=own.rules.model_copy(update={"universe": _short(own.rules)}))
    assert agree(data, schedule_of(data), own) > 20


def long_ago(market: Days) -> Days:
    """The same market eleven years and some days earlier, half of it KOSDAQ."""
    data, back = market.data, "-4016d"
    moved = {
        name: getattr(data, name).with_columns((cs.date() | cs.datetime()).dt.offset_by(back))
        for name in ("bars", "instruments", "flags", "net_buying", "index_bars")
    }
    schedule = market.schedule.with_columns((cs.date() | cs.datetime()).dt.offset_by(back))
    return replace(market, data=replace(data, **moved), schedule=schedule)


def _short(rules: Rules):
    return rules.universe.model_copy(update={"min_rows": 1})


def plan(scanner: str, first: date, last: date, changes: dict[str, object] | None = None) -> Plan:
    own = {"outcomes.daytrading.watch_entry": "next_open"} if scanner == "daytrading" else {}
    return plan_of(
        scanner, first, last, rules=Rules(), trades=TradeRules(), changes=own | (changes or {})
    )
