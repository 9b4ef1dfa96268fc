"""What a closing_bet signal says of itself, and how much capital it may take."""

from __future__ import annotations

import polars as pl

from scanners.closing_bet import GATES as GATE_NAMES
from scanners.grading import at_most, most
from scanners.rules import Rules
from scanners.words import NO_NET_BUYING, as_json, failed, flags, part, percent, said, when

NO_NEWS = "no news source is configured"
NOT_ASKED = "its news wasn't asked for"
BLOCKED = "gate failed: blocking news"
GATES = {
    "trading_value": "traded value of the session too small",
    "up": "not above the base price",
    "below_limit": "at the upper price limit, can't be bought",
    "no_warning": "designated as investment warning",
}


def describe(
    chosen: pl.DataFrame, sessions: pl.Series, rules: Rules, *, by_name: bool
) -> pl.DataFrame:
    """parts, reasons and flags of the chosen cells (scores and panel columns side by side).

    `by_name`: news was asked for stock by stock, and may be missing of some only.
    """
    c = rules.closing_bet
    no_news = NOT_ASKED if by_name else NO_NEWS
    history = "too little history"
    q = pl.lit(sessions).gather(pl.col("q")).cast(pl.String)
    parts = {
        "news": part("news", c.news_points, no_news),
        "value": part("value", most(c.value_steps), "", won=pl.col("traded_value").cast(pl.Int64)),
        "chart": part(
            "chart",
            pl.col("chart_out_of"),
            "",
            pattern=pl.col("pattern"),
            near_high=pl.col("near_high").round(4),
        ),
        "candle": part("candle", c.candle_points, "the base price isn't known"),
        "period": part("period", c.period_points, history),
        "supply": part(
            "supply",
            2 * c.supply_points,
            NO_NET_BUYING,
            foreign_share=pl.col("foreign_q").round(5),
            institution_share=pl.col("institution_q").round(5),
            q=q,
            provisional=pl.col("provisional"),
        ),
    }
    reasons = said(
        when(
            pl.col("value") > 0,
            "{} billion won traded",
            (pl.col("traded_value") / 1e9).round(1),
        ),
        when(
            pl.col("news") > 0,
            "{} more good than bad news in a week",
            pl.col("news").cast(pl.Int64),
        ),
        when(pl.col("pattern"), "volatility contraction pattern"),
        when(
            pl.col("near_high") >= c.near_high,
            "{} % of the high of the year",
            percent(pl.col("near_high")),
        ),
        when(pl.col("candle") > 0, "rising candle, {} %", percent(pl.col("chg"))),
        when(pl.col("period") > 0, "rising from the low of ten sessions"),
        when(
            pl.col("supply") > 0,
            "foreigners {} %, institutions {} % of a session's trade",
            percent(pl.col("foreign_q")),
            percent(pl.col("institution_q")),
        ),
        when(pl.col("news").is_null(), f"news missing: {no_news}"),
        when(pl.col("supply").is_null(), f"supply missing: {NO_NET_BUYING}"),
        *failed(GATES),
        when(~pl.col("gate_no_blocking_news"), BLOCKED),
    )
    return chosen.select(as_json(parts, GATE_NAMES), reasons, flags(chosen.columns))


def sized(signals: pl.DataFrame, gate: pl.DataFrame | None, rules: Rules) -> pl.DataFrame:
    """Signals (by session, best first) with `position_size`, a fraction of capital.

    The grade's share, at most what may be lost over the assumed gap, times the market gate's
    scale, for the best of the session until positions or exposure are used up; then 0.
    """
    c, g = rules.closing_bet, rules.market_gate
    shares = {"S": c.size_s, "A": c.size_a, "B": c.size_b, "C": c.size_c}
    scales = {"GREEN": g.scale_green, "YELLOW": g.scale_yellow, "RED": g.scale_red}
    statuses = (
        gate.select("session", "status")
        if gate is not None
        else pl.DataFrame(schema={"session": pl.Date, "status": pl.String})
    )
    share = pl.col("grade").cast(pl.String).replace_strict(shares, return_dtype=pl.Float64)
    scale = pl.col("status").replace_strict(scales, default=1.0, return_dtype=pl.Float64)
    size = pl.min_horizontal(share, pl.lit(c.max_loss / c.assumed_gap))
    place = pl.int_range(pl.len()).over("session")
    used = pl.col("position_size").cum_sum().over("session")
    return (
        signals.join(statuses, on="session", how="left", maintain_order="left")
        .with_columns(position_size=pl.when(place < c.max_positions).then(size).otherwise(0.0))
        .with_columns(
            position_size=pl.when(at_most(used, c.max_exposure))
            .then(pl.col("position_size") * scale)
            .otherwise(0.0),
            reasons=pl.when((place >= c.max_positions) | ~at_most(used, c.max_exposure))
            .then(pl.concat_list("reasons", pl.lit("no capital left for it this session")))
            .otherwise("reasons"),
        )
        .drop("status")
    )
