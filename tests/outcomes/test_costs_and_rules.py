"""Costs of each year, the random stock, survivorship, and rules named when they are wrong."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from paths import weekdays
from realdata import adjusted_market, raw_market
from trade_stories import TOLD, bars_of, sessions_of

from errors import SettingsError
from outcomes.costs import kept_expr, round_trip, sell_tax_expr
from outcomes.random_stock import random_gross, random_stock
from outcomes.rules import CostRules, TradeRules
from outcomes.survivorship import Survivorship, survivorship


@pytest.mark.parametrize(
    ("session", "market", "tax"),
    [
        (date(2018, 1, 2), "KOSDAQ", 0.0030),
        (date(2019, 5, 29), "KOSPI", 0.0030),
        (date(2019, 5, 30), "KOSPI", 0.0025),
        (date(2021, 3, 2), "KOSPI", 0.0023),
        (date(2023, 6, 1), "KOSDAQ", 0.0020),
        (date(2024, 12, 26), "KOSPI", 0.0018),
        (date(2024, 12, 27), "KOSPI", 0.0015),  # settled in 2025
        (date(2026, 1, 5), "KOSDAQ", 0.0020),
        (date(2026, 1, 5), "KONEX", 0.0010),
        (date(2026, 1, 5), None, 0.0020),
    ],
)
def test_the_tax_of_the_sales_session(session: date, market: str | None, tax: float) -> None:
    told = pl.DataFrame({"s": [session], "m": [market]}, schema={"s": pl.Date, "m": pl.String})
    assert told.select(sell_tax_expr(pl.col("s"), pl.col("m"), CostRules())).item() == tax


@pytest.mark.parametrize(
    ("session", "cost"),
    [
        (date(2018, 1, 2), 0.003372792),
        (date(2025, 6, 2), 0.001872792),
        (date(2026, 2, 20), 0.002372792),  # both sides' 0.015 % and 0.0036396 %, tax 0.2 %
        (date(1990, 1, 4), None),
    ],
)
def test_a_round_trip_costs_what_its_sessions_tax_makes_it(session: date, cost: float | None):
    assert round_trip(session, CostRules()) == (cost and pytest.approx(cost))


def test_a_round_trip_costs_what_the_settings_say() -> None:
    rules = CostRules.model_validate(
        {
            "commission": 0.001,
            "exchange_fee": 0,
            "sell_tax": [{"since": "2020-01-01", "kospi": 0.001, "kosdaq": 0.002}],
        }
    )
    assert round_trip(date(2026, 2, 20), rules) == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("day", "tick", "tax"), [(date(2026, 2, 2), 10, 0.002), (date(2022, 6, 2), 50, 0.0023)]
)
def test_a_flat_trade_loses_the_costs_of_its_session(day: date, tick: int, tax: float) -> None:
    rules = CostRules.model_validate({"commission": 0.001, "exchange_fee": 0, "slippage_ticks": 2})
    trade = pl.DataFrame(
        {"filled_price": 10000.0, "closed_price": 10000.0, "filled_session": day,
         "closed_session": day}
    )  # fmt: skip
    kept = trade.select(kept_expr(rules)).item()
    slippage = 2 * tick / 10_000
    assert kept == pytest.approx((1 - 0.001 - slippage - tax) / (1 + 0.001 + slippage))


def test_a_user_changes_rules_in_the_table_outcomes() -> None:
    rules = TradeRules.from_mapping(
        {"vcp": {"full": 1}, "outcomes": {"vcp": {"hold": 40}, "costs": {"slippage_ticks": 0}}}
    )
    assert (rules.vcp.hold, rules.vcp.wait, rules.costs.slippage_ticks) == (40, 10, 0)
    assert rules.hash != TradeRules().hash
    assert TradeRules.from_mapping({}).hash == TradeRules().hash


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"vcp": {"hold": 0}}, "rules.outcomes.vcp.hold: "),
        ({"closing_bet": {"exit": "never"}}, "rules.outcomes.closing_bet.exit: "),
        ({"no_such": 1}, "rules.outcomes.no_such: "),
        ({"costs": {"sell_tax": []}}, "rules.outcomes.costs.sell_tax: "),
        (
            {"costs": {"sell_tax": [
                {"since": "2024-01-02", "kospi": 0.002, "kosdaq": 0.002},
                {"since": "2023-01-02", "kospi": 0.002, "kosdaq": 0.002}]}},
            "rules.outcomes.costs: ",
        ),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError) as raised:
        TradeRules.from_mapping({"outcomes": wrong})
    assert named in raised.value.detail


def test_a_random_stock_is_the_mean_of_the_liquid_ones() -> None:
    days = sessions_of(25)
    flat, rising = ["10000 10000 10000 10000"] * 25, []
    close = 10000
    for _ in days:
        opened = close + 100  # up at the opening, and again by the close
        rising.append(f"{opened} {opened + 200} {opened} {opened + 200}")
        close = opened + 200
    bars = pl.concat(
        [bars_of(told).filter(ticker=TOLD).with_columns(ticker=pl.lit(name))
         for name, told in (("000010", flat), ("000030", rising))]
    )  # fmt: skip
    common = pl.DataFrame({"ticker": ["000010", "000030"], "kind": "common", "market": "KOSPI"})
    worth = random_stock(bars, common, days, min_value=0)
    assert worth["session"].to_list() == days[20:]  # twenty rows before tell who was liquid
    assert worth["stocks"].to_list() == [2] * 5
    before = 10000 + 300 * 20
    overnight = (1 + (before + 100) / before) / 2
    intraday = (1 + (before + 300) / (before + 100)) / 2
    assert worth["at_open"][0] == pytest.approx(overnight)
    assert worth["at_close"][0] == pytest.approx(overnight * intraday)
    trades = pl.DataFrame(
        {"scanner": ["closing_bet", "vcp", "vcp"], "reason": ["next_open", "target", None],
         "filled_session": [days[20], days[20], days[20]],
         "closed_session": [days[21], days[21], None], "closed_price": [1.0, 1.0, None]}
    )  # fmt: skip
    found = random_gross(trades, worth)
    assert found[0] == pytest.approx(worth["at_open"][1] / worth["at_close"][0] - 1)
    assert found[1] == pytest.approx(worth["at_close"][1] / worth["at_open"][0] - 1)
    assert found[2] is None


def test_stocks_too_thin_are_nobodys_random_pick() -> None:
    bars = bars_of(["10000 10000 10000 10000"] * 25)
    common = pl.DataFrame({"ticker": [TOLD], "kind": "common", "market": "KOSPI"})
    assert random_stock(bars, common, sessions_of(25), min_value=10_000_001).is_empty()
    assert random_stock(bars, common, sessions_of(25), min_value=10_000_000).height == 5


def judged(bars: pl.DataFrame, instruments: pl.DataFrame) -> Any:
    last_seen = bars.group_by("ticker").agg(pl.col("session").max())
    return survivorship(last_seen, bars["session"].unique().sort().to_list(), instruments)


def test_a_set_of_survivors_is_called_one(real_data: Path) -> None:
    data = adjusted_market(real_data)
    found = judged(data.bars, data.instruments)
    assert (found.left, found.held) == (0, False)
    assert found.sentence.startswith("SURVIVORSHIP BIAS, 2023-12-05 to 2025-06-17: 0 of ")


def test_two_months_as_published_hold_those_that_left(real_data: Path) -> None:
    data = raw_market(real_data)
    found = judged(data.bars, data.instruments)
    assert found.left >= 1
    assert found.held is True


def test_a_known_delisting_without_bars_is_missed(real_data: Path) -> None:
    data = raw_market(real_data)
    gone = data.instruments.head(1).with_columns(
        ticker=pl.lit("99999Z"), delisted=pl.lit(date(2026, 2, 2)), kind=pl.lit("common")
    )
    missed = pl.concat([gone.with_columns(ticker=pl.lit(f"9999{n:02}")) for n in range(40)])
    columns = ["ticker", "kind", "market", "delisted"]
    instruments = pl.concat(
        [data.instruments.select(columns).cast({"kind": pl.String, "market": pl.String}),
         missed.select(columns).cast({"kind": pl.String, "market": pl.String})]
    )  # fmt: skip
    found = judged(data.bars, instruments)
    assert (found.missing, found.held) == (40, False)


def test_fewer_than_leave_the_real_market_are_only_a_part_and_the_missing_are_named() -> None:
    days = weekdays(500)
    stocks = [f"{n:05}0" for n in range(2_000)]
    instruments = pl.DataFrame({"ticker": stocks, "kind": "common", "market": "KOSPI"})
    instruments = instruments.with_columns(
        delisted=pl.when(pl.col("ticker") == stocks[-1]).then(days[300]).otherwise(None)
    )

    def found(left: int) -> Survivorship:
        gone = pl.col("ticker").is_in(stocks[:left])
        session = pl.when(gone).then(pl.lit(days[100])).otherwise(pl.lit(days[-1]))
        last_seen = pl.DataFrame({"ticker": stocks[:-1]}).with_columns(session=session)
        return survivorship(last_seen, days, instruments)

    # 2 % a year of 2,000 in two years: about 80.
    assert [found(left).verdict for left in (0, 5, 30, 79)] == ["absent", *["partly"] * 3]
    assert [found(left).held for left in (0, 5, 30, 79)] == [False, False, True, True]
    for left in (0, 5, 30, 79):
        assert "and 1 known to have left are missing" in found(left).sentence
    assert "only 30 of 1999" in found(30).sentence
    assert "only" not in found(79).sentence


def test_a_week_can_not_tell(real_data: Path) -> None:
    data = raw_market(real_data)
    first = data.bars["session"].min()
    assert isinstance(first, date)
    week = data.bars.filter(pl.col("session") <= first + timedelta(days=7))
    assert judged(week, data.instruments).held is None
