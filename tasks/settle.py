"""Settling: every signal followed with the newest bars, and the figures of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from db import Database
from db.repositories import Repositories
from db.repositories.outcomes import TRADE, Settled
from logs import get as logger
from market.calendar import TradingCalendar
from outcomes.follow import ENDS, KEY, transitions
from outcomes.random_stock import VALUE_ROWS
from outcomes.rules import TradeRules
from outcomes.settling import settled
from tasks.kept_prices import with_price_0930, with_so_far
from tasks.performance import report_of
from tasks.step import step
from tasks.windows import window_start

# Twenty traded rows before the first signal, for who was liquid then; some were halted.
BEFORE = 2 * VALUE_ROWS


@dataclass(frozen=True)
class Settlement:
    """How many signals were followed, how many steps they took, and in how many figures changed."""

    followed: int
    transitions: int
    changed: int


def settle_signals(
    db: Database, calendar: TradingCalendar, rules: TradeRules, session: date
) -> Settlement:
    """Follow every signal that may still change through the bars stored up to `session`.

    One pass, however many years; the same again changes nothing, and a trade that ended stays as
    it was recorded. Writes the steps, the signals'
    status, their figures and the figures of all of them in one transaction.

    Raises:
        DatabaseError: nothing was written.
    """
    with db.reader() as tx:
        pending = tx.outcomes.pending(session)
        if pending.is_empty():
            return Settlement(0, 0, 0)
        reported = tx.outcomes.settled_to()
        signals = with_so_far(tx, calendar, pending)
    first = pending["session"].min()
    assert isinstance(first, date)
    start = window_start(calendar, first, BEFORE)
    data = db.read_market_data(start, session, net_buying_from=session + timedelta(days=1))
    bars: pl.DataFrame = data.bars
    if rules.closing_bet.exit == "next_0930":
        with db.reader() as tx:
            following = _following(pending, calendar, session)
            bars = with_price_0930(tx, calendar, bars, following)
    sessions = calendar.sessions(start, session)
    after = settled(signals, bars, data.index_bars, data.instruments, sessions, rules)
    after = after.with_columns(signal_id=pending["id"])
    with db.transaction() as tx:
        # Another settling may have been faster: steps lead on from how signals stand now.
        tx.outcomes.lock()
        now = tx.outcomes.pending(session)
        ids = now.select(*KEY, signal_id="id")
        after = after.join(ids, on="signal_id", how="semi", maintain_order="left")
        after = _as_recorded(after, tx.outcomes.ended(session))
        known = now.filter(pl.col("was").is_not_null())
        before = known.select(*KEY, status="was", filled_session="was_filled")
        steps = transitions(before, after).join(ids, on=KEY, maintain_order="left")
        written = tx.outcomes.record(
            after.select(pl.exclude(KEY)),
            steps.select(
                "signal_id", "from_status", "status", "reason", session="at", price="price"
            ),
            rules.hash,
        )
        if written or reported is None:
            _report(tx, data.instruments, session, rules)
    return _said(pending, written)


# Called directly on the main thread: a submitted task's time limit doesn't end it.
settle_step = step("settle", timeout=1800, retries=1)(settle_signals)


def _as_recorded(after: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    """What ended once doesn't end otherwise because bars or rules changed since."""
    both = after.join(ended, on="signal_id", how="left", maintain_order="left", suffix="_recorded")
    was = pl.col("status_recorded").is_not_null()
    kept = [
        pl.when(was).then(pl.col(f"{name}_recorded")).otherwise(name).alias(name) for name in TRADE
    ]
    whole = both.with_columns(kept).select(after.columns)
    done = pl.col("status").is_in(ENDS) & pl.col("aged")
    return whole.with_columns(done=done).drop("aged")


def _following(pending: pl.DataFrame, calendar: TradingCalendar, last: date) -> list[date]:
    """The sessions that closing bets still held are sold in."""
    held = pending.filter(
        pl.col("scanner") == "closing_bet",
        pl.col("was").is_null() | ~pl.col("was").is_in(ENDS),
    )
    following = {calendar.next(session) for session in held["session"].unique()}
    return sorted(session for session in following if session <= last)


def _report(tx: Repositories, instruments: pl.DataFrame, session: date, rules: TradeRules) -> None:
    """Keep the figures of all signals and of each year's."""
    figures = tx.outcomes.figures()
    tx.outcomes.report(report_of(tx, figures, instruments, session, rules), rules.hash)
    for year in sorted(figures["session"].dt.year().unique()):
        chosen = figures.filter(pl.col("session").dt.year() == year)
        last = min(session, date(year, 12, 31))
        report = report_of(tx, chosen, instruments, last, rules, period=str(year))
        tx.outcomes.report(report | {"settled_to": session}, rules.hash)


def _said(pending: pl.DataFrame, written: Settled) -> Settlement:
    done = Settlement(pending.height, written.transitions, written.outcomes.stored)
    logger().info("settled", **vars(done))
    return done
