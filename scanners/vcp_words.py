"""What a vcp signal says of itself: its parts with each contraction, and its reasons."""

from __future__ import annotations

import polars as pl

from market.prices import upper_limit_expr
from scanners.contractions import Swings, walk
from scanners.rules import Rules
from scanners.vcp import out_of_parts
from scanners.words import NO_NET_BUYING, as_json, failed, flags, part, percent, said, when

GATES = {
    "pattern": "no contraction pattern",
    "template": "too few trend conditions",
    "liquidity": "traded value of 20 sessions too small",
}


def describe(
    chosen: pl.DataFrame, rows: pl.DataFrame, swings: Swings, sessions: pl.Series, rules: Rules
) -> pl.DataFrame:
    """parts, reasons and flags of the chosen cells (scores and panel columns side by side)."""
    v, worth = rules.vcp, out_of_parts(rules.vcp)
    told = chosen.hstack(_contractions(chosen, rows, swings, sessions, rules))
    day = pl.lit(sessions)
    price, low = pl.col("pivot_price").round(2), pl.col("pivot_low").round(2)
    state = pl.col("state").cast(pl.String)
    q = day.gather(pl.col("q")).cast(pl.String)
    parts = {
        "trend": part(
            "trend",
            worth["trend"],
            f"fewer than {v.template.rows} sessions of history",
            conditions=pl.col("template"),
            rs=pl.col("rs").round(2),
        ),
        "contractions": part(
            "contractions", worth["contractions"], "", count=pl.col("contractions_count")
        ),
        "volume_dry_up": part(
            "volume_dry_up",
            worth["volume_dry_up"],
            "too little history",
            ratio=pl.col("dry_up_used").round(4),
        ),
        "tightness": part(
            "tightness",
            worth["tightness"],
            "too little history",
            atr_ratio=pl.col("atr_ratio").round(4),
            band_place=pl.col("band_place").round(4),
        ),
        "pivot": part("pivot", worth["pivot"], "", price=price, low=low, state=state),
        "smart_money": part(
            "smart_money",
            worth["smart_money"],
            NO_NET_BUYING,
            foreign_share=pl.col("foreign_share").round(5),
            institution_share=pl.col("institution_share").round(5),
            streak=pl.col("streak"),
            q=q,
        ),
        "pattern": pl.struct(
            contractions=pl.col("told").fill_null([]),
            pivot=price,
            low=low,
            state=state,
            rs=pl.col("rs").round(2),
            q=q,
        ),
    }
    depths = (
        pl.col("told")
        .list.eval(percent(pl.element().struct.field("depth")).cast(pl.String) + " %")
        .list.join(", ")
    )
    extended = pl.col("pattern") & pl.col("entry").is_null()
    reasons = said(
        when(pl.col("pattern"), "{} contractions: {}", pl.col("contractions_count"), depths),
        when(pl.col("pattern"), "{}, pivot {} won", state, price.round(0).cast(pl.Int64)),
        when(pl.col("confirmed"), "breakout confirmed by volume"),
        when(
            pl.col("template").is_not_null(),
            "{} of 8 trend conditions, relative strength {}",
            pl.col("template"),
            pl.col("rs").round(1),
        ),
        when(
            pl.col("volume_dry_up") > 0,
            "volume dried up to {} % of usual",
            percent(pl.col("dry_up_used"), 0).cast(pl.Int64),
        ),
        when(
            pl.col("smart_money") > 0,
            "foreigners {} %, institutions {} % of five sessions' trade",
            percent(pl.col("foreign_share")),
            percent(pl.col("institution_share")),
        ),
        when(pl.col("smart_money").is_null(), f"smart money missing: {NO_NET_BUYING}"),
        when(extended, "extended: too far above the pivot, no levels"),
        when(
            pl.col("target") > upper_limit_expr(pl.col("limit_base")),
            "target is beyond the session's price limit",
        ),
        *failed(GATES),
    )
    return told.select(as_json(parts, list(GATES)), reasons, flags(told.columns))


def _contractions(
    chosen: pl.DataFrame, rows: pl.DataFrame, swings: Swings, sessions: pl.Series, rules: Rules
) -> pl.DataFrame:
    """`told`: the run of each cell as a list of {high_on, low_on, depth}, oldest first."""
    frame = chosen.select(
        "epoch", "contractions_count", "pivot_row", "row", "last_depth", "open_low"
    )
    frame = frame.with_row_index("cell")
    needed = frame["epoch"].filter(frame["epoch"] >= 0).unique().sort()
    walked = walk(swings.frame, needed, rules.vcp.contractions, details=True)
    closed = walked.select("closed", "opened", epoch=pl.lit(needed))
    open_ = pl.struct("opened", bar="pivot_row", low="open_low", end="row", depth="last_depth")
    earlier = pl.element().struct
    listed = (
        frame.join(closed, on="epoch", how="left", maintain_order="left")
        .with_columns(
            closed=pl.col("closed")
            .list.tail(pl.col("contractions_count").fill_null(1) - 1)
            .list.eval(
                pl.struct(
                    opened=earlier.field("opened"),
                    bar=earlier.field("bar"),
                    low=earlier.field("low"),
                    end=earlier.field("end"),
                    depth=earlier.field("depth"),
                )
            )
        )
        .select("cell", each=pl.concat_list("closed", pl.concat_list(open_)))
        .explode("each")
        .unnest("each")
        .drop_nulls("bar")
        .with_row_index("order")
    )
    searched = (
        listed.select("order", "low", at=pl.int_ranges(pl.col("opened") + 1, pl.col("end") + 1))
        .explode("at")
        .with_columns(there=pl.lit(rows["low"]).gather(pl.col("at")))
        .filter(pl.col("there") == pl.col("low"))
        .group_by("order")
        .agg(low_row=pl.col("at").max())
    )
    day, pos = pl.lit(sessions), pl.lit(rows["pos"])
    told = (
        listed.join(searched, on="order", how="left", maintain_order="left")
        .select(
            "cell",
            told=pl.struct(
                high_on=day.gather(pos.gather(pl.col("bar"))).cast(pl.String),
                low_on=day.gather(pos.gather(pl.col("low_row"))).cast(pl.String),
                depth=pl.col("depth").round(5),
            ),
        )
        .group_by("cell", maintain_order=True)
        .agg("told")
    )
    return (
        frame.select("cell").join(told, on="cell", how="left", maintain_order="left").select("told")
    )
