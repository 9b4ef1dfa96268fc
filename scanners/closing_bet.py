"""closing_bet: buying at the close for the next session, 0-12."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from market.data import MarketData
from market.prices import round_down_expr, round_up_expr
from scanners.grading import (
    above,
    at_least,
    at_most,
    gate,
    grade,
    known,
    most,
    points_at_least,
    total,
)
from scanners.rules import ClosingBetRules, Rules
from scanners.universe import SPAN

PARTS = ("news", "value", "chart", "candle", "period", "supply")
GATES = ("trading_value", "up", "below_limit", "no_blocking_news", "no_warning")


def news_of(
    data: MarketData, tickers: pl.Enum, schedule: pl.DataFrame, rules: ClosingBetRules
) -> pl.DataFrame | None:
    """By key (stock and session): news_balance and blocked, of the days before the as-of.

    None without a source of news; a stock without news has no row.
    """
    if data.news is None:
        return None
    code = pl.col("ticker").cast(tickers).to_physical().cast(pl.Int64)
    known_news = data.news.filter(pl.col("ticker").is_in(tickers.categories.implode()))
    end = known_news["seen_at"].dt.offset_by(f"{rules.news_days}d")
    as_of = schedule["as_of"]
    return (
        known_news.with_columns(
            start=as_of.search_sorted(known_news["seen_at"], side="left"),
            end=as_of.search_sorted(end, side="left"),
        )
        .filter(pl.col("start") < pl.col("end"))
        .select(
            "verdict",
            key=pl.int_ranges("start", "end", dtype=pl.Int64),
            code=code,
        )
        .explode("key")
        .with_columns(key=pl.col("code") * SPAN + pl.col("key"))
        .group_by("key")
        .agg(
            news_balance=(pl.col("verdict") == "positive").sum().cast(pl.Int32)
            - (pl.col("verdict") == "negative").sum().cast(pl.Int32),
            blocked=(pl.col("verdict") == "blocking").any(),
        )
    )


def score(
    cells: pl.DataFrame,
    rules: Rules,
    news: pl.DataFrame | None,
    news_of: Collection[str] | None = None,
) -> pl.DataFrame:
    """Score, grade, gates, parts and levels (won as traded), for each cell in order.

    `news_of` are the stocks whose news is known; None: all are.
    """
    c = rules.closing_bet
    has_warnings = "warning" in cells.columns
    lazy = _with_news(cells.lazy(), news, news_of).with_columns(**_parts(c))
    entry = pl.col("traded_close")
    near_high_known = pl.col("bet_high_year").is_not_null()
    warning = pl.col("warning") if has_warnings else pl.lit(False)
    lazy = lazy.with_columns(
        score=total(*[pl.col("value_points" if p == "value" else p) for p in PARTS]),
        out_of=known(
            (pl.col("news"), c.news_points),
            (pl.col("value_points"), most(c.value_steps)),
            (pl.col("chart"), c.pattern_points),
            (pl.col("bet_high_year"), c.near_high_points),
            (pl.col("candle"), c.candle_points),
            (pl.col("period"), c.period_points),
            (pl.col("supply"), 2 * c.supply_points),
        ),
        chart_out_of=c.pattern_points
        + pl.when(near_high_known).then(c.near_high_points).otherwise(0.0),
        gate_trading_value=pl.col("value_points") > 0,
        gate_up=pl.col("chg") > 0,
        gate_below_limit=entry < pl.col("upper_limit"),
        gate_no_blocking_news=~pl.col("blocked"),
        gate_no_warning=~warning,
    )
    conditions = {name: pl.col(f"gate_{name}") for name in GATES if getattr(c.gates, name)}
    if "no_blocking_news" in conditions:  # a part that is missing is no gate that is unknown
        conditions["no_blocking_news"] = conditions["no_blocking_news"].fill_null(True)
    lazy = lazy.with_columns(
        grade=grade(
            pl.col("score"),
            pl.col("out_of"),
            gate(*conditions.values()),
            full=c.full,
            min_out_of=c.min_out_of,
            grades=c.grades,
        ),
        ratio=pl.col("score") / pl.col("out_of"),
    )
    scored = lazy.select(
        "score",
        "out_of",
        "ratio",
        "grade",
        entry.alias("entry"),
        round_down_expr(entry * c.target).alias("target"),
        round_up_expr(entry * c.stop).alias("stop"),
        "news",
        pl.col("value_points").alias("value"),
        "chart",
        "candle",
        "period",
        "supply",
        "chart_out_of",
        *[f"gate_{name}" for name in GATES],
        near_high=pl.col("close") / pl.col("bet_high_year"),
        foreign_q=pl.col("foreign_q"),
        institution_q=pl.col("institution_q"),
    )
    return scored.collect()


def _with_news(
    cells: pl.LazyFrame, news: pl.DataFrame | None, news_of: Collection[str] | None
) -> pl.LazyFrame:
    if news is None:
        return cells.with_columns(
            news_balance=pl.lit(None, pl.Int32), blocked=pl.lit(None, pl.Boolean)
        )
    known = pl.lit(True) if news_of is None else pl.col("ticker").is_in(sorted(news_of))
    return cells.join(news.lazy(), on="key", how="left", maintain_order="left").with_columns(
        pl.when(known).then(pl.col("news_balance").fill_null(0)),
        pl.when(known).then(pl.col("blocked").fill_null(False)),
    )


def _parts(c: ClosingBetRules) -> dict[str, pl.Expr]:
    close, open_, chg = pl.col("close"), pl.col("open"), pl.col("chg")

    def points(condition: pl.Expr, worth: float) -> pl.Expr:
        return pl.when(condition).then(worth).otherwise(0.0)

    near_high = at_least(close, pl.col("bet_high_year") * c.near_high)
    candle = above(close, open_) & (chg > 0) & at_least(close, open_ * c.candle)
    period = (
        pl.col("period_close").is_not_null()
        & at_least(close, pl.col("period_close") * c.period_rise)
        & at_most(pl.col("period_low"), pl.col("period_high") * c.period_fall)
    )
    foreign, institution = pl.col("foreign_q"), pl.col("institution_q")
    supply = points(at_least(foreign, c.supply_share), c.supply_points) + points(
        at_least(institution, c.supply_share), c.supply_points
    )
    balance = pl.col("news_balance").clip(0, c.news_points).cast(pl.Float64)
    return {
        "news": pl.when("blocked").then(0.0).otherwise(balance),
        "value_points": points_at_least(pl.col("value"), c.value_steps),
        "chart": points(pl.col("pattern"), c.pattern_points)
        + points(near_high, c.near_high_points),
        "candle": pl.when(chg.is_not_null()).then(points(candle, c.candle_points)),
        "period": pl.when(pl.col("period_high").is_not_null()).then(
            points(period, c.period_points)
        ),
        "supply": pl.when(foreign.is_not_null() & institution.is_not_null()).then(supply),
    }
