"""market_gate: how rough the market is, 0-100, as GREEN, YELLOW or RED."""

from __future__ import annotations

import polars as pl

from scanners.grading import above, at_least, below
from scanners.rules import MarketGateRules, Ramp

INDICES = ("KOSPI", "KOSDAQ")
STATUSES = ("GREEN", "YELLOW", "RED")

JSON_DECIMALS = 6  # rolling means differ in their last digits with the panel's start


def breadth(cells: pl.DataFrame, rules: MarketGateRules) -> pl.DataFrame:
    """By session position: advancers, decliners, above (share over their average) and sectors.

    `cells` are the eligible stocks with pos, chg, above_average and sector. `sectors` lists
    name and mean change (a fraction) of each sector with enough members, by name.
    """
    sums = (
        cells.group_by("pos")
        .agg(
            advancers=(pl.col("chg") > 0).sum(),
            decliners=(pl.col("chg") < 0).sum(),
            above=pl.col("above_average").mean(),
        )
        .sort("pos")
    )
    sectors = (
        cells.filter(pl.col("sector").is_not_null(), pl.col("chg").is_not_null())
        .group_by("pos", "sector")
        .agg(change=pl.col("chg").mean(), members=pl.len())
        .filter(pl.col("members") >= rules.sector_members)
        .select("pos", "change", name=pl.col("sector").cast(pl.String))
        .sort("pos", "name")
        .group_by("pos", maintain_order=True)
        .agg(sectors=pl.struct("name", "change"))
    )
    return sums.join(sectors, on="pos", how="left", maintain_order="left")


def gate(
    index_bars: pl.DataFrame,
    stocks: pl.DataFrame,
    sessions: pl.Series,
    first: int,
    rules: MarketGateRules,
    previous: str | None,
) -> pl.DataFrame:
    """One row a session from position `first` on: level, colours, index figures and parts.

    `previous` is the colour of the session before, from which hysteresis goes on; without it
    the history starts YELLOW. Changes in `…_change_pct` are percent. `parts` is a JSON object
    part -> points, out_of; `sectors` a JSON list of name, signal, change_pct and score.
    """
    frame = pl.DataFrame({"session": sessions}).with_row_index("pos")
    frame = frame.with_columns(pl.col("pos").cast(pl.Int32))
    for index in INDICES:
        closes = index_bars.filter(pl.col("index") == index).select(
            "session", pl.col("close").alias(f"{index}_close")
        )
        frame = frame.join(closes, on="session", how="left", maintain_order="left")
    frame = frame.with_columns(
        expr.alias(f"{index}_{name}")
        for index in INDICES
        for name, expr in _index_points(index, rules).items()
    )
    frame = frame.filter(pl.col("pos") >= first).join(
        stocks, on="pos", how="left", maintain_order="left"
    )
    frame = frame.with_columns(**_stock_points(rules))
    frame = frame.with_columns(level=_level(_pieces(rules), rules.min_known))
    frame = frame.with_columns(status=_status(rules, previous))
    for index in INDICES:
        own = [p for p in _pieces(rules) if p[0].startswith(index)]
        level = _level(own, sum(points for _, points in own))
        frame = frame.with_columns(_plain_status(level, rules).alias(f"{index.lower()}_status"))
    return _presented(frame, rules)


def _ramp(x: pl.Expr, ramp: Ramp) -> pl.Expr:
    return ramp.points * ((x - ramp.low) / (ramp.high - ramp.low)).clip(0.0, 1.0)


def _index_points(index: str, rules: MarketGateRules) -> dict[str, pl.Expr]:
    """change and trend points of one index; null while a window lacks a session."""
    close = pl.col(f"{index}_close")
    short, long = close.rolling_mean(rules.short), close.rolling_mean(rules.long)
    one, some = close / close.shift(1) - 1, close / close.shift(rules.change_window) - 1
    return {
        "chg": one,
        "change": _ramp(one, rules.change1) + _ramp(some, rules.change5),
        "trend": _ramp(close / short - 1, rules.over_short)
        + _ramp(close / long - 1, rules.over_long)
        + _ramp(short / long - 1, rules.short_over_long),
    }


def _stock_points(rules: MarketGateRules) -> dict[str, pl.Expr]:
    moved = pl.col("advancers") + pl.col("decliners")
    share = pl.when(moved > 0).then(pl.col("advancers") / moved)
    change = pl.element().struct.field("change")
    up = pl.col("sectors").list.eval(above(change, rules.sector_move)).list.sum()
    down = pl.col("sectors").list.eval(below(change, -rules.sector_move)).list.sum()
    count = pl.col("sectors").list.len()
    balance = (up.cast(pl.Float64) - down.cast(pl.Float64)) / count
    return {
        "advancing": _ramp(share, rules.advancers),
        "over_average": _ramp(pl.col("above"), rules.above_average),
        "sector_points": pl.when(count > 0).then(
            rules.sector_points * (0.5 + balance).clip(0.0, 1.0)
        ),
    }


