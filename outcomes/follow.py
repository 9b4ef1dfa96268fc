"""Following every signal to its end, all of them in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from outcomes.exits import exits
from outcomes.fills import fills
from outcomes.rows import Rows, rows_of, taken
from outcomes.rules import TradeRules

KEY = ["session", "as_of", "ticker", "scanner"]
LEVELS = ["entry", "target", "stop", "pivot", "high_so_far", "low_so_far"]
ENDS = ("target", "stopped", "expired")
SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "as_of": pl.String,
        "ticker": pl.String,
        "scanner": pl.String,
        "status": pl.String,
        "reason": pl.String,
        "filled_session": pl.Date,
        "filled_price": pl.Float64,
        "closed_session": pl.Date,
        "closed_price": pl.Float64,
        "factor": pl.Float64,
        "gross_return": pl.Float64,
        "sessions_held": pl.Int32,
        "open_return": pl.Float64,
    }
)
_UNKNOWN = pl.lit(None, pl.Float64)
_OPTIONAL = {
    "as_of": pl.lit("close"),
    "pivot": pl.col("entry").cast(pl.Float64),
    "high_so_far": _UNKNOWN,
    "low_so_far": _UNKNOWN,
}
_BATCH = 20_000  # signals whose rows of all their sessions are held at a time


def follow(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: Sequence[date],
    rules: TradeRules,
    markets: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """What became of each signal by the newest of the bars: one row a signal, in their order.

    Args:
        signals: session, ticker, scanner, entry, target, stop (won as traded in the session, null:
            none), and optionally as_of (default "close"), pivot (default: the entry; won), and
            high_so_far and low_so_far of the session by an as-of within it (won; default: unknown).
        bars: market.schemas.DailyBars of the signals' stocks and, so that it is known which
            sessions are stored, of the market; optionally price_0930 (won). No order is needed.
        markets: `markets_of`, for the price limits before 2023; default: KOSPI's.
        sessions: the exchange's sessions in order, covering signals and bars.

    Returns:
        SCHEMA's columns. `status`: open (the order waits), watch, filled (held), target, stopped,
        expired. `filled_price` and `closed_price` are won as traded in their own sessions;
        `filled_price` × `factor` is on the scale of the closing session, or of the newest row
        while held. `gross_return` is a fraction before costs; `open_return` that of a position
        still held, at its newest close. `closed_session` of a signal that was never filled is the
        session its order ended in, without a price. `sessions_held` counts exchange sessions.

    Why one ended is in `reason`: not_filled, halted, opened_beyond (chase × pivot, or the target),
    upper_limit, watch_over, no_levels, no_bar; stop, stop_and_target (one bar touched both: counts
    as the stop), opened_beyond_stop, target, opened_beyond_target, time_limit, session_close,
    next_open, next_0930, next_close, delisted (sold at the last close it was traded at, in the
    session that makes its absence known). A held stock that is halted says so too.
    """
    rows = rows_of(bars, sessions, signals["ticker"], rules.gone_after, markets)
    return follow_in(signals, rows, rules)


def follow_in(signals: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """`follow` in rows of these stocks (and perhaps more) that `rows_of` made before."""
    missing = [e.alias(name) for name, e in _OPTIONAL.items() if name not in signals.columns]
    at = ["session", "ticker"]
    places = rows.frame.select(*at, "chain", "place").join(signals.select(at), on=at, how="semi")
    told = (
        signals.with_columns(missing)
        .select(*KEY, *LEVELS)
        .with_columns(signal=pl.int_range(pl.len(), dtype=pl.Int32))
        .join(rows.calendar, on="session", how="left", maintain_order="left")
        .join(places, on=at, how="left", maintain_order="left")
    )
    parts = [_follow(part, rows, rules) for part in told.iter_slices(_BATCH)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)


def transitions(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What happened between two answers of `follow` about the same signals, in order.

    Returns KEY's columns, from_status, status, reason, at (session), price (won as traded, null:
    none). A signal that `before` doesn't have was open (watch if it is a day trade of the close).
    One that was filled and ended since has two.
    """
    watch = (pl.col("scanner") == "daytrading") & pl.col("as_of").is_in(["close", "final"])
    born = pl.when(watch).then(pl.lit("watch")).otherwise(pl.lit("open"))
    known = before.select(*KEY, was="status", was_filled=pl.col("filled_session").is_not_null())
    moved = (
        after.join(known, on=KEY, how="left", maintain_order="left")
        .with_columns(pl.col("was").fill_null(born), pl.col("was_filled").fill_null(False))
        .filter(pl.col("was") != pl.col("status"))
    )
    bought = moved.filter(pl.col("filled_session").is_not_null() & ~pl.col("was_filled"))
    ended = moved.filter(pl.col("status") != "filled")
    through = pl.when(pl.col("filled_session").is_not_null()).then(pl.lit("filled"))
    return pl.concat(
        [
            bought.select(
                *KEY,
                from_status="was",
                status=pl.lit("filled"),
                reason=pl.lit(None, pl.String),
                at="filled_session",
                price="filled_price",
            ),
            ended.select(
                *KEY,
                through.otherwise("was").alias("from_status"),
                "status",
                "reason",
                at=pl.coalesce("closed_session", "session"),
                price="closed_price",
            ),
        ]
    ).sort("at", *KEY, pl.col("status") != "filled", maintain_order=True)


