"""A small sample market in a database, and a process that sweeps it and may be killed."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

from backtest.plan import Plan, plan_of
from db import Database
from market.calendar import TradingCalendar
from market.data import MarketData
from outcomes.rules import TradeRules
from scanners.rules import Rules
from sources.sample import generate
from tasks.collect import store_data
from tasks.sweep import Sweep, Swept, run_sweep
from tasks.trials import Processes, Unit, Workers, run_unit

LAST = date(2026, 5, 15)
FIRST = date(2026, 1, 12)
HOLDS = (3, 5, 8, 13)
BELOWS = (0.05, 0.04, 0.03)
CALENDAR = TradingCalendar()
POINTS = [
    {"vcp.pivot.max_below": below, "outcomes.vcp.hold": hold} for below in BELOWS for hold in HOLDS
]


def small_market() -> MarketData:
    """A year and a half of 400 stocks."""
    return generate(last=LAST, sessions=370, stocks=400, calendar=CALENDAR).data


def fill(database: Database) -> None:
    """Store it as the real market."""
    store_data(database, small_market(), LAST)


def plan(changes: dict[str, Any]) -> Plan:
    return plan_of("vcp", FIRST, LAST, rules=Rules(), trades=TradeRules(), changes=changes)


def asked(windows: str | None = None) -> Sweep:
    """Twelve points: three sets of rules to scan with, four to trade with."""
    return Sweep([plan(one) for one in POINTS], POINTS, windows)


def swept(database: Database, workers: Workers, windows: str | None = None) -> Swept:
    return run_sweep(database, "stored", CALENDAR, asked(windows), workers, count=2)


def here(units: Any) -> Any:
    """Workers that are this process."""
    for unit in units:
        yield run_unit(unit)


def counted(tried: list[int]) -> Workers:
    """The same, noting which points are tried."""

    def work(units: Any) -> Any:
        for unit in units:
            tried.extend(number for number, _ in unit.points)
            yield run_unit(unit)

    return work


def one_by_one(units: Any) -> Any:
    """In two processes, a point a unit."""
    small = [Unit(u.folder, [point], u.windows) for u in units for point in u.points]
    return Processes(2)(small)


if __name__ == "__main__":
    opened = Database(sys.argv[1])
    try:
        swept(opened, one_by_one)
    finally:
        opened.close()
