"""All signals in one pass agree, trade by trade, with one signal and one session at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from made_up_signals import made_up_signals
from polars.testing import assert_frame_equal
from realdata import adjusted_market, raw_market, schedule_of
from reference import trades

from market.data import MarketData
from outcomes.follow import SCHEMA, follow
from outcomes.rules import TradeRules

EVERYWHERE = {
    "not_filled", "opened_beyond", "stop", "target", "stop_and_target", "opened_beyond_stop",
    "opened_beyond_target", "time_limit", "next_open", "next_0930", "next_close",
    "session_close", "no_levels", "watch_over",
}  # fmt: skip
EXITS = ("next_open", "next_0930", "next_close", "levels")


def _years(real_data: Path) -> MarketData:
    """370 sessions of every eighth stock and of those that halted most."""
    bars = adjusted_market(real_data).bars
    codes = bars["ticker"].unique().sort().gather_every(8)
    resting = bars.filter(pl.col("volume") == 0)["ticker"].value_counts(sort=True)
    return adjusted_market(real_data, tickers={*codes, *resting["ticker"].head(40)})


def _as_traded(real_data: Path) -> MarketData:
    """Early 2026 with base prices, limits, splits, delistings and eight sessions missing."""
    bars = raw_market(real_data).bars.sort("ticker", "session")
    jumps = (pl.col("base") != pl.col("close").shift(1).over("ticker")) & (
        pl.col("session") < date(2026, 2, 21)
    )
    eventful = bars.filter(jumps)["ticker"].unique()
    often = bars["ticker"].value_counts().filter(pl.col("count") < 44)["ticker"]
    some = bars["ticker"].unique().sort().gather_every(10)
    return raw_market(real_data, tickers={*eventful, *often, *some})


@pytest.mark.parametrize(
    ("market", "every", "also"),
    [
        pytest.param(_years, 19, set(), marks=pytest.mark.slow),
        (_as_traded, 2, {"halted", "upper_limit", "delisted"}),
    ],
)
def test_trades_agree_one_by_one(
    real_data: Path, market: Callable[[Path], MarketData], every: int, also: set[str]
) -> None:
    data = market(real_data)
    bars = data.bars.with_columns(
        price_0930=pl.when(pl.col("close") % 3 > 0).then((pl.col("open") + pl.col("close")) // 2)
    )
    assert bars["ticker"].n_unique() >= 300
    signals = made_up_signals(bars, every)
    sessions = schedule_of(data)["session"].to_list()
    stored = bars["session"].unique().sort().to_list()
    stocks = {
        ticker: {row["session"]: row for row in frame.iter_rows(named=True)}
        for (ticker,), frame in bars.group_by("ticker")
    }
    seen: set[str] = set()
    for number, exit_rule in enumerate(EXITS):
        rules = TradeRules.from_mapping(
            {
                "outcomes": {
                    "closing_bet": {"exit": exit_rule},
                    "daytrading": {"watch_entry": "next_open" if number % 2 else "never"},
                    "vcp": {"wait": 10 - 3 * number, "hold": 60 // (number + 1)},
                }
            }
        )
        part = signals.gather_every(len(EXITS), number)
        got = follow(part, bars, sessions, rules)
        rows = [
            trades.follow(signal, stocks[signal["ticker"]], sessions, stored, rules)
            for signal in part.iter_rows(named=True)
        ]
        want = pl.DataFrame(rows, schema={n: t for n, t in SCHEMA.items() if n not in part.columns})
        assert_frame_equal(got.select(want.columns), want, rel_tol=1e-9, abs_tol=1e-12)
        seen |= set(got["reason"].drop_nulls())
    assert seen >= EVERYWHERE | also
