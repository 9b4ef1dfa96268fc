"""Running the scanners over sessions that are stored."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

from db import Database
from logs import get as logger
from market.asof import Slot
from market.calendar import TradingCalendar
from scanners import MarketScan, scan
from scanners.rules import Rules
from tasks.news import news_known
from tasks.step import step
from tasks.windows import window_start

# Traded value is averaged over twenty traded rows, net buying summed over five. Sixty
# sessions hold fewer only after several long halts within one segment; reading all of LOOKBACK
# would double the time of the read.
SHORT = 60


@dataclass(frozen=True)
class Scanned:
    """The scans of some sessions in one slot, and the seconds they took."""

    scan: MarketScan
    slot: Slot
    seconds: float


def scan_sessions(
    db: Database,
    calendar: TradingCalendar,
    rules: Rules,
    first: date,
    last: date,
    slot: Slot,
) -> Scanned:
    """Score every stored session from `first` to `last` in one pass over one panel."""
    started = time.perf_counter()
    start = window_start(calendar, first)
    recent = window_start(calendar, first, SHORT)
    with db.transaction() as tx:
        tx.bars.pack(window_start(calendar, last), last)
    with db.reader() as tx:
        news = news_known(tx, first, last)
        colour = tx.gates.last_status_before(first, str(slot))
    data = db.read_market_data(start, last, details_from=recent, net_buying_from=recent, news=news)
    result = scan(data, calendar.schedule(start, last, slot), first, rules, previous_gate=colour)
    seconds = time.perf_counter() - started
    logger().info("scanned", panel_rows=data.bars.height, seconds=round(seconds, 3))
    return Scanned(result, slot, seconds)


scan_step = step("scan", timeout=1800, retries=1)(scan_sessions)
