"""What a purchase and a sale cost, as fractions of their amounts."""

from __future__ import annotations

from datetime import date

import polars as pl

from market.prices import tick_size_expr
from outcomes.rules import CostRules


def sell_tax_expr(session: pl.Expr, market: pl.Expr, rules: CostRules) -> pl.Expr:
    """The tax on a sale of that session; null before the first step. Unknown market: KOSPI's."""
    rate: pl.Expr = pl.lit(None, pl.Float64)
    for step in rules.sell_tax:
        here = (
            pl.when(market == "KOSDAQ")
            .then(step.kosdaq)
            .when(market == "KONEX")
            .then(step.konex)
            .otherwise(step.kospi)
        )
        rate = pl.when(session >= pl.lit(step.since)).then(here).otherwise(rate)
    return rate


def slippage_expr(price: pl.Expr, session: pl.Expr, market: pl.Expr, rules: CostRules) -> pl.Expr:
    """So many ticks, of that price (won) in that session."""
    return tick_size_expr(price, session, market) * rules.slippage_ticks / price


def buying_expr(price: pl.Expr, session: pl.Expr, market: pl.Expr, rules: CostRules) -> pl.Expr:
    """Commission, fee and slippage of a purchase at `price` (won) in `session`."""
    return rules.commission + rules.exchange_fee + slippage_expr(price, session, market, rules)


def selling_expr(price: pl.Expr, session: pl.Expr, market: pl.Expr, rules: CostRules) -> pl.Expr:
    """Commission, fee, slippage and tax of a sale at `price` (won) in `session`."""
    return buying_expr(price, session, market, rules) + sell_tax_expr(session, market, rules)


def round_trip(session: date, rules: CostRules) -> float | None:
    """What buying a KOSPI or KOSDAQ stock and selling it in `session` costs, before slippage.

    Both sides' commission and fee, and the sale's tax (the dearer market's); a fraction. None
    before the first step of the tax.
    """
    taxes = [sell_tax_expr(pl.lit(session), pl.lit(name), rules) for name in ("KOSPI", "KOSDAQ")]
    tax = pl.select(pl.max_horizontal(taxes)).item()
    return None if tax is None else 2 * (rules.commission + rules.exchange_fee) + float(tax)


def kept_expr(rules: CostRules, market: pl.Expr | None = None) -> pl.Expr:
    """What costs leave of 1 + gross return, of `follow`'s columns: net = (1 + gross) × kept - 1."""
    where = pl.lit(None, pl.String) if market is None else market
    sold = selling_expr(pl.col("closed_price"), pl.col("closed_session"), where, rules)
    bought = buying_expr(pl.col("filled_price"), pl.col("filled_session"), where, rules)
    return (1 - sold) / (1 + bought)