def _follow(told: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    filled = fills(told, rows, rules)
    bought = filled.filter(status="filled").join(
        told.select("signal", "target", "stop", "high_so_far", "low_so_far", "chain"), on="signal"
    )
    ended = exits(bought, rows, rules)
    result = (
        told.select("signal", *KEY)
        .join(filled, on="signal", how="left", maintain_order="left")
        .join(ended, on="signal", how="left", maintain_order="left", suffix="_end")
    )
    return _told(result, rows, rules)


def _told(result: pl.DataFrame, rows: Rows, rules: TradeRules) -> pl.DataFrame:
    """The rows found as the sessions, prices and returns that `follow` promises."""
    bars, calendar = rows.frame, rows.calendar
    fill = taken(bars, result["row"], filled_session="session", chain="chain", bought="ordinal")
    end = taken(bars, result["end"], end_session="session", chain_end="chain", sold="ordinal")
    result = result.with_columns(ended=pl.coalesce("ended_end", "ended"))
    ended = taken(calendar, result["ended"], ended_session="session")
    status = pl.coalesce("status_end", "status")
    closed = status.is_in(ENDS)
    result = result.hstack(fill).hstack(end).hstack(ended)
    factor = pl.col("chain_end") / pl.col("chain")
    gain = pl.col("end_price") / (pl.col("price") * factor) - 1
    return result.select(
        *KEY,
        status=status,
        reason=_reason(rules),
        filled_session="filled_session",
        filled_price="price",
        closed_session=pl.when(closed).then(pl.coalesce("ended_session", "end_session")),
        closed_price=pl.when(closed).then("end_price"),
        factor=factor,
        gross_return=pl.when(closed).then(gain),
        sessions_held=(pl.coalesce("ended", "sold") - pl.col("bought")).cast(pl.Int32),
        open_return=pl.when(status == "filled").then(gain),
    ).cast(SCHEMA)


def _reason(rules: TradeRules) -> pl.Expr:
    """A time limit by its scanner's own name."""
    reason = pl.when(pl.col("status_end").is_not_null()).then("reason_end").otherwise("reason")
    timed = reason == "time_limit"
    next_close = (
        timed & (pl.col("scanner") == "closing_bet") & (rules.closing_bet.exit == "next_close")
    )
    return (
        pl.when(timed & (pl.col("scanner") == "daytrading"))
        .then(pl.lit("session_close"))
        .when(next_close)
        .then(pl.lit("next_close"))
        .otherwise(reason)
    )
