"""Rolling indicators of the panel's rows, each with a fixed window and null until it is full.

Windows run over the whole sorted column: a row count in the segment (`n`) says which are the
stock's own. That is two to three times faster than rolling stock by stock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from scanners.grading import above, at_most
from scanners.rules import Rules

# The columns that indicators are made of.
MEASURED = (
    "row",
    "segment",
    "n",
    "high",
    "low",
    "close",
    "activity",
    "value",
    "chg",
)
# Returns that are ranked are cut here, so that a stock on another price scale still ties.
RANK_DECIMALS = 12


def since(rows: int, value: pl.Expr) -> pl.Expr:
    """`value` where the segment has at least that many rows, else null."""
    return pl.when(pl.col("n") >= rows).then(value)


def mean(column: str, window: int, *, lag: int = 0) -> pl.Expr:
    """The mean of `window` rows ending `lag` rows ago."""
    return since(window + lag, pl.col(column).rolling_mean(window).shift(lag))


def highest(column: str, window: int, *, lag: int = 0) -> pl.Expr:
    """The maximum of `window` rows ending `lag` rows ago."""
    return since(window + lag, pl.col(column).rolling_max(window).shift(lag))


def lowest(column: str, window: int, *, lag: int = 0) -> pl.Expr:
    """The minimum of `window` rows ending `lag` rows ago."""
    return since(window + lag, pl.col(column).rolling_min(window).shift(lag))


def change_over(rows: int) -> pl.Expr:
    """close(t) / close(t - rows) - 1, a fraction."""
    return since(rows + 1, pl.col("close") / pl.col("close").shift(rows) - 1)


def true_range() -> pl.Expr:
    """The true range as a fraction of the close before; 0 on a segment's first row, which no
    window that is known covers."""
    before = pl.col("close").shift(1)
    widest = pl.max_horizontal(
        pl.col("high") - pl.col("low"),
        (pl.col("high") - before).abs(),
        (pl.col("low") - before).abs(),
    )
    return pl.when(pl.col("row") > pl.col("segment")).then(widest / before).otherwise(0.0)


def relative_strength(rules: Rules) -> pl.Expr:
    """The weighted return that RS ranks [RS]."""
    t = rules.vcp.template
    terms = [
        weight * (pl.col("close") / pl.col("close").shift(window) - 1)
        for window, weight in zip(t.rs_windows, t.rs_weights, strict=True)
    ]
    return since(max(t.rs_windows) + 1, sum(terms[1:], terms[0])).round(RANK_DECIMALS)


def for_ranks(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What ranks and breadth compare between stocks: rs_raw, r5, above_average."""
    breadth = rules.market_gate.breadth_window
    return rows.select(
        rs_raw=relative_strength(rules),
        r5=change_over(rules.daytrading.sector_window).round(RANK_DECIMALS),
        above_average=above(pl.col("close"), mean("close", breadth)),
    )


