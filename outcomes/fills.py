"""Whether, when and at what price a signal's stock is bought."""

from __future__ import annotations

import polars as pl

from outcomes.levels import reached
from outcomes.rows import Rows, taken
from outcomes.rules import TradeRules

# What a purchase hands on: the row it was made in, its price, the first row that may sell, the
# ordinal its time is up at, whether that is at the opening, and whether only the close counts
# (a scan in the session: its bar doesn't tell what came before it).
FILL = pl.Schema(
    {
        "signal": pl.Int32,
        "status": pl.String,
        "reason": pl.String,
        "row": pl.Int32,
        "price": pl.Float64,
        "start": pl.Int32,
        "due": pl.Int32,
        "at_open": pl.Boolean,
        "close_only": pl.Boolean,
        "ended": pl.Int32,
    }
)


def fills(told: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """FILL's columns, one row a signal in no order.

    status: filled, or open, watch, expired with its reason and in `ended` the ordinal it ended at.
    `told`: signals with signal, place (row of their session, null without a bar) and ordinal.
    """
    without_levels = pl.col("entry").is_null()
    has_bar = pl.col("place").is_not_null()
    usable = told.filter(~without_levels & has_bar)
    at_close = pl.col("as_of").is_in(["close", "final"])
    of = {name: usable.filter(pl.col("scanner") == name) for name in told["scanner"].unique()}
    parts = [
        _never(told.filter(without_levels), "no_levels"),
        _no_bar(told.filter(~without_levels & ~has_bar), rows.newest, rules.gone_after),
    ]
    for name, signals in of.items():
        if name == "closing_bet":
            parts.append(_at_the_close(signals, rows, rules))
        elif name == "daytrading":
            parts.append(_in_session(signals.filter(~at_close), rows))
            parts.append(_watched(signals.filter(at_close), rows, rules))
        else:
            parts.append(_buy_stop(signals, rows, rules))
    return pl.concat([part.select(FILL.names()).cast(FILL) for part in parts])


def _never(signals: pl.DataFrame, reason: str) -> pl.DataFrame:
    return _unfilled(signals, pl.lit("expired"), pl.lit(reason), pl.col("ordinal"))


def _no_bar(signals: pl.DataFrame, newest: int, gone_after: int) -> pl.DataFrame:
    over = newest - pl.col("ordinal") > gone_after
    status = pl.when(over).then(pl.lit("expired")).otherwise(pl.lit("open"))
    return _unfilled(signals, status, pl.lit("no_bar"), pl.when(over).then("ordinal"))


def _unfilled(
    signals: pl.DataFrame, status: pl.Expr, reason: pl.Expr, ended: pl.Expr
) -> pl.DataFrame:
    nulls = {name: pl.lit(None, kind) for name, kind in FILL.items() if name != "signal"}
    return signals.select(
        "signal", **(nulls | {"status": status, "reason": reason, "ended": ended})
    )


def _at_the_close(signals: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """Closing bets: the closing auction of their own session."""
    rule = rules.closing_bet
    hold = rule.hold if rule.exit == "levels" else 1
    bar = taken(rows.frame, signals["place"], "traded", "upper", close_="close")
    found = signals.hstack(bar)
    buyable = pl.col("traded") & (pl.col("close_") != pl.col("upper")).fill_null(True)
    bought = found.filter(buyable).select(
        "signal",
        status=pl.lit("filled"),
        reason=pl.lit(None, pl.String),
        row="place",
        price="close_",
        start=pl.col("place") + 1,
        due=pl.col("ordinal") + hold,
        at_open=pl.lit(rule.exit in ("next_open", "next_0930")),
        close_only=pl.lit(False),
        ended=pl.lit(None, pl.Int32),
    )
    locked = pl.when("traded").then(pl.lit("upper_limit")).otherwise(pl.lit("halted"))
    rest = _unfilled(found.filter(~buyable), pl.lit("expired"), locked, pl.col("ordinal"))
    return _both(bought, rest)


def _in_session(signals: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Day trades found during a session: bought there and then at the signal's price."""
    found = signals.hstack(taken(rows.frame, signals["place"], "traded"))
    bought = found.filter("traded").select(
        "signal",
        status=pl.lit("filled"),
        reason=pl.lit(None, pl.String),
        row="place",
        price=pl.col("entry").cast(pl.Float64),
        start="place",
        due="ordinal",
        at_open=pl.lit(False),
        close_only=pl.lit(True),
        ended=pl.lit(None, pl.Int32),
    )
    return _both(bought, _never(found.filter(~pl.col("traded")), "halted"))


def _watched(signals: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """Day trades of the close: watched until the next session is over, or bought at its opening."""
    over = pl.col("ordinal") < rows.newest
    ended = pl.when(over).then(pl.col("ordinal") + 1)
    waiting = pl.when(over).then(pl.lit("expired")).otherwise(pl.lit("watch"))
    not_bought = pl.when(over).then(pl.lit("watch_over"))
    if rules.daytrading.watch_entry == "never":
        return _unfilled(signals, waiting, not_bought, ended)
    looked = _look(signals, rows, 1).filter("traded")
    between = (pl.col("open") < pl.col("target_")).fill_null(True) & (
        pl.col("open") > pl.col("stop_")
    ).fill_null(True)
    bought = looked.filter(between & _below_limit("open")).select(
        "signal",
        status=pl.lit("filled"),
        reason=pl.lit(None, pl.String),
        row="row",
        price="open",
        start="row",
        due="ordinal",
        at_open=pl.lit(False),
        close_only=pl.lit(False),
        ended=pl.lit(None, pl.Int32),
    )
    rest = signals.join(bought, on="signal", how="anti")
    return _both(bought, _unfilled(rest, waiting, not_bought, ended))


def _buy_stop(signals: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """A resting order, bought at the entry when the price reaches it, or at an open beyond it.

    An opening beyond `chase` × pivot, or at the target or beyond, ends it: it isn't run after.
    """
    rule = rules.vcp
    looked = _look(signals, rows, rule.wait).filter("traded")
    beyond = (
        ~reached(rule.chase * pl.col("pivot_"), pl.col("open"))
        | reached(pl.col("open"), pl.col("target_"))
    ).fill_null(False)
    price = pl.max_horizontal("open", "entry_")
    events = (
        looked.filter(reached(pl.col("high"), pl.col("entry_")))
        .with_columns(beyond=beyond & reached(pl.col("open"), pl.col("entry_")), price=price)
        .filter("beyond" | _below_limit("price"))
        .unique("signal", keep="first", maintain_order=True)
    )
    bought = events.filter(~pl.col("beyond")).select(
        "signal",
        status=pl.lit("filled"),
        reason=pl.lit(None, pl.String),
        row="row",
        price="price",
        start="row",
        due=pl.col("ordinal") + rule.hold,
        at_open=pl.lit(False),
        close_only=pl.lit(False),
        ended=pl.lit(None, pl.Int32),
    )
    missed = _unfilled(
        events.filter("beyond"), pl.lit("expired"), pl.lit("opened_beyond"), pl.col("ordinal")
    )
    rest = signals.join(events, on="signal", how="anti")
    traded = pl.col("signal").is_in(looked["signal"].unique().implode())
    last = pl.col("ordinal") + rule.wait
    over = last <= rows.newest
    return pl.concat(
        [
            _both(bought, missed),
            _unfilled(
                rest,
                pl.when(over).then(pl.lit("expired")).otherwise(pl.lit("open")),
                pl.when(over & ~traded)
                .then(pl.lit("halted"))
                .when(over)
                .then(pl.lit("not_filled")),
                pl.when(over).then(last),
            ).cast(FILL),
        ]
    )


def _look(signals: pl.DataFrame, rows: Rows, sessions: int) -> pl.DataFrame:
    """The rows of the next `sessions` sessions, in order, with levels on each one's scale."""
    place = pl.col("place")
    bars = rows.frame
    told = signals.select(
        "signal", "entry", "target", "stop", "pivot", "chain", told="ordinal", place="place"
    ).with_columns(ends=taken(bars, signals["place"], "ends")["ends"])
    looked = told.with_columns(
        row=pl.int_ranges(
            place + 1, pl.min_horizontal(place + sessions, "ends") + 1, dtype=pl.Int32
        )
    ).explode("row", empty_as_null=False)
    names = ["ordinal", "open", "high", "close", "traded", "upper"]
    found = looked.hstack(taken(bars, looked["row"], *names, chain_="chain"))
    scale = pl.col("chain_") / pl.col("chain")
    return found.filter(pl.col("ordinal") <= pl.col("told") + sessions).with_columns(
        (pl.col(name) * scale).alias(f"{name}_") for name in ("entry", "target", "stop", "pivot")
    )


def _below_limit(price: str) -> pl.Expr:
    """At its upper limit nobody sells."""
    return (pl.col(price) != pl.col("upper")).fill_null(True)


def _both(bought: pl.DataFrame, rest: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([one.select(FILL.names()).cast(FILL) for one in (bought, rest)])
