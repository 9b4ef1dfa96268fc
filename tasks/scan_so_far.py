"""Running scanners over a session that is still on."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from db import Database
from logs import get as logger
from market.asof import Slot
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import INSTANT, Schedule
from scanners import scan
from scanners.rules import Rules
from tasks.scan import Scanned
from tasks.step import step
from tasks.volume_shares import Expectation

WATCHED = "on the watch list of {}"


@step("scan so far", timeout=120, retries=1)
def scan_so_far(
    db: Database,
    data: MarketData,
    calendar: TradingCalendar,
    rules: Rules,
    *,
    session: date,
    slot: Slot,
    known_until: datetime,
    expectation: Expectation,
    scanners: Collection[str],
) -> Scanned:
    """Score the session so far, which is the newest in `data`, as of `slot`.

    Args:
        known_until: net buying and news known later aren't used (aware).
        expectation: how much of the day's volume is usually traded by the data's time.
    """
    started = time.perf_counter()
    start = data.bars["session"].min()
    assert isinstance(start, date)
    with db.reader() as tx:
        colour = tx.gates.last_status_before(session, str(Slot.CLOSE))
    result = scan(
        data,
        _schedule(calendar, start, session, slot, known_until),
        session,
        rules,
        previous_gate=colour,
        scanners=scanners,
        in_session=expectation.in_session,
    )
    seconds = time.perf_counter() - started
    logger().info("scanned", panel_rows=data.bars.height, seconds=round(seconds, 3))
    return Scanned(result, slot, seconds)


def naming_watched(db: Database, scanned: Scanned, before: date) -> tuple[Scanned, int, int]:
    """The scan with a word on each day trade that the last session's watch list had.

    Returns:
        The scan, how many stocks were watched, and how many of them it confirms.
    """
    with db.reader() as tx:
        found = tx.signals.find(scanners=["daytrading"], session=before)
    watched = set(found.filter(pl.col("status") == "watch")["ticker"])
    result = scanned.scan.results.get("daytrading")
    if result is None or not watched:
        return scanned, len(watched), 0
    confirmed = pl.col("ticker").is_in(list(watched))
    word = pl.lit([WATCHED.format(before)], pl.List(pl.String))
    signals = result.signals.with_columns(
        reasons=pl.when(confirmed).then(pl.concat_list(word, "reasons")).otherwise("reasons")
    )
    results = {**scanned.scan.results, "daytrading": replace(result, signals=signals)}
    count = signals.filter(confirmed).height
    return replace(scanned, scan=replace(scanned.scan, results=results)), len(watched), count


def without(scanned: Scanned, name: str) -> Scanned:
    """The scan less one scanner; `market_gate` too can be left out."""
    if name == "market_gate":
        return replace(scanned, scan=replace(scanned.scan, gate=None))
    results = {n: r for n, r in scanned.scan.results.items() if n != name}
    return replace(scanned, scan=replace(scanned.scan, results=results))


def _schedule(
    calendar: TradingCalendar, start: date, session: date, slot: Slot, known_until: datetime
) -> pl.DataFrame:
    """Every session; the days before as known at this time of theirs, and the last as known now."""
    before = calendar.schedule(start, session - timedelta(days=1), slot)
    today = pl.DataFrame(
        {"session": [session], "as_of": [known_until.astimezone(UTC)]},
        schema={"session": pl.Date, "as_of": INSTANT},
    )
    return Schedule.validate(pl.concat([before, today]))
