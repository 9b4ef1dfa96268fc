"""Money of a sale pays for a purchase only if it is there before it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from eager_backtests import eager_plan
from markets import random_market

from backtest.candidates import LATE
from backtest.facts import conditions, large_sales
from backtest.limits import Limits, limits_of
from backtest.portfolio import Candidate, simulate
from backtest.prices import Prices
from backtest.run import backtest
from scanners.rules import Rules

DAYS = [date(2025, 1, 6) + timedelta(days=n) for n in range(3)]
TICKERS = ("000010", "000020")


def offer(code: int, filled: int, closed: int | None, reason: str) -> Candidate:
    row: dict[str, Any] = {"session": DAYS[filled], "grade": "S", "score": 1.0, "out_of": 1.0}
    return Candidate(
        code=code,
        ticker=TICKERS[code],
        filled=filled,
        bought_at=1_000,
        volume=10**9,
        closed=closed,
        sold_at=1_000 if closed is not None else None,
        buy_rate=0.0,
        sell_rate=0.0,
        reason=reason,
        fraction=1.0,
        value20=1e12,
        row=row | {"gate": None},
        late=reason in LATE,
    )


@pytest.mark.parametrize(
    ("reason", "bought"),
    [("next_open", 2), ("target", 2), ("stop", 2), ("time_limit", 1), ("next_close", 1)],
)
def test_a_sale_in_the_closing_auction_pays_for_no_purchase_in_it(reason: str, bought: int) -> None:
    prices = Prices(
        DAYS,
        {day: at for at, day in enumerate(DAYS)},
        {ticker: code for code, ticker in enumerate(TICKERS)},
        np.full((3, 2), 1_000, dtype=np.int64),
        {},
    )
    rules = limits_of(Rules()).model_dump() | {"max_exposure": 1.0, "max_positions": 5}
    done = simulate(
        [offer(0, 0, 1, reason), offer(1, 1, None, "")],
        prices,
        Limits.model_validate(rules),
        1_000_000,
        sell_first=True,
    )
    assert len(done.trades) == bought
    assert (done.equity["cash"] >= 0).all()
    assert done.equity["equity"][-1] == 1_000_000


def test_sales_of_more_than_the_share_of_volume_are_counted() -> None:
    market = random_market(9)
    result = backtest(market.data, market.schedule, eager_plan("closing_bet", market))
    sold = result.trades["sold_session"].count()
    assert large_sales(market.data, result.trades, 1.0) == []
    told = large_sales(market.data, result.trades, 0.0)
    assert told == [f"{sold} of {sold} sales were of more than 0% of their session's volume"]


def test_a_backtest_that_has_no_prices_of_0930_says_so() -> None:
    market = random_market(9)
    plan = eager_plan("closing_bet", market)
    assert not any("09:30" in one for one in conditions(plan))
    trades = plan.trades.model_copy(
        update={"closing_bet": plan.trades.closing_bet.model_copy(update={"exit": "next_0930"})}
    )
    at_0930 = type(plan)(**{**vars(plan), "trades": trades})
    assert any("09:30" in one for one in conditions(at_0930))
