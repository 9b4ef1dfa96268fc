"""Swing highs without look-ahead, the contractions between them, and the pattern they make.

Only swing highs already known are used. From the row at which one becomes known to the row
before the next, nothing about the closed contractions changes: that stretch is an epoch, and
the contractions are walked once an epoch, not once a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from scanners.grading import above, at_least, at_most, below
from scanners.indicators import mean, near
from scanners.panel import LOOKBACK
from scanners.rules import ContractionRules

STATES = pl.Enum(["forming", "breakout", "recent", "spent"])
# A swing high's oldest bar, its epoch and the row scored must all lie within LOOKBACK, also
# where halts stretch the rows over more sessions. In a base of the longest window one halt of
# the longest and one of nine sessions have room; the newest high is rarely old.
BASE_REACH = 154
AGE_REACH = LOOKBACK - 2 - BASE_REACH


@dataclass(frozen=True)
class Swings:
    """`frame`: one row a swing high: known_row, known_pos, first_pos, segment, bar, high, low
    (the lowest since the bar of the swing high before, its own bar included) and its low_row."""

    frame: pl.DataFrame
    epochs: pl.Series


def find_swings(rows: pl.DataFrame, rules: ContractionRules) -> Swings:
    """All swing highs of the panel, and for each row the newest one known at it (or -1)."""
    k = rules.k
    high = pl.col("high")
    known = (
        (pl.col("row") - pl.col("segment") >= 2 * k)
        & above(high.shift(k), high.rolling_max(k).shift(k + 1))
        & at_least(high.shift(k), high.rolling_max(k))
    )
    marks = rows.select(known=known.fill_null(False), row="row", low="low")
    known_rows = marks.filter("known")["row"]
    bars = known_rows - k
    interval = marks["known"].shift(-k, fill_value=False).cum_sum().shift(1, fill_value=0)
    lows = (
        marks.select(low="low", interval=interval.cast(pl.Int32).set_sorted())
        .group_by("interval", maintain_order=True)
        .agg(pl.col("low").min())
        .head(len(bars))
    )
    frame = pl.DataFrame(
        {
            "known_row": known_rows,
            "known_pos": rows["pos"].gather(known_rows),
            "first_pos": rows["pos"].gather(bars - k),
            "segment": rows["segment"].gather(known_rows),
            "bar": bars,
            "high": rows["high"].gather(bars),
            "low": lows["low"],
        }
    )
    return Swings(frame, marks["known"].cum_sum().cast(pl.Int32) - 1)


def walk(
    swings: pl.DataFrame, epochs: pl.Series, rules: ContractionRules, *, details: bool = False
) -> pl.DataFrame:
    """For each epoch (the number of its newest swing high) the contractions known in it.

    `top`, `top_bar`: the pivot; `low`: the lowest after it up to the newest swing's bar, null
    if that is the pivot; of the run of closed contractions `links` (how many), `first` and
    `depth` (of its first and last), `start` (bar of its first high), `quotients` (their sum).
    With `details`, `closed` lists each closed contraction (bar, high, low, depth, the row it
    `opened` at and the one it `end`s at); `opened` is the open one's.
    """
    state = _with_history(swings, epochs, rules)
    state = state.with_columns(
        *[pl.lit(None, pl.Float64).alias(name) for name in ("top", "low", "depth", "first")],
        *[pl.lit(None, pl.Int32).alias(name) for name in ("top_bar", "start", "opened")],
        links=pl.lit(0, pl.Int32),
        quotients=pl.lit(0.0),
    )
    for lag in reversed(range(rules.last)):
        state = _step(state, lag, rules, details=details)
    columns = ["top", "top_bar", "low", "links", "first", "depth", "start", "quotients"]
    if details:
        closed = [f"closed{lag}" for lag in reversed(range(rules.last))]
        state = state.with_columns(closed=pl.concat_list(closed).list.drop_nulls())
        columns += ["closed", "opened"]
    return state.select(columns)


def patterns(
    rows: pl.DataFrame, scored: pl.Series, swings: Swings, rules: ContractionRules
) -> pl.DataFrame:
    """For each row where `scored`, its pivot and pattern (prices adjusted, depths fractions).

    Columns: epoch, pivot_high, pivot_row, pivot_low, state, contractions_count, first_depth,
    last_depth, ratio, base_start (row), base_length (rows), confirmed, pattern. All but
    confirmed and pattern are null while no swing high is known.
    """
    cells = _running(rows, scored, swings.epochs, rules)
    if not len(swings.frame):
        swings = Swings(swings.frame.clear(n=1), swings.epochs)
    needed = cells["epoch"].filter(cells["epoch"] >= 0).unique().sort()
    walked = walk(swings.frame, needed, rules)
    place = pl.select(
        pl.lit(needed.search_sorted(cells["epoch"].clip(0), side="left")).clip(
            0, max(len(needed) - 1, 0)
        )
    ).to_series()
    at = cells["epoch"].clip(0)
    age = cells["row"] - swings.frame["known_row"].gather(at)
    usable = (
        (cells["epoch"] >= 0)
        & (swings.frame["known_row"].gather(at) >= cells["segment"])
        & (age <= rules.max_age)
        & (cells["pos"] - swings.frame["known_pos"].gather(at) <= AGE_REACH)
    )
    place = pl.select(pl.when(pl.lit(usable)).then(pl.lit(place))).to_series()
    cells = cells.with_columns(
        *[
            walked[name].gather(place).alias(name)
            for name in ("top", "top_bar", "low", "links", "first", "depth", "start", "quotients")
        ]
    )
    return _pattern(_open(cells.lazy(), rules), rules).collect()


def _with_history(swings: pl.DataFrame, epochs: pl.Series, rules: ContractionRules) -> pl.DataFrame:
    """Of each epoch its last swing highs: high, bar, low, whether usable and whether it counts."""
    newest = swings.select("known_row", "known_pos", "segment")[epochs]
    columns: dict[str, pl.Series] = {}
    for lag in range(rules.last):
        at = (epochs - lag).clip(0)
        old = swings.select("bar", "high", "low", "segment", "first_pos")[at]
        usable = (
            (epochs >= lag)
            & (old["segment"] == newest["segment"])
            & (newest["known_row"] - old["bar"] <= rules.window)
            & (newest["known_pos"] - old["first_pos"] <= BASE_REACH)
        )
        columns |= {f"bar{lag}": old["bar"], f"high{lag}": old["high"], f"low{lag}": old["low"]}
        columns[f"usable{lag}"] = usable
    state = pl.DataFrame(columns)
    lags = range(rules.last)
    highest = pl.max_horizontal([pl.when(f"usable{lag}").then(f"high{lag}") for lag in lags])
    return state.with_columns(
        (pl.col(f"usable{lag}") & at_least(pl.col(f"high{lag}"), highest * (1 - rules.near))).alias(
            f"counts{lag}"
        )
        for lag in lags
    )


def _step(state: pl.DataFrame, lag: int, rules: ContractionRules, *, details: bool) -> pl.DataFrame:
    """Walk on to the next newer swing high."""
    high, bar = pl.col(f"high{lag}"), pl.col(f"bar{lag}")
    counts, top, depth = pl.col(f"counts{lag}"), pl.col("top"), pl.col("depth")
    lower = pl.min_horizontal("low", f"low{lag}")
    d = 1 - lower / top
    state = state.with_columns(
        _d=d,
        _lower=lower,
        _opens=counts & top.is_null(),
        _closes=(counts & ~below(d, rules.min_depth)).fill_null(False),
        _merges=(counts & below(d, rules.min_depth)).fill_null(False),
    ).with_columns(
        _shrinks=(pl.col("_closes") & at_most(pl.col("_d"), depth * rules.shrink)).fill_null(False)
    )
    d, opens, closes, shrinks = (pl.col(c) for c in ("_d", "_opens", "_closes", "_shrinks"))
    taken = opens | closes | (pl.col("_merges") & at_least(high, top)).fill_null(False)
    changes = {
        "links": pl.when(shrinks).then(pl.col("links") + 1).when(closes).then(1).otherwise("links"),
        "first": pl.when(closes & ~shrinks).then(d).otherwise("first"),
        "start": pl.when(closes & ~shrinks).then("top_bar").otherwise("start"),
        "quotients": pl.when(shrinks)
        .then(pl.col("quotients") + d / depth)
        .when(closes)
        .then(0.0)
        .otherwise("quotients"),
        "depth": pl.when(closes).then(d).otherwise("depth"),
        "top": pl.when(taken).then(high).otherwise("top"),
        "top_bar": pl.when(taken).then(bar).otherwise("top_bar"),
        "low": pl.when(opens | closes)
        .then(None)
        .when(top.is_not_null() & pl.col(f"usable{lag}"))
        .then("_lower")
        .otherwise("low"),
    }
    if details:
        contraction = pl.struct(
            "opened", bar="top_bar", high="top", low="_lower", end=bar, depth="_d"
        )
        changes["opened"] = pl.when(opens | closes).then(bar).otherwise("opened")
        changes[f"closed{lag}"] = pl.when(closes).then(contraction)
    return state.with_columns(**changes)


def _running(
    rows: pl.DataFrame, scored: pl.Series, epochs: pl.Series, rules: ContractionRules
) -> pl.DataFrame:
    """Per scored row the lowest low since the newest swing's bar, and the highest closes before.

    An epoch older than `max_age` isn't used, so that no row further back is needed.
    """
    epoch = pl.col("epoch")
    frame = rows.select(
        "row", "pos", "segment", "n", "close", "low", "activity", epoch=epochs.set_sorted()
    )
    reach = max(rules.max_age + rules.k, rules.confirm_window) + 1
    frame, wanted = near(frame, scored, reach)
    frame = frame.with_columns(
        volume_before=mean("activity", rules.confirm_window, lag=1),
        lowest=pl.col("low").rolling_min(rules.k),
        highest=pl.col("close"),
    )
    frame = frame.with_columns(
        pl.col("lowest").cum_min().over("epoch"), pl.col("highest").cum_max().over("epoch")
    )

    def earlier(lag: int) -> pl.Expr:
        return pl.when(epoch == epoch.shift(lag)).then(pl.col("highest").shift(lag))

    frame = frame.with_columns(before=earlier(1), long_before=earlier(rules.recent + 1))
    return frame.filter(wanted)


def _open(cells: pl.LazyFrame, rules: ContractionRules) -> pl.LazyFrame:
    """The open contraction of each row, and the run it ends."""
    top = pl.col("top")
    cells = cells.with_columns(
        pivot_low=pl.when(top.is_not_null()).then(pl.min_horizontal("low", "lowest")),
    ).with_columns(last_depth=1 - pl.col("pivot_low") / top)
    last, depth = pl.col("last_depth"), pl.col("depth")
    return cells.with_columns(
        joins=at_most(last, depth * rules.shrink).fill_null(False),
        fresh=~above(pl.col("before"), top).fill_null(False),
        long_fresh=~above(pl.col("long_before"), top).fill_null(False),
        over=above(pl.col("close"), top),
        in_range=at_most(pl.col("close"), top * rules.extended),
    )


def _pattern(cells: pl.LazyFrame, rules: ContractionRules) -> pl.LazyFrame:
    """The columns of `patterns`."""
    joins, top, last = pl.col("joins"), pl.col("top"), pl.col("last_depth")
    fresh, over = pl.col("fresh"), pl.col("over")
    recent = ~fresh & pl.col("long_fresh") & pl.col("in_range")
    codes = (
        pl.when(fresh & ~over)
        .then(pl.lit(0, pl.UInt8))
        .when(fresh)
        .then(pl.lit(1, pl.UInt8))
        .when(recent)
        .then(pl.lit(2, pl.UInt8))
        .otherwise(pl.lit(3, pl.UInt8))
    )
    known = top.is_not_null()
    start = pl.when(joins).then("start").otherwise("top_bar")
    ratio = (pl.col("quotients") + last / pl.col("depth")) / pl.col("links")
    cells = cells.select(
        "epoch",
        pivot_high=top,
        pivot_row="top_bar",
        pivot_low="pivot_low",
        state=pl.when(known).then(codes).cat.to(STATES),
        contractions_count=pl.when(known).then(
            pl.when(joins).then(pl.col("links") + 1).otherwise(1)
        ),
        first_depth=pl.when(joins).then("first").otherwise(last),
        last_depth=last,
        ratio=pl.when(joins).then(ratio),
        base_start=start,
        base_length=pl.col("row") - start,
        confirmed=(
            fresh
            & over
            & pl.col("in_range")
            & at_least(pl.col("activity"), pl.col("volume_before") * rules.confirm_volume)
        ).fill_null(False),
    )
    pattern = (
        (pl.col("contractions_count") >= rules.min_count)
        & (pl.col("contractions_count") <= rules.max_count)
        & at_most(pl.col("last_depth"), rules.max_last)
        & at_most(pl.col("first_depth"), rules.max_first)
        & (pl.col("base_length") >= rules.min_base)
        & (pl.col("state") != "spent")
    )
    return cells.with_columns(pattern=pattern.fill_null(False))
