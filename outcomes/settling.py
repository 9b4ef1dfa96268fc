"""All that is recorded of a signal: its trade, its costs, and what else one could have had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from market.data import MarketData
from outcomes.costs import kept_expr
from outcomes.follow import ENDS, follow
from outcomes.random_stock import random_gross, random_stock
from outcomes.returns import HORIZONS, returns
from outcomes.rules import TradeRules


def settled(
    signals: pl.DataFrame, data: MarketData, sessions: Sequence[date], rules: TradeRules
) -> pl.DataFrame:
    """`follow`'s columns of each signal in order, with net_return, random_return, the returns and
    market's returns of `returns`, and `done`: nothing will change any more.

    `net_return` (fraction) is after commission, fees, the sale's tax of that session and slippage,
    of trades that ended. `random_return` is that of a random liquid stock held meanwhile, less the
    same share for costs.

    Args:
        signals: `follow`'s, with market.
        data: bars from twenty sessions before the first signal on, indices, instruments.
    """
    trades = follow(signals, data.bars, sessions, rules)
    worth = random_stock(data.bars, data.instruments, sessions, rules.liquid_value)
    after = returns(signals, data.bars, data.index_bars, sessions, rules.gone_after)
    ordinals = {session: number for number, session in enumerate(sessions)}
    newest = data.bars["session"].max()
    last = ordinals[newest] if isinstance(newest, date) else -1
    age = last - pl.col("session").replace_strict(ordinals, return_dtype=pl.Int32)
    bought = pl.col("closed_price").is_not_null() & pl.col("filled_price").is_not_null()
    return (
        trades.hstack([random_gross(trades, worth)])
        .hstack(after)
        .with_columns(market=signals["market"].cast(pl.String))
        .with_columns(kept=pl.when(bought).then(kept_expr(rules.costs, pl.col("market"))))
        .with_columns(
            net_return=(1 + pl.col("gross_return")) * pl.col("kept") - 1,
            random_return=(1 + pl.col("random_gross")) * pl.col("kept") - 1,
            done=pl.col("status").is_in(ENDS) & (age >= max(HORIZONS)),
        )
        .drop("kept", "random_gross", "market")
    )
