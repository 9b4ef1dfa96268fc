"""A whole-market sweep of Kiwoom against a server that enforces its call rate.

The limit named in the same run is the rate itself: so many calls of one kind at one a second,
and no 429 seen. Reading the pages is measured apart, from texts in memory.
"""

from __future__ import annotations

import sys
import time
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_market import make_market
from kiwoom_sources import MemoryParts
from memory_guards import memory_guards
from support.storage import machine

import logs
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from sources.http.call import Limits
from sources.http.client import Client
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.rows import Quote
from sources.kiwoom.source import KiwoomSource
from sources.wire import parse_rows, text

SESSION = date(2026, 11, 20)
# As measured on 2026-07-17: 2,477 rows of KOSPI, funds among them, and 1,821 of KOSDAQ.
KOSPI, FUNDS, KOSDAQ = 919, 1558, 1821


def main() -> None:
    logs.configure("error")
    market = make_market(SESSION, kospi=KOSPI, kosdaq=KOSDAQ, funds=FUNDS)
    print(machine())
    for per_second in (1.0, 200.0):
        with (
            FakeKiwoom(market, speed=per_second) as fake,
            Client("kiwoom", memory_guards(), Limits()) as http,
        ):
            access = Access(fake.url, APP_KEY, SECRET_KEY, per_second, 1, 5 * per_second)
            moment = datetime.combine(SESSION, clock_time(15, 31, 30), SEOUL)
            source = KiwoomSource(
                KiwoomClient(http, access),
                TradingCalendar(),
                FixedClock(moment),
                MemoryParts(),
                max_missing=0.01,
            )
            began = time.perf_counter()
            bars = source.sweep(SESSION).data.bars
            took = time.perf_counter() - began
            pages = len(fake.of("ka20002"))
            print(
                f"{per_second:g} calls/s a TR: {took:.1f} s for {bars.height:,} stocks in"
                f" {len(fake.calls)} calls ({pages} of the sweep, so at least"
                f" {(pages - 1) / per_second:.1f} s), {fake.refused()} answered 429"
            )
    wires = market.sweep("0") + market.sweep("1")
    began = time.perf_counter()
    parsed = parse_rows(wires, Quote.parse, text("stk_cd"))
    took = time.perf_counter() - began
    print(f"reading {len(parsed.rows):,} quotes: {len(parsed.rows) / took:,.0f} a second")


if __name__ == "__main__":
    main()
