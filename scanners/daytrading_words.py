"""What a daytrading signal says of itself."""

from __future__ import annotations

import polars as pl

from scanners.daytrading import PARTS
from scanners.rules import Rules
from scanners.words import NO_NET_BUYING, as_json, failed, flags, part, percent, said, when

GATES = {
    "liquidity": "traded value of 20 sessions too small",
    "value": "traded value of the session too small",
    "up": "not above the base price",
    "room": "target beyond the session's price limit",
}
MISSING = {
    "volume": "volume so far says nothing yet",
    "net_buying": NO_NET_BUYING,
    "rebound": "the change of this or the last session isn't known",
    "sector": "no sector, or too few members",
}


def describe(chosen: pl.DataFrame, sessions: pl.Series, rules: Rules) -> pl.DataFrame:
    """parts, reasons and flags of the chosen cells (scores and panel columns side by side)."""
    d = rules.daytrading
    details = {
        "volume": {"ratio": pl.col("volume_ratio").round(3)},
        "momentum": {"close_to_high": pl.col("high_ratio").round(4)},
        "net_buying": {
            "won": pl.col("net5").cast(pl.Int64),
            "q": pl.lit(sessions).gather(pl.col("q")).cast(pl.String),
        },
        "rebound": {
            "change": pl.col("chg").round(5),
            "change_before": pl.col("chg_before").round(5),
        },
        "sector": {"rank": pl.col("sector_rank"), "members": pl.col("sector_members")},
    }
    parts = {
        name: part(
            name,
            d.passed,
            MISSING.get(name, "too little history"),
            status=_status(name, d.passed),
            **details.get(name, {}),
        )
        for name in PARTS
    }
    full = {name: pl.col(name) == d.passed for name in PARTS}
    reasons = said(
        when(
            pl.col("volume") > 0,
            "volume {} times its 20-session mean",
            pl.col("volume_ratio").round(1),
        ),
        when(full["momentum"], "close above the high of 20 sessions"),
        when(pl.col("momentum") == d.partial, "close near the high of 20 sessions"),
        when(full["average5"], "above the 5-session average"),
        when(
            full["rebound"],
            "rebound: {} % after {} %",
            percent(pl.col("chg")),
            percent(pl.col("chg_before")),
        ),
        when(
            pl.col("net_buying") > 0,
            "foreigners and institutions bought {} billion won in five sessions",
            (pl.col("net5") / 1e9).round(1),
        ),
        when(
            pl.col("sector") > 0,
            "{} of {} in its sector over five sessions",
            pl.col("sector_rank"),
            pl.col("sector_members"),
        ),
        when(pl.col("net_buying").is_null(), f"net buying missing: {NO_NET_BUYING}"),
        when(pl.col("sector").is_null(), f"sector missing: {MISSING['sector']}"),
        when(pl.col("volume").is_null(), f"volume missing: {MISSING['volume']}"),
        *failed(GATES),
    )
    return chosen.select(as_json(parts, list(GATES)), reasons, flags(chosen.columns))


def _status(name: str, passed: float) -> pl.Expr:
    points = pl.col(name)
    return (
        pl.when(points.is_null())
        .then(pl.lit("missing"))
        .when(points == passed)
        .then(pl.lit("passed"))
        .when(points > 0)
        .then(pl.lit("partial"))
        .otherwise(pl.lit("failed"))
    )
