"""daytrading: seven checks, each passed, partial, failed or missing, 0-105."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from itertools import pairwise

import polars as pl

from market.prices import round_down_expr, round_up_expr
from scanners.grading import above, at_least, at_most, gate, grade, known, total
from scanners.rules import DaytradingRules, Rules

PARTS = ("volume", "momentum", "box", "average5", "net_buying", "rebound", "sector")
GATES = ("liquidity", "value", "up", "room")


@dataclass(frozen=True)
class InSession:
    """A scan during the newest session: the time of its data (KST) and the share of a day's
    volume that is usually traded by then."""

    time: time
    expected_share: float

    def usable(self, rules: DaytradingRules) -> bool:
        """Whether volume so far says anything yet."""
        early = self.time < time.fromisoformat(rules.earliest)
        return not early and self.expected_share >= rules.min_share


def expected_share(moment: time, rules: DaytradingRules) -> float:
    """The share of a day's volume traded by `moment` (KST), by the table, interpolated."""
    table = [(_minutes(time.fromisoformat(clock)), share) for clock, share in rules.expected_share]
    now = _minutes(moment)
    if now <= table[0][0]:
        return table[0][1]
    for (start, low), (end, high) in pairwise(table):
        if now <= end:
            return low + (high - low) * (now - start) / (end - start)
    return table[-1][1]


def score(
    cells: pl.DataFrame, rules: Rules, in_session: InSession | None = None, newest: int = -1
) -> pl.DataFrame:
    """Score, grade, gates, checks and levels (won as traded), for each cell in order.

    With `in_session`, volume and value of the session at position `newest` are so far, and are
    divided by the expected share, or count as unknown where that says nothing yet.
    """
    d = rules.daytrading
    lazy = cells.lazy().with_columns(**_whole_day(d, in_session, newest))
    lazy = lazy.with_columns(**_checks(d))
    close, entry = pl.col("close"), pl.col("traded_close")
    lazy = lazy.with_columns(
        score=total(*[pl.col(name) for name in PARTS]),
        out_of=known(*[(pl.col(name), d.passed) for name in PARTS]),
        gate_liquidity=at_least(pl.col("value20"), rules.universe.min_value20),
        gate_value=at_least(pl.col("value_day"), d.min_value),
        gate_up=pl.col("chg") > 0,
        gate_room=at_most(entry * d.target, pl.col("upper_limit")),
    )
    on = [name for name in GATES if getattr(d.gates, name)]
    strong = (pl.col("volume") == d.passed) & (
        (pl.col("momentum") == d.passed) | (pl.col("rebound") == d.passed).fill_null(False)
    )
    lazy = lazy.with_columns(
        grade=grade(
            pl.col("score"),
            pl.col("out_of"),
            gate(*[pl.col(f"gate_{name}") for name in on]),
            full=d.full,
            min_out_of=d.min_out_of,
            grades=d.grades,
            cap_to_b=~strong.fill_null(False),
        ),
        ratio=pl.col("score") / pl.col("out_of"),
    )
    scored = lazy.select(
        "score",
        "out_of",
        "ratio",
        "grade",
        entry.alias("entry"),
        round_down_expr(entry * d.target).alias("target"),
        round_up_expr(entry * d.stop).alias("stop"),
        *PARTS,
        *[f"gate_{name}" for name in GATES],
        volume_ratio=pl.col("activity_day") / pl.col("activity_before"),
        high_ratio=close / pl.col("high_before"),
        net5=pl.col("net5"),
        chg_before=pl.col("chg_before"),
        sector_rank=pl.col("sector_rank"),
        sector_members=pl.col("sector_members"),
    )
    return scored.collect()


def _whole_day(d: DaytradingRules, in_session: InSession | None, newest: int) -> dict[str, pl.Expr]:
    """activity_day and value_day: of the whole session, estimated while it lasts."""
    names = {"activity_day": "activity", "value_day": "value"}
    if in_session is None:
        return {name: pl.col(column) for name, column in names.items()}
    share = in_session.expected_share if in_session.usable(d) else None
    today = pl.col("pos") == newest
    return {
        name: pl.when(today).then(pl.col(column) / share).otherwise(column)
        if share is not None
        else pl.when(~today).then(column)
        for name, column in names.items()
    }


def _checks(d: DaytradingRules) -> dict[str, pl.Expr]:
    close, high, low = pl.col("close"), pl.col("high_before"), pl.col("low_before")
    chg, before = pl.col("chg"), pl.col("chg_before")
    volume, usual = pl.col("activity_day"), pl.col("activity_before")
    net, rank = pl.col("net5"), pl.col("sector_rank")
    members = pl.col("sector_members")
    average = pl.col("average")

    def check(passed: pl.Expr, partial: pl.Expr) -> pl.Expr:
        unknown = passed.is_null() | partial.is_null()
        points = pl.when(passed).then(d.passed).when(partial).then(d.partial).otherwise(0.0)
        return pl.when(~unknown).then(points)

    return {
        "volume": check(
            at_least(volume, usual * d.volume_passed), at_least(volume, usual * d.volume_partial)
        ),
        "momentum": check(
            above(close, high),
            above(pl.col("high"), high) | at_least(close, high * d.momentum_near),
        ),
        "box": check(at_least(close, high), at_least(close, (high + low) / 2)),
        "average5": check(above(close, average), at_least(close, average * d.average_near)),
        "net_buying": check(
            at_least(net, d.net_buying_passed), at_least(net, d.net_buying_partial)
        ),
        "rebound": pl.when(before.is_not_null() & chg.is_not_null()).then(
            check(
                at_most(before, d.rebound_fall) & at_least(chg, d.rebound_rise),
                at_most(before, d.rebound_partial_fall) & (chg > 0),
            )
        ),
        "sector": check(
            at_most(rank, members * d.sector_passed), at_most(rank, members * d.sector_partial)
        ),
    }


def _minutes(moment: time) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60
