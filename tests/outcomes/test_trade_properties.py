"""What was decided stays decided whatever comes after, and a split changes no return."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from made_up_signals import made_up_signals
from markets import random_market
from polars.testing import assert_frame_equal

from market.lookahead import LookAhead, demand_unchanged_past
from outcomes.follow import ENDS, KEY, follow, transitions
from outcomes.rules import TradeRules

RULES = TradeRules.from_mapping({"outcomes": {"vcp": {"wait": 8, "hold": 15}}})
LEVELS = TradeRules.from_mapping(
    {"outcomes": {"closing_bet": {"exit": "levels"}, "daytrading": {"watch_entry": "next_open"}}}
)
RETURNS = ["status", "reason", "gross_return", "open_return", "sessions_held"]


def decided(trades: pl.DataFrame, session: date) -> pl.DataFrame:
    """What was final by a session: purchases made, and trades ended, by then."""
    known = trades.filter(pl.col("session") <= session)
    filled, ended = pl.col("filled_session") <= session, pl.col("closed_session") <= session
    end = ["status", "reason", "closed_session", "closed_price", "gross_return", "sessions_held"]
    return known.select(
        *KEY,
        *[pl.when(filled).then(name).alias(name) for name in ("filled_session", "filled_price")],
        *[pl.when(ended).then(name).alias(name) for name in end],
    )


@pytest.mark.slow
@pytest.mark.parametrize("rules", [RULES, LEVELS], ids=["default", "levels"])
def test_at_every_cut_what_was_decided_is_what_the_whole_says(rules: TradeRules) -> None:
    market = random_market(3, stocks=6, sessions=120)
    sessions = market.schedule["session"].to_list()
    bars = market.data.bars
    signals = made_up_signals(bars, 2)
    whole = follow(signals, bars, sessions, rules)
    assert whole["status"].is_in(ENDS).sum() > 100
    for session in sessions[1:]:
        cut = follow(
            signals.filter(pl.col("session") <= session),
            bars.filter(pl.col("session") <= session),
            sessions,
            rules,
        )
        want = decided(whole, session).filter(pl.col("session") <= session)
        assert_frame_equal(decided(cut, session), want)


@pytest.mark.parametrize("rules", [RULES, LEVELS], ids=["default", "levels"])
def test_a_changed_future_changes_nothing_decided(rules: TradeRules) -> None:
    market = random_market(5, stocks=6, sessions=120)
    sessions = market.schedule["session"].to_list()
    signals = made_up_signals(market.data.bars, 2)

    def trades(data):
        return follow(signals, data.bars, sessions, rules)

    moments = dict(market.schedule.gather_every(11, 20).iter_rows())
    demand_unchanged_past(trades, market.data, moments, past=decided)


def test_a_simulator_that_knows_the_future_is_found_out() -> None:
    market = random_market(5, stocks=3, sessions=120)
    sessions = market.schedule["session"].to_list()

    def peeking(data):
        best = pl.col("high").shift(-3).over("ticker")
        bars = data.bars.sort("ticker", "session").with_columns(entry=pl.col("close"), best=best)
        signals = bars.filter(pl.col("best") > pl.col("close") * 1.03).select(
            "session", "ticker", "entry", scanner=pl.lit("closing_bet"),
            target=pl.col("entry") * 2, stop=pl.col("entry") // 2,
        )  # fmt: skip
        return follow(signals, data.bars, sessions, RULES)

    with pytest.raises(LookAhead):
        demand_unchanged_past(
            peeking, market.data, dict(market.schedule[40:41].iter_rows()), past=decided
        )


@pytest.mark.parametrize("times", [2, 5, 10])
@pytest.mark.parametrize("rules", [RULES, LEVELS], ids=["default", "levels"])
def test_a_split_on_any_day_changes_no_return(times: int, rules: TradeRules) -> None:
    market = random_market(8, stocks=4, sessions=120, splits=False, multiple=100)
    sessions = market.schedule["session"].to_list()
    plain = market.data.bars.sort("ticker", "session").with_columns(base=pl.lit(None, pl.Int64))
    plain = plain.with_columns(base=pl.col("close").shift(1).over("ticker"))
    signals = made_up_signals(plain, 3)
    whole = follow(signals, plain, sessions, rules)
    for ex in (25, 40, 60):
        split = _split_at(plain, sessions[ex], times)
        before = pl.when(pl.col("session") < sessions[ex]).then(times).otherwise(1)
        levels = signals.with_columns(
            pl.col(name) * before for name in ("entry", "target", "stop", "pivot")
        )
        got = follow(levels, split, sessions, rules)
        # Limits are cut to ticks, which a split changes: a bar locked at one may not be after it.
        same = whole["reason"].ne_missing("upper_limit") & got["reason"].ne_missing("upper_limit")
        assert same.mean() > 0.99
        assert_frame_equal(
            got.filter(same).select(RETURNS), whole.filter(same).select(RETURNS), rel_tol=1e-9
        )


def _split_at(bars: pl.DataFrame, ex: date, times: int) -> pl.DataFrame:
    """As if one share had become so many on that day: earlier prices were so many times higher."""
    before, day = pl.col("session") < ex, pl.col("session") == ex
    prices = [
        pl.when(before).then(pl.col(n) * times).otherwise(n).alias(n)
        for n in ("open", "high", "low", "close")
    ]
    base = pl.when(before & ~day).then(pl.col("base") * times).otherwise("base")
    return bars.with_columns(*prices, base=base)


@pytest.mark.slow
def test_transitions_of_every_evening_are_those_of_one_pass() -> None:
    market = random_market(11, stocks=5, sessions=120)
    sessions = market.schedule["session"].to_list()
    bars = market.data.bars
    signals = made_up_signals(bars, 3)
    nothing = follow(signals.head(0), bars, sessions, RULES)
    before, steps = nothing, []
    for session in sessions:
        after = follow(
            signals.filter(pl.col("session") <= session),
            bars.filter(pl.col("session") <= session),
            sessions,
            RULES,
        )
        steps.append(transitions(before, after))
        before = after
    once = transitions(nothing, before)
    key = [*KEY, "at", "status"]
    evenings = pl.concat(steps).sort(key)
    assert len(once) > 150
    assert_frame_equal(evenings.select(once.columns), once.sort(key))
