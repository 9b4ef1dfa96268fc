"""Accounts worked out by hand, in golden/account.json."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtest.limits import Limits, limits_of
from backtest.portfolio import Candidate, simulate
from backtest.prices import Prices
from scanners.rules import Rules

CASES = json.loads((Path(__file__).parent / "golden" / "account.json").read_text("utf-8"))
FIRST = date(2025, 1, 6)
SIGNAL = {"session": FIRST, "grade": "A", "score": 70.0, "out_of": 100.0, "gate": "GREEN"}
TOLD = ["ticker", "bought_price", "bought_shares", "sold_price", "sold_shares", "costs", "profit"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_account_comes_to_what_was_worked_out(case):
    limits = Limits.model_validate(limits_of(Rules()).model_dump() | case.get("limits", {}))
    done = simulate(
        [_candidate(case, one) for one in case["candidates"]],
        _prices(case),
        limits,
        case["capital"],
        sell_first=case.get("sell_first", False),
    )
    assert done.equity["equity"].to_list() == case["equity"]
    if "cash" in case:
        assert done.equity["cash"].to_list() == case["cash"]
    assert [list(row) for row in done.trades.select(TOLD).rows()] == case["trades"]
    assert done.not_bought == case.get("not_bought", {})


def _candidate(case: dict[str, Any], one: dict[str, Any]) -> Candidate:
    return Candidate(
        code=list(case["close"]).index(one["ticker"]),
        ticker=one["ticker"],
        filled=one["filled"],
        bought_at=one["at"],
        volume=one.get("volume", 10**9),
        closed=one.get("closed"),
        sold_at=one.get("sold_at"),
        buy_rate=one.get("buy_rate", 0.0),
        sell_rate=one.get("sell_rate", 0.0),
        reason="target",
        fraction=one["fraction"],
        value20=one.get("value20", 1e12),
        row=SIGNAL,
    )


def _prices(case: dict[str, Any]) -> Prices:
    tickers = list(case["close"])
    close = np.array([case["close"][ticker] for ticker in tickers], dtype=np.int64).T.copy()
    for at in range(1, len(close)):
        close[at] = np.where(close[at] == 0, close[at - 1], close[at])
    sessions = [FIRST + timedelta(days=at) for at in range(len(close))]
    factors: dict[int, list[tuple[int, float, int]]] = {}
    for ticker, told in case.get("factors", {}).items():
        for at, (factor, base) in told.items():
            factors.setdefault(int(at), []).append((tickers.index(ticker), factor, base))
    place = {session: at for at, session in enumerate(sessions)}
    return Prices(sessions, place, {t: at for at, t in enumerate(tickers)}, close, factors)