def near(rows: pl.DataFrame, scored: pl.Series, depth: int) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that windows of `depth` rows ending at scored ones cover, and which are scored.

    All of them where most are scored. One session's scan needs a few rows of each stock where
    a back-fill needs them all. The rows of other stocks that a window may meet are masked by
    `n`, here as in the whole panel.
    """
    if scored.sum() * 2 > len(scored):
        return rows, scored
    count = scored.cum_sum()
    ahead = count.shift(1 - depth, fill_value=count[-1] if len(count) else 0)
    behind = ahead > count.shift(1, fill_value=0)
    return rows.filter(behind), scored.filter(behind)


def for_scores(
    rows: pl.DataFrame, scored: pl.Series, rules: Rules, scanners: Collection[str]
) -> pl.DataFrame:
    """For the scored rows the indicators of those scanners, and value20 (won, a mean)."""
    short = {"value20": mean("value", rules.universe.value_window)}
    long: dict[str, pl.Expr] = {}
    if "vcp" in scanners:
        short |= _vcp_short(rules)
        long |= _vcp_long(rules)
    if "daytrading" in scanners:
        short |= _daytrading(rules)
    if "closing_bet" in scanners:
        short |= _closing_bet(rules)
        long["bet_high_year"] = highest("high", rules.closing_bet.year)
    parts = [_computed(*near(rows, scored, _reach(rules)), short, true_range=true_range())]
    if long:
        parts.append(_computed(rows, scored, long, width=_width(rules)))
    return pl.concat(parts, how="horizontal")


def _computed(
    rows: pl.DataFrame, scored: pl.Series, wanted: Mapping[str, pl.Expr], **prepared: pl.Expr
) -> pl.DataFrame:
    # Lazily, so that an expression two scanners share is computed once.
    return rows.lazy().with_columns(**prepared).select(**wanted).collect().filter(scored)


def _reach(rules: Rules) -> int:
    """Rows back that the short windows need, with the lag and the row before the first."""
    v, d, c = rules.vcp, rules.daytrading, rules.closing_bet
    windows = (
        rules.universe.value_window,
        v.volume_dry_up.long,
        v.tightness.atr_long,
        v.template.short,
        d.volume_window,
        d.range_window,
        d.average_window,
        c.period_window,
        c.period_high_window,
    )
    return max(windows) + 2


def _width(rules: Rules) -> pl.Expr:
    """The width of the Bollinger band over its middle."""
    band = rules.vcp.tightness
    deviation = pl.col("close").rolling_std(band.band, ddof=0)
    return band.band_width * deviation / pl.col("close").rolling_mean(band.band)


def _vcp_short(rules: Rules) -> dict[str, pl.Expr]:
    t, d, n = rules.vcp.template, rules.vcp.volume_dry_up, rules.vcp.tightness
    dry = pl.col("activity").rolling_mean(d.short) / pl.col("activity").rolling_mean(d.long)
    ranges = pl.col("true_range")
    return {
        "average_short": mean("close", t.short),
        "dry_up": since(d.long, dry),
        "dry_up_before": since(d.long + 1, dry.shift(1)),
        "atr_ratio": since(
            n.atr_long + 1, ranges.rolling_mean(n.atr_short) / ranges.rolling_mean(n.atr_long)
        ),
    }


def _vcp_long(rules: Rules) -> dict[str, pl.Expr]:
    t, n = rules.vcp.template, rules.vcp.tightness
    narrow = pl.col("width").rolling_min(n.band_range)
    wide = pl.col("width").rolling_max(n.band_range)
    # Rolling deviations of a constant price leave noise of this size: no range, no points.
    flat = (wide - narrow) <= 1e-6
    place = pl.when(flat).then(1.0).otherwise((pl.col("width") - narrow) / (wide - narrow))
    return {
        "average_middle": mean("close", t.middle),
        "average_long": mean("close", t.long),
        "average_long_before": mean("close", t.long, lag=t.rising_over),
        "low_year": lowest("low", t.year),
        "high_year": highest("high", t.year),
        "band_place": since(n.band + n.band_range - 1, place),
    }


def _daytrading(rules: Rules) -> dict[str, pl.Expr]:
    """Windows named …_before end at t-1."""
    d = rules.daytrading
    return {
        "activity_before": mean("activity", d.volume_window, lag=1),
        "high_before": highest("high", d.range_window, lag=1),
        "low_before": lowest("low", d.range_window, lag=1),
        "average": mean("close", d.average_window),
        "chg_before": since(2, pl.col("chg").shift(1)),
    }


def _closing_bet(rules: Rules) -> dict[str, pl.Expr]:
    """`period_close` is the close of the row of the lowest low of the last ten, if that (the
    latest, when tied) was one to three rows ago; else null."""
    c = rules.closing_bet
    low = pl.col("low").rolling_min(c.period_window)
    ago = [at_most(pl.col("low").shift(lag), low) for lag in range(c.period_recent + 1)]
    close: pl.Expr = pl.lit(None, pl.Float64)
    for lag in range(c.period_recent, 0, -1):
        close = pl.when(ago[lag]).then(pl.col("close").shift(lag)).otherwise(close)
    return {
        "period_low": since(c.period_window, low),
        "period_close": since(c.period_window, pl.when(~ago[0]).then(close)),
        "period_high": highest("high", c.period_high_window),
    }
