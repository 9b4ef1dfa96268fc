"""Every scanner over every session of a long sample market: seconds and peak memory.

`python bench/thirty_years.py [YEARS …]` (default 3 10 30), 2,700 stocks. Each length runs in
a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
LAST = date(2026, 8, 21)
STOCKS = 2_700


def main(years: list[int]) -> None:
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}")
    for count in years:
        subprocess.run([sys.executable, __file__, "--one", str(count)], check=True)


def one(years: int) -> None:
    """Generate that many years of market and scan them all."""
    from market.asof import Slot
    from market.calendar import TradingCalendar
    from scanners import Rules, scan
    from sources.sample import generate

    calendar = TradingCalendar()
    origin = calendar.next(date(LAST.year - years, LAST.month, LAST.day))
    start = time.perf_counter()
    sample = generate(
        last=LAST, sessions=years * 260, stocks=STOCKS, calendar=calendar, origin=origin
    )
    made = time.perf_counter() - start
    schedule = calendar.schedule(origin, LAST, Slot.FINAL)
    held = _peak()
    start = time.perf_counter()
    found = scan(sample.data, schedule, origin, Rules(), keep_scores=False)
    seconds = time.perf_counter() - start
    rows = len(sample.data.bars)
    signals = sum(len(result.signals) for result in found.results.values())
    print(
        f"{years} years, {len(schedule):,} sessions, {rows:,} bars, "
        f"{len(sample.data.net_buying):,} net-buying rows (made in {made:.0f} s, {held:.1f} GB): "
        f"{seconds:.1f} s, {seconds / rows * 1e6:.2f} µs a row, {signals:,} signals, "
        f"peak {_peak():.1f} GB",
        flush=True,
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]))
    else:
        main([int(text) for text in sys.argv[1:]] or [3, 10, 30])
