"""vcp: the volatility contraction pattern, 0-100."""

from __future__ import annotations

import polars as pl

from market.prices import round_down_expr, round_up_expr, tick_size_expr
from scanners.grading import (
    above,
    at_least,
    at_most,
    gate,
    grade,
    known,
    most,
    points_at_least,
    points_at_most,
    total,
)
from scanners.indicators import since
from scanners.rules import Rules, SmartMoneyRules, VcpRules

PARTS = ("trend", "contractions", "volume_dry_up", "tightness", "pivot", "smart_money")
# Prices put back on another scale carry noise far below this many decimals of a won.
WON_DECIMALS = 6


def score(cells: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Score, grade, gates, parts, levels and what they rest on, for each cell in order.

    Points null means missing. `pivot`, `pivot_low`, entry, target and stop are won as traded
    in the session; depths, ratios and shares are fractions.
    """
    v = rules.vcp
    lazy = cells.lazy().with_columns(template=_template(v)).with_columns(**_parts(v))
    outs = out_of_parts(v)
    parts = [pl.col(name) for name in PARTS]
    lazy = lazy.with_columns(
        score=total(*parts),
        out_of=known(
            *[(pl.col(name), outs[name]) for name in PARTS if name != "tightness"],
            (pl.col("atr_ratio"), most(v.tightness.atr_steps)),
            (pl.col("band_place"), most(v.tightness.band_steps)),
        ),
        gate_pattern=pl.col("pattern"),
        gate_template=pl.col("template") >= v.min_template,
        gate_liquidity=at_least(pl.col("value20"), rules.universe.min_value20),
    )
    on = {name: getattr(v.gates, name) for name in ("pattern", "template", "liquidity")}
    gates = gate(*[pl.col(f"gate_{name}") for name, used in on.items() if used])
    lazy = lazy.with_columns(
        grade=grade(
            pl.col("score"),
            pl.col("out_of"),
            gates,
            full=v.full,
            min_out_of=v.min_out_of,
            grades=v.grades,
        ),
        ratio=pl.col("score") / pl.col("out_of"),
        contraction_ratio="ratio",
    )
    cells = lazy.collect()
    entry, target, stop = _levels(cells, v)
    return cells.select(
        "score",
        "out_of",
        "ratio",
        "grade",
        entry,
        target,
        stop,
        *PARTS,
        "gate_pattern",
        "gate_template",
        "gate_liquidity",
        "template",
        "rs",
        "pattern",
        "confirmed",
        "contractions_count",
        "first_depth",
        "last_depth",
        "contraction_ratio",
        "base_length",
        "state",
        "dry_up_used",
        "atr_ratio",
        "band_place",
        "foreign_share",
        "institution_share",
        "streak",
        "epoch",
        pivot_price=pl.col("pivot_high") / pl.col("scale"),
        pivot_low=pl.col("pivot_low") / pl.col("scale"),
    )


def out_of_parts(v: VcpRules) -> dict[str, float]:
    """The points that each part can give."""
    c, s = v.contractions, v.smart_money
    return {
        "trend": 8 * v.template.points_each,
        "contractions": most(c.count_points) + most(c.ratio_points) + most(c.last_points),
        "volume_dry_up": most(v.volume_dry_up.steps),
        "tightness": most(v.tightness.atr_steps) + most(v.tightness.band_steps),
        "pivot": max(v.pivot.points, v.pivot.far_points),
        "smart_money": most(s.foreign) + most(s.institution) + s.both + most(s.streak),
    }


def _template(v: VcpRules) -> pl.Expr:
    """How many of the eight conditions hold; null unless all are known."""
    t = v.template
    close = pl.col("close")
    short, middle, long = (pl.col(f"average_{name}") for name in ("short", "middle", "long"))
    conditions = (
        above(close, middle) & above(close, long),
        above(middle, long),
        above(long, pl.col("average_long_before")),
        above(short, middle) & above(short, long),
        above(close, short),
        at_least(close, pl.col("low_year") * t.above_low),
        at_least(close, pl.col("high_year") * t.near_high),
        at_least(pl.col("rs"), t.min_rs),
    )
    count = sum((c.cast(pl.Int8) for c in conditions[1:]), conditions[0].cast(pl.Int8))
    return since(t.rows, count)


def _parts(v: VcpRules) -> dict[str, pl.Expr]:
    """The points of each part, and `dry_up_used`."""
    c, p, pattern = v.contractions, v.pivot, pl.col("pattern")
    close, pivot, forming = pl.col("close"), pl.col("pivot_high"), pl.col("state") == "forming"
    used = pl.when("confirmed").then("dry_up_before").otherwise("dry_up")
    near = pl.col("confirmed") | (forming & at_least(close, pivot * (1 - p.max_below)))
    atr = points_at_most(pl.col("atr_ratio"), v.tightness.atr_steps)
    band = points_at_most(pl.col("band_place"), v.tightness.band_steps)
    both_known = pl.col("atr_ratio").is_not_null() | pl.col("band_place").is_not_null()
    return {
        "trend": pl.col("template") * v.template.points_each,
        "contractions": pl.when("pattern")
        .then(
            points_at_least(pl.col("contractions_count"), c.count_points)
            + points_at_most(pl.col("ratio"), c.ratio_points).fill_null(0.0)
            + points_at_most(pl.col("last_depth"), c.last_points)
        )
        .otherwise(0.0),
        "dry_up_used": used,
        "volume_dry_up": points_at_most(used, v.volume_dry_up.steps),
        "tightness": pl.when(both_known).then(atr.fill_null(0.0) + band.fill_null(0.0)),
        "pivot": pl.when(pattern & near)
        .then(p.points)
        .when(pattern & forming & at_least(close, pivot * (1 - p.far_below)))
        .then(p.far_points)
        .otherwise(0.0),
        "smart_money": smart_money(v.smart_money),
    }


def smart_money(s: SmartMoneyRules) -> pl.Expr:
    """Points for who bought, of the columns foreign_share, institution_share and streak."""
    a, b = pl.col("foreign_share"), pl.col("institution_share")
    both = pl.when((a > 0) & (b > 0)).then(s.both).otherwise(0.0)
    points = points_at_least(a, s.foreign) + points_at_least(b, s.institution) + both
    streak = points_at_least(pl.col("streak"), s.streak)
    return pl.when(a.is_not_null() & b.is_not_null()).then(points + streak)


def _levels(cells: pl.DataFrame, v: VcpRules) -> tuple[pl.Series, pl.Series, pl.Series]:
    """entry, target and stop (won as traded) of the patterns; null elsewhere."""
    where = cells["pattern"].arg_true()
    pivot = (pl.col("pivot_high") / pl.col("scale")).round(WON_DECIMALS)
    low = (pl.col("pivot_low") / pl.col("scale")).round(WON_DECIMALS)
    some = cells.select("pivot_high", "pivot_low", "scale", "state", "traded_close")[where].lazy()
    # Step by step: a price within a tick within a price is written out eight times over.
    some = some.with_columns(pivot=pivot, low=low).with_columns(
        next_up=pl.col("pivot") + tick_size_expr(pl.col("pivot")),
        # Where two tick sizes meet (2,000, 5,000, ...) the smaller one leads down.
        next_down=pl.col("low") - tick_size_expr(pl.col("low") - 0.5),
    )
    some = some.with_columns(
        entry=pl.when(pl.col("state") == "forming")
        .then(round_up_expr(pl.col("next_up")))
        .otherwise("traded_close"),
    )
    limit = pl.col("pivot") * v.contractions.extended
    some = some.with_columns(entry=pl.when(at_most(pl.col("entry"), limit)).then("entry"))
    some = some.with_columns(
        floor=pl.max_horizontal(pl.col("next_down"), pl.col("entry") * v.stop)
    ).with_columns(stop=pl.when(pl.col("entry").is_not_null()).then(round_up_expr(pl.col("floor"))))
    risk = pl.col("entry") - pl.col("stop")
    some = some.with_columns(reached=pl.col("entry") + v.reward * risk)
    levels = some.with_columns(target=round_down_expr(pl.col("reached"))).collect()
    empty = pl.repeat(None, len(cells), dtype=pl.Int64, eager=True)
    entry, target, stop = (
        empty.scatter(where, levels[name]).alias(name) for name in ("entry", "target", "stop")
    )
    return entry, target, stop
