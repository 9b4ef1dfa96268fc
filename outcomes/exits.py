"""How a purchase ends: stop, target, time, or the stock's leaving the market."""

from __future__ import annotations

import polars as pl

from outcomes.levels import reached
from outcomes.rows import Rows, taken
from outcomes.rules import TradeRules

_SO_FAR = ["high_so_far", "low_so_far"]
_BAR = ["ordinal", "open", "high", "low", "close", "sellable", "price_0930"]


def exits(bought: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """signal, status, reason, end (row), end_price and ended of each purchase; held: filled.

    In one bar the opening comes first, then the stop, then the target, then the time: what the
    bar leaves open counts as the stop. `ended` is the ordinal it ended at, if not that of its row.
    `bought`: signals with FILL's columns, the chain of their session, target and stop.
    """
    looked = _rows_ahead(bought, rows)
    hits = (
        looked.filter("sellable")
        .with_columns(**_conditions())
        .with_columns(kind=_kind())
        .filter(pl.col("kind").is_not_null())
        .unique("signal", keep="first", maintain_order=True)
        .with_columns(**_results(rules))
        .select(
            "signal",
            "status",
            "reason",
            end="at",
            end_price="end_price",
            ended=pl.lit(None, pl.Int32),
        )
    )
    held = bought.join(hits, on="signal", how="anti")
    return pl.concat([hits, _held(held, rows).select(hits.columns)])


def _rows_ahead(bought: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Every row until the time is up, and if that can't be sold in, the first after it that can."""
    bars = rows.frame
    told = bought.hstack(taken(bars, bought["row"], "ends", filled="ordinal"))
    last = pl.min_horizontal(pl.col("row") + (pl.col("due") - pl.col("filled")), "ends")
    told = told.with_columns(last=last.cast(pl.Int32))
    told = told.with_columns(tail=taken(bars, told["last"], "sells")["sells"])
    ahead = _ranges(pl.col("start"), pl.col("last") + 1)
    after = pl.when(pl.col("tail") > pl.col("last")).then(pl.concat_list(ahead, "tail"))
    names = ["signal", "row", "due", "at_open", "close_only", "target", "stop", "chain", *_SO_FAR]
    looked = told.select(*names, at=after.otherwise(ahead)).explode("at", empty_as_null=False)
    found = looked.hstack(taken(bars, looked["at"], *_BAR, chain_="chain"))
    scale = pl.col("chain_") / pl.col("chain")
    return found.with_columns(target=pl.col("target") * scale, stop=pl.col("stop") * scale)


def _ranges(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    return pl.int_ranges(start, pl.max_horizontal(start, end), dtype=pl.Int32)


def _conditions() -> dict[str, pl.Expr]:
    """What happened in a bar; the bar of the purchase has no opening after it."""
    later, close_only = pl.col("at") > pl.col("row"), pl.col("close_only")
    target, stop, close = pl.col("target"), pl.col("stop"), pl.col("close")
    # A bar of a session bought in tells what came after the purchase only by its close, and by a
    # level that wasn't reached before.
    new_low = (pl.col("low_so_far") > stop).fill_null(False)
    new_high = (pl.col("high_so_far") < target).fill_null(False)
    lowest = pl.when(close_only & ~new_low).then(close).otherwise("low")
    highest = pl.when(close_only & ~new_high).then(close).otherwise("high")
    due = pl.col("ordinal") >= pl.col("due")
    found = {
        "opened_stop": later & reached(stop, pl.col("open")),
        "opened_target": later & reached(pl.col("open"), target),
        "due_open": later & due & pl.col("at_open"),
        "touched_stop": reached(stop, lowest),
        "touched_target": reached(highest, target),
        "due_close": due & ~pl.col("at_open"),
    }
    return {name: condition.fill_null(False) for name, condition in found.items()}


def _kind() -> pl.Expr:
    """The first of the conditions that holds, in the order of a session."""
    order = (
        "opened_stop",
        "opened_target",
        "due_open",
        "touched_stop",
        "touched_target",
        "due_close",
    )
    found: pl.Expr = pl.lit(None, pl.String)
    for name in reversed(order):
        found = pl.when(name).then(pl.lit(name)).otherwise(found)
    return found


def _results(rules: TradeRules) -> dict[str, pl.Expr]:
    kind = pl.col("kind")
    at_0930 = rules.closing_bet.exit == "next_0930"
    opening = pl.coalesce("price_0930", "open") if at_0930 else pl.col("open")
    opened = "next_0930" if at_0930 else "next_open"
    is_0930 = pl.lit(at_0930) & pl.col("price_0930").is_not_null()
    both = pl.when("touched_target").then(pl.lit("stop_and_target")).otherwise(pl.lit("stop"))
    return {
        "status": kind.replace_strict(
            {
                "opened_stop": "stopped",
                "touched_stop": "stopped",
                "opened_target": "target",
                "touched_target": "target",
                "due_open": "expired",
                "due_close": "expired",
            },
            return_dtype=pl.String,
        ),
        "reason": pl.when(kind == "touched_stop")
        .then(both)
        .when(kind == "touched_target")
        .then(pl.lit("target"))
        .when(kind == "due_open")
        .then(pl.when(is_0930).then(pl.lit(opened)).otherwise(pl.lit("next_open")))
        .when(kind == "due_close")
        .then(pl.lit("time_limit"))
        .otherwise(
            kind.replace(
                {"opened_stop": "opened_beyond_stop", "opened_target": "opened_beyond_target"}
            )
        ),
        "end_price": pl.when(kind.is_in(["opened_stop", "opened_target"]))
        .then("open")
        .when(kind == "due_open")
        .then(opening)
        .when(kind == "touched_stop")
        .then("stop")
        .when(kind == "touched_target")
        .then("target")
        .otherwise("close"),
    }


def _held(held: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Still held; or the stock is gone, and counts as sold at the last close it was traded at.

    It ends in the session that makes its absence known: before that nobody could have told.
    """
    bars = rows.frame
    now = held.select("signal", "row").hstack(taken(bars, held["row"], "ends", "gone"))
    last = taken(bars, now["ends"], "last_traded", "traded", "chain", last_close="close")
    now = now.hstack(last)
    sold = taken(bars, now["last_traded"], sold_close="close", sold_chain="chain")
    gone = pl.col("gone").is_not_null()
    return now.hstack(sold).select(
        "signal",
        status=pl.when(gone).then(pl.lit("expired")).otherwise(pl.lit("filled")),
        reason=pl.when(gone)
        .then(pl.lit("delisted"))
        .when(~pl.col("traded"))
        .then(pl.lit("halted")),
        end="ends",
        end_price=pl.when(gone)
        .then(pl.col("sold_close") * pl.col("chain") / pl.col("sold_chain"))
        .otherwise("last_close"),
        ended="gone",
    )
