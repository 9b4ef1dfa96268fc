"""What has to be known to read the figures: what the data lacks, and what would have to be true."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from backtest.plan import Plan
from market.data import MarketData
from market.prices import TICKS_SINCE
from outcomes.survivorship import survivorship as judged


def survivorship(data: MarketData, sessions: list[date]) -> dict[str, Any]:
    """verdict (included, partly, absent, unknown), words, and the counts behind them.

    `ended`: common stocks whose bars end before the range does; `missing`: stocks known to have
    been delisted in the range that have no bar in it.
    """
    bars = data.bars.filter(pl.col("session").is_between(sessions[0], sessions[-1]))
    last_seen = bars.group_by("ticker").agg(pl.col("session").max())
    stored = bars["session"].unique().sort().to_list()
    found = judged(last_seen, stored or sessions, data.instruments)
    return {
        "verdict": found.verdict,
        "words": found.sentence,
        "stocks": found.stocks,
        "ended": found.left,
        "missing": found.missing,
    }


def data_notes(data: MarketData, signals: pl.DataFrame | None, scanner: str) -> list[str]:
    """What the data lacks, in words; with its signals also how often net buying was known."""
    notes = []
    adjusted = data.bars["adjusted"].mean()
    if isinstance(adjusted, float) and adjusted > 0:
        notes.append(
            f"{adjusted:.0%} of the bars were adjusted by their source: their prices and shares "
            "are not those traded, so ticks, limits and whole shares are approximate there"
        )
    if data.bars["value"].null_count():
        notes.append("traded value is estimated as close x volume where the source gives none")
    known = signals["net_buying_session"].is_not_null().mean() if signals is not None else None
    if isinstance(known, float) and known < 0.99:
        notes.append(
            f"net buying was known for {known:.0%} of the signals; elsewhere that part is missing"
        )
    if data.news is None and scanner == "closing_bet":
        notes.append("no news: that part of closing_bet is missing, and blocking news stop nothing")
    return notes


def large_sales(data: MarketData, trades: pl.DataFrame, most: float) -> list[str]:
    """How many sales were of more than the share `most` of their session's volume, in words."""
    volumes = data.bars.select("ticker", "volume", sold_session="session")
    sold = trades.filter(pl.col("sold_session").is_not_null(), pl.col("reason") != "delisted")
    both = sold.join(volumes, on=["ticker", "sold_session"], how="left")
    large = both.filter(pl.col("sold_shares") > most * pl.col("volume")).height
    told = f"{large} of {sold.height} sales were of more than {most:.0%} of their session's volume"
    return [told] if large else []


def cost_words(plan: Plan) -> str:
    """The costs in one sentence."""
    costs = plan.trades.costs
    steps = [s for s in costs.sell_tax if s.since <= plan.last]
    begun = [s for s in steps if s.since <= plan.first]
    used = [*begun[-1:], *[s for s in steps if s.since > plan.first]]
    taxes = ", ".join(f"{s.kospi:.2%} from {s.since}" for s in used)
    return (
        f"each side {costs.commission + costs.exchange_fee:.4%} commission and fees and "
        f"{costs.slippage_ticks:g} tick of slippage; tax on sales {taxes}"
    )


def conditions(plan: Plan) -> list[str]:
    """What would have to be true for the account to have been possible."""
    limits = plan.limits
    common = [
        "every order was filled at the price the daily bar allows, a stop at its own price unless "
        "the session opened beyond it: the order within a bar isn't known, and a bar that touched "
        "both stop and target counts as the stop",
        f"buying up to {limits.max_volume:.0%} of a session's volume and {limits.max_value20:.0%} "
        "of twenty sessions' mean value moved no price beyond the slippage",
        "sales of any size were filled and moved no price beyond the slippage",
        "a stock that left the market could be sold at the last close it was traded at, "
        f"{plan.trades.gone_after + 1} sessions after its last bar, when its absence was known; in "
        "truth liquidation trading may have paid far less",
        "when more signals filled in a session than the account may take, the best by score were "
        "the ones taken",
        "rights were sold at their theoretical value and put back into the share; fractions of a "
        "share were paid at the base price; cash dividends and interest are left out",
        "bars as they stand in the database now were known at their close: later corrections by "
        "the exchange are not undone",
    ]
    own = {
        "vcp": [
            f"a buy stop lay at each signal's entry for {plan.trades.vcp.wait} sessions without "
            "binding cash"
        ],
        "daytrading": [
            "signals of the close were bought in the next session's opening auction: history has "
            "no scans during the session, live they are only a watch list"
            if plan.trades.daytrading.watch_entry == "next_open"
            else "signals of the close are only a watch list and never bought"
        ],
        "closing_bet": [
            "the signal of the closing price was known in time for the closing auction itself; "
            "live it is made at 15:12 from the prices until then"
        ],
    }
    if plan.trades.closing_bet.exit == "next_0930":
        own["closing_bet"].append(
            "closing bets were sold at the next opening: history has no prices of 09:30"
        )
    if plan.first < TICKS_SINCE:
        common.append(
            f"entries, targets and stops of signals before {TICKS_SINCE} lie on the finer ticks "
            "since then; slippage and price limits are those of the session"
        )
    return [*own[plan.scanner], *common]
