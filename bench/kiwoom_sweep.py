"""A whole-market sweep of Kiwoom against a server that enforces its call rate.

The limit named in the same run is the rate itself: so many calls of one kind at one a second,
and no 429 seen. The call rate, breaker and token are PostgreSQL's, as in earnest. Reading the pages
is measured apart, from texts in memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_market import Wire, make_market
from kiwoom_sources import MemoryParts
from support.storage import fresh_database, machine

import logs
from db.database import Database
from db.guards import StoredGuards
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.rows import DayBar, ListedStock, MarketNetBuying, Quote
from sources.kiwoom.source import KiwoomSource
from sources.wire import WireRow, parse_rows, text

SESSION = date(2026, 11, 20)
# As measured on 2026-07-17: 2,477 rows of KOSPI, funds among them, and 1,821 of KOSDAQ.
KOSPI, FUNDS, KOSDAQ = 919, 1558, 1821


def main() -> None:
    logs.configure("error")
    market = make_market(SESSION, kospi=KOSPI, kosdaq=KOSDAQ, funds=FUNDS)
    print(machine())
    for per_second in (1.0, 200.0):
        with (
            fresh_database() as database,
            FakeKiwoom(market, speed=per_second) as fake,
            Client("kiwoom", _guards(database), Limits()) as http,
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
    own = [row for mrkt_tp in ("0", "1") for row in market.sweep(mrkt_tp)]
    read_pages("ka20002", "inds_stkpc", own, 100, Quote.parse)
    read_pages("ka10099", "list", market.listing("0"), KOSPI + FUNDS, ListedStock.parse)
    read_pages("ka10066", "rows", market.market_net_buying("001", True), 100, MarketNetBuying.parse)
    read_pages("ka10081", "rows", market.chart("000010", SESSION), 600, DayBar.parse)


def _guards(database: Database) -> Guards:
    stored = StoredGuards(database)
    return Guards(stored, stored, stored)


def read_pages(
    tr: str, name: str, rows: list[Wire], size: int, parse: Callable[[WireRow], object]
) -> None:
    """Bodies as long as those recorded, from bytes to typed rows; json.loads alone beside it."""
    pages = [
        json.dumps({name: rows[at : at + size], "return_code": 0}, ensure_ascii=False).encode()
        for at in range(0, len(rows), size)
    ]
    began = time.perf_counter()
    for page in pages:
        json.loads(page)
    bare = time.perf_counter() - began
    began = time.perf_counter()
    read = 0
    for page in pages:
        read += len(parse_rows(json.loads(page)[name], parse, text("stk_cd")).rows)
    took = time.perf_counter() - began
    print(
        f"{tr}: {len(pages)} pages of {len(pages[0]):,} bytes, {read:,} of {len(rows):,} rows read,"
        f" {read / took:,.0f} rows a second, {1000 * took / len(pages):.1f} ms a page"
        f" (json.loads alone {1000 * bare / len(pages):.1f} ms)"
    )


if __name__ == "__main__":
    main()
