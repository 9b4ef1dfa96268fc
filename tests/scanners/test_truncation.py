"""Nothing after a session, and nothing before its LOOKBACK, may change what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from frames import cut, same_results
from realdata import adjusted_market, schedule_of

from market.data import MarketData
from market.schemas import DailyBars, NetBuying
from scanners import LOOKBACK, MarketScan, Rules, scan

CUTS = (281, 309, 340, 366)
SPLITS = {300: 5, 312: 2, 345: 10}  # session at which every third of the stocks splits


@pytest.fixture(scope="module")
def data(real_data: Path) -> MarketData:
    """Every tenth stock and the often halted, as traded, some splitting, with net buying."""
    everything = adjusted_market(real_data).bars
    codes = everything["ticker"].unique().sort().gather_every(10)
    resting = everything.filter(pl.col("volume") == 0)["ticker"].value_counts()
    often = resting.filter(pl.col("count").is_between(28, 60))["ticker"]
    market = adjusted_market(real_data, tickers={*codes, *often})
    return _with_net_buying(_as_traded(market))


@pytest.fixture(scope="module")
def sessions(data: MarketData) -> pl.Series:
    return schedule_of(data)["session"]


@pytest.fixture(scope="module")
def whole(data: MarketData, sessions: pl.Series) -> MarketScan:
    return scan(data, schedule_of(data), sessions[LOOKBACK], Rules())


@pytest.mark.parametrize("at", CUTS)
def test_sessions_after_and_long_before_change_nothing(
    data: MarketData, sessions: pl.Series, whole: MarketScan, at: int
) -> None:
    piece = cut(data, sessions[at - LOOKBACK], sessions[at])
    alone = scan(piece, schedule_of(piece), sessions[at], Rules())
    assert len(alone.results["vcp"].scores) > 200
    same_results(alone, whole, [sessions[at]])


def test_the_gate_of_a_cut_panel_has_the_same_level(
    data: MarketData, sessions: pl.Series, whole: MarketScan
) -> None:
    assert whole.gate is not None
    for at in CUTS:
        piece = cut(data, sessions[at - LOOKBACK], sessions[at])
        gate = scan(piece, schedule_of(piece), sessions[at], Rules(), scanners=["market_gate"]).gate
        assert gate is not None
        expected = whole.gate.filter(pl.col("session") == sessions[at])
        assert gate["level"][0] == pytest.approx(expected["level"][0], rel=1e-9)
        assert gate["kospi_status"][0] == expected["kospi_status"][0]


def test_the_cut_sessions_hold_patterns_levels_and_signals(
    sessions: pl.Series, whole: MarketScan
) -> None:
    chosen = pl.col("session").is_in([sessions[at] for at in CUTS])
    scores = whole.results["vcp"].scores.filter(chosen)
    assert scores["pattern"].sum() > 20
    assert scores["entry"].count() > 20
    assert scores["smart_money"].count() == len(scores)
    for name in ("vcp", "daytrading", "closing_bet"):
        assert len(whole.results[name].signals.filter(chosen)) > 0, name


def test_batches_of_stocks_give_the_same_results(
    data: MarketData, sessions: pl.Series, whole: MarketScan
) -> None:
    batched = scan(
        data, schedule_of(data), sessions[LOOKBACK], Rules(), batch_rows=len(data.bars) // 4
    )
    same_results(batched, whole, sessions[LOOKBACK:].to_list())
    assert batched.gate is not None
    assert whole.gate is not None
    assert batched.gate.equals(whole.gate)


def _as_traded(market: MarketData) -> MarketData:
    """The same market before its adjustment: base prices, and splits put back in."""
    calendar = schedule_of(market).select("session").with_row_index("pos")
    bars = market.bars.join(calendar, on="session").sort("ticker", "pos")
    number = pl.col("ticker").rank("dense")
    ratio = pl.lit(1)
    for place, (pos, times) in enumerate(SPLITS.items()):
        mine = number % 3 == place
        ratio = ratio * pl.when(mine & (pl.col("pos") < pos)).then(times).otherwise(1)
    prices = [pl.col(name) * pl.col("ratio") for name in ("open", "high", "low", "close")]
    last = pl.col("close").shift(1).over("ticker")
    # The base is the close before, on this session's scale.
    bars = bars.with_columns(ratio=ratio, base=last * ratio).with_columns(
        *prices,
        volume=pl.col("volume") // pl.col("ratio"),
        adjusted=pl.lit(False),
    )
    return replace(market, bars=DailyBars.validate(bars.drop("pos", "ratio"), cast=True))


def _with_net_buying(market: MarketData) -> MarketData:
    """Made-up net buying, known that evening, and revised a week later."""
    part = pl.col("volume") * pl.col("close") * ((pl.col("close") * 7 + pl.col("low")) % 41 - 14)
    evening = pl.col("session").cast(pl.Datetime("us", "UTC")) + timedelta(hours=10)
    first = market.bars.select(
        "session",
        "ticker",
        known_at=evening,
        foreign_won=part // 200,
        institution_won=part // 500,
        individual_won=pl.lit(None, pl.Int64),
        foreign_shares=pl.lit(None, pl.Int64),
        institution_shares=pl.lit(None, pl.Int64),
        individual_shares=pl.lit(None, pl.Int64),
        provisional=pl.lit(False),
        source=pl.lit("made up"),
    )
    later = first.with_columns(
        pl.col("known_at") + timedelta(days=7), foreign_won=-pl.col("foreign_won")
    )
    net_buying = pl.concat([first, later]).sort("session", "ticker", "known_at")
    return replace(market, net_buying=NetBuying.validate(net_buying))