def _pieces(rules: MarketGateRules) -> list[tuple[str, float]]:
    """The columns that are known or missing as one, and their points."""
    change = rules.change1.points + rules.change5.points
    trend = rules.over_short.points + rules.over_long.points + rules.short_over_long.points
    pieces = [(f"{index}_change", change) for index in INDICES]
    pieces += [(f"{index}_trend", trend) for index in INDICES]
    pieces += [("advancing", rules.advancers.points)]
    pieces += [("over_average", rules.above_average.points)]
    return [*pieces, ("sector_points", rules.sector_points)]


def _level(pieces: list[tuple[str, float]], least: float) -> pl.Expr:
    points = pl.sum_horizontal(name for name, _ in pieces)
    known = pl.sum_horizontal(
        pl.when(pl.col(name).is_not_null()).then(worth).otherwise(0.0) for name, worth in pieces
    )
    return pl.when(at_least(known, least)).then(points / known * 100)


def _status(rules: MarketGateRules, previous: str | None) -> pl.Expr:
    """The colours, with hysteresis; null where the level is."""
    level = pl.col("level")

    def flag(on: pl.Expr, off: pl.Expr, start: bool) -> pl.Expr:
        return pl.when(on).then(True).when(off).then(False).forward_fill().fill_null(start)

    green = flag(
        at_least(level, rules.green),
        below(level, rules.green - rules.hysteresis),
        previous == "GREEN",
    )
    red = flag(
        below(level, rules.red), at_least(level, rules.red + rules.hysteresis), previous == "RED"
    )
    colour = pl.when(green).then(pl.lit("GREEN")).when(red).then(pl.lit("RED"))
    return pl.when(level.is_not_null()).then(colour.otherwise(pl.lit("YELLOW")))


def _plain_status(level: pl.Expr, rules: MarketGateRules) -> pl.Expr:
    green = pl.when(at_least(level, rules.green)).then(pl.lit("GREEN"))
    colour = green.when(below(level, rules.red)).then(pl.lit("RED"))
    return pl.when(level.is_not_null()).then(colour.otherwise(pl.lit("YELLOW")))


def _presented(frame: pl.DataFrame, rules: MarketGateRules) -> pl.DataFrame:
    change = pl.element().struct.field("change")
    bullish = pl.when(above(change, rules.sector_move)).then(pl.lit("bullish"))
    signal = bullish.when(below(change, -rules.sector_move)).then(pl.lit("bearish"))
    sector = pl.struct(
        pl.element().struct.field("name"),
        signal.otherwise(pl.lit("neutral")).alias("signal"),
        (change * 100).round(JSON_DECIMALS).alias("change_pct"),
        (50 + rules.sector_score_slope * change * 100)
        .clip(0.0, 100.0)
        .round(JSON_DECIMALS)
        .alias("score"),
    )
    worth = dict(_pieces(rules))
    parts = {
        "change": [f"{index}_change" for index in INDICES],
        "trend": [f"{index}_trend" for index in INDICES],
        "breadth": ["advancing", "over_average"],
        "sectors": ["sector_points"],
    }
    return frame.select(
        "session",
        "level",
        "status",
        "kospi_status",
        "kosdaq_status",
        kospi_close="KOSPI_close",
        kospi_change_pct=pl.col("KOSPI_chg") * 100,
        kosdaq_close="KOSDAQ_close",
        kosdaq_change_pct=pl.col("KOSDAQ_chg") * 100,
        sectors=pl.struct(s=pl.col("sectors").fill_null([]).list.eval(sector))
        .struct.json_encode()
        .str.strip_prefix('{"s":')
        .str.strip_suffix("}"),
        parts=pl.struct(_part(columns, worth).alias(name) for name, columns in parts.items())
        .struct.json_encode()
        .str.replace_all(',"missing":null', "", literal=True),
    )


def _part(columns: list[str], worth: dict[str, float]) -> pl.Expr:
    unknown = pl.all_horizontal(pl.col(name).is_null() for name in columns)
    some = [
        pl.when(pl.col(name).is_not_null()).then(worth[name]).otherwise(0.0) for name in columns
    ]
    reason = "too few sessions of the indices or too few stocks"
    return pl.struct(
        pl.when(~unknown).then(pl.sum_horizontal(columns).round(JSON_DECIMALS)).alias("points"),
        pl.when(unknown)
        .then(sum(worth[name] for name in columns))
        .otherwise(pl.sum_horizontal(some))
        .alias("out_of"),
        pl.when(unknown).then(pl.lit(reason)).alias("missing"),
    )
