"""Settling: every signal followed with the newest bars, and the figures of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from db import Database
from db.repositories import Repositories
from db.repositories.outcomes import Settled
from logs import get as logger
from market.calendar import TradingCalendar
from outcomes.follow import KEY, transitions
from outcomes.random_stock import VALUE_ROWS
from outcomes.rules import TradeRules
from outcomes.settling import settled
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

    One pass, however many years; the same again changes nothing. Writes the steps, the signals'
    status, their figures and the figures of all of them in one transaction.

    Raises:
        DatabaseError: nothing was written.
    """
    with db.reader() as tx:
        pending = tx.outcomes.pending(session)
        reported = tx.outcomes.settled_to()
    if pending.is_empty():
        return Settlement(0, 0, 0)
    first = pending["session"].min()
    assert isinstance(first, date)
    start = window_start(calendar, first, BEFORE)
    data = db.read_market_data(start, session, net_buying_from=session + timedelta(days=1))
    after = settled(pending, data, calendar.sessions(start, session), rules)
    known = pending.filter(pl.col("was").is_not_null())
    before = known.select(*KEY, status="was", filled_session="was_filled")
    ids = pending.select(*KEY, signal_id="id")
    steps = transitions(before, after).join(ids, on=KEY, maintain_order="left")
    with db.transaction() as tx:
        written = tx.outcomes.record(
            after.select(pl.exclude(KEY)).with_columns(signal_id=pending["id"]),
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
