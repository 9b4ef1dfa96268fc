"""One scan within the session, from the first call to committed signals, without the waiting.

The whole sample market as a Kiwoom server on loopback shows it, which answers as fast as it is
asked. The limit named in the same run is the waiting itself: the sweep's pages at one call a
second, of the five minutes between two runs. The history is read before the first call.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import polars as pl
from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from support.storage import fresh_database, machine

import logs
from db import Database
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, NetBuying
from scanners.rules import Rules
from settings import Settings
from sources.protocol import LiveSource
from sources.sample import SampleSource
from tasks.observations import of_market
from tasks.publish import RunFacts, publish_sessions
from tasks.scan_so_far import scan_so_far
from tasks.snapshot import keep, read_before, so_far, sweep
from tasks.sources import open_source
from tasks.volume_shares import expected
from tasks.windows import window_start

SESSION = date(2026, 11, 20)
CALENDAR = TradingCalendar()
RATE = 5_000.0
ROUNDS = 5
EVERY = 300.0  # seconds between two runs

T = TypeVar("T")


class Stopwatch:
    """The seconds of each step, the best of all rounds."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = work()
        took = time.perf_counter() - began
        self.steps[name] = min(took, self.steps.get(name, took))
        return done


def fill(db: Database, data: MarketData) -> None:
    before = pl.col("session") < SESSION
    with db.transaction() as tx:
        tx.instruments.observe(of_market(data, CALENDAR.previous(SESSION)))
        tx.bars.store(DailyBars.cast(data.bars.filter(before)))
        tx.net_buying.store(NetBuying.cast(data.net_buying.filter(before)))
        tx.index_bars.store(IndexBars.cast(data.index_bars.filter(before)))


def cycle(db: Database, source: LiveSource, config: Settings, slot: str, watch: Stopwatch) -> int:
    rules, moment = Rules.from_mapping({}), _at(slot)
    before = watch("history", lambda: read_before.fn(db, CALENDAR, SESSION))
    swept = watch("sweep", lambda: sweep.fn(source, SESSION))
    seen = watch(
        "check and keep",
        lambda: keep.fn(db, swept, before, calendar=CALENDAR, settings=config),
    )
    scanned = watch(
        "scan",
        lambda: scan_so_far.fn(
            db,
            so_far(db, before, seen),
            CALENDAR,
            rules,
            session=SESSION,
            slot=Slot(slot),
            known_until=moment,
            expectation=expected(db, CALENDAR.hours(SESSION), moment, rules.daytrading),
            scanners=("daytrading", "market_gate"),
        ),
    )
    facts = RunFacts(source="kiwoom", preliminary=True)
    watch("publish", lambda: publish_sessions(db, scanned, [SESSION], rules, facts))
    return scanned.scan.results["daytrading"].signals.height


def _at(slot: str) -> datetime:
    return datetime.combine(SESSION, clock_time.fromisoformat(slot), SEOUL)


def main() -> None:
    logs.configure("error")
    data = SampleSource(CALENDAR).history(window_start(CALENDAR, SESSION), SESSION)
    newest = data.bars.filter(pl.col("session") >= CALENDAR.previous(SESSION))
    market = replace(
        kiwoom_of(replace(data, bars=DailyBars.cast(newest)), SESSION), traded_at="150000"
    )
    with fresh_database() as db, FakeKiwoom(market, speed=RATE) as fake:
        fill(db, data)
        config = Settings(
            source="kiwoom",
            kiwoom_app_key=APP_KEY,
            kiwoom_secret_key=SECRET_KEY,
            kiwoom_base_url=fake.url,
            kiwoom_calls_per_second=RATE,
            kiwoom_total_per_second=5 * RATE,
        )
        watch = Stopwatch()
        for n in range(ROUNDS + 1):
            slot = f"14:{n:02d}"
            with open_source("kiwoom", config, CALENDAR, db, FixedClock(_at(slot))) as source:
                assert isinstance(source, LiveSource)
                fake.calls.clear()
                signals = cycle(db, source, config, slot, watch)
                calls, pages = len(fake.calls), len(fake.of("ka20002"))
    steps = watch.steps
    work = sum(steps.values()) - steps["history"]
    print(f"{newest['ticker'].n_unique():,} stocks, {signals} day trades; {machine()}; best steps")
    for name, took in steps.items():
        print(f"  {name:<34}{took:6.2f} s" + (" (before the first call)" * (name == "history")))
    print(f"  first call to committed signals   {work:6.2f} s")
    print(f"  {calls} calls, {pages} of them pages: {pages - 1} s of waiting at 1 call/s,")
    print(f"  so {(pages - 1 + work) / EVERY:.0%} of the {EVERY:.0f} s between two runs")


if __name__ == "__main__":
    main()
