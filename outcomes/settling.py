"""All that is recorded of a signal: its trade, its costs, and what else one could have had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from outcomes.costs import kept_expr
from outcomes.follow import follow
from outcomes.random_stock import random_gross, random_stock
from outcomes.returns import HORIZONS, returns
from outcomes.rows import markets_of
from outcomes.rules import TradeRules


def settled(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    index_bars: pl.DataFrame,
    instruments: pl.DataFrame,
    sessions: Sequence[date],
    rules: TradeRules,
) -> pl.DataFrame:
    """`follow`'s columns of each signal in order, with net_return, random_return, the returns and
    market's returns of `returns`, and `aged`: these are over.

    `net_return` (fraction) is after commission, fees, the sale's tax of that session and slippage,
    of trades that ended. `random_return` is that of a random liquid stock held meanwhile, less the
    same share for costs.

    Args:
        signals: `follow`'s, with market.
        bars: `follow`'s, from more than twenty sessions before the first signal on.
        index_bars, instruments: those of market.schemas.
    """
    trades = follow(signals, bars, sessions, rules, markets_of(instruments))
    worth = random_stock(bars, instruments, sessions, rules.liquid_value)
    after = returns(signals, bars, index_bars, sessions, rules.gone_after)
    ordinals = {session: number for number, session in enumerate(sessions)}
    newest = bars["session"].max()
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
            aged=age >= max(HORIZONS),
        )
        .drop("kept", "random_gross", "market")
    )
