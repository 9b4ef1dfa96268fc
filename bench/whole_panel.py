"""How fast the scanners score the real market, against a plain per-stock pandas loop.

Prints the machine, the rows and the rates. Run it on a quiet machine:
`python bench/whole_panel.py`, with the real data at CLOSEBELL_REAL_DATA or ../shared/data.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from realdata import adjusted_market, schedule_of  # noqa: E402

from market.scanners import SCANNERS  # noqa: E402
from scanners import LOOKBACK, Rules, scan  # noqa: E402
from scanners.batch import Request, cross_section, panel_of, score  # noqa: E402
from scanners.ranks import ranked  # noqa: E402
from scanners.universe import sectors_of  # noqa: E402

SAMPLE = 8  # stocks the pandas loop is timed on; its cost grows with the number of stocks


def main() -> None:
    folder = Path(os.environ.get("CLOSEBELL_REAL_DATA", ROOT.parent / "shared" / "data"))
    data, rules = adjusted_market(folder), Rules()
    schedule = schedule_of(data)
    rows = len(data.bars)
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}")
    print(f"rows: {rows:,} stock-sessions over {len(schedule)} sessions")

    request = Request(data, schedule, 0, rules, SCANNERS, None, True, sectors_of(data), words=False)
    panel = panel_of(request, data)

    def everything() -> None:
        score(panel, lambda: ranked(cross_section(panel, rules), rules), request, data)

    seconds = best(everything, 7)
    print(f"all scanners, panel in memory: {seconds:.3f} s, {rows / seconds:,.0f} rows/s")
    first = schedule["session"][0]
    whole = best(lambda: scan(data, schedule, first, rules), 3)
    print(f"the same from bars to signals in words: {whole:.3f} s, {rows / whole:,.0f} rows/s")

    last = schedule["session"][-1]
    start = schedule["session"][-1 - LOOKBACK]
    short = adjusted_market(folder, first=start)
    own = schedule_of(short)
    one = best(lambda: scan(short, own, last, rules), 5)
    print(f"one session, {len(short.bars):,} rows read: {one:.3f} s")

    tickers = data.bars["ticker"].unique().sort()
    chosen = tickers.gather_every(len(tickers) // SAMPLE)
    frames = {
        ticker: data.bars.filter(pl.col("ticker") == ticker, pl.col("volume") > 0).to_pandas()
        for ticker in chosen
    }
    done = sum(len(frame) for frame in frames.values())
    loop = best(lambda: [plain_vcp(frame) for frame in frames.values()], 1)
    rate = done / loop
    print(f"pandas loop, vcp part only: {loop:.1f} s for {done:,} rows, {rate:,.0f} rows/s")
    print(f"all scanners against that loop: {rows / seconds / rate:,.0f} times")


def best(action: Callable[[], object], times: int) -> float:
    """The least seconds of several runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def plain_vcp(frame: pd.DataFrame) -> list[tuple[float, ...]]:
    """The trend template, swing highs, contractions, dry-up and tightness of one stock, row by
    row, as such a scanner is usually written."""
    close, high, low, volume = (frame[c].astype(float) for c in ("close", "high", "low", "volume"))
    average = {w: close.rolling(w).mean() for w in (20, 50, 150, 200)}
    before = close.shift(1)
    spans = [high - low, (high - before).abs(), (low - before).abs()]
    ranges = pd.concat(spans, axis=1).max(axis=1) / before
    width = 4 * close.rolling(20).std(ddof=0) / average[20]
    results = []
    for t in range(60, len(frame)):
        window: Any = slice(max(0, t - 251), t + 1)
        price = close.iloc[t]
        trend = sum(
            (
                price > average[150].iloc[t] and price > average[200].iloc[t],
                average[150].iloc[t] > average[200].iloc[t],
                t >= 20 and average[200].iloc[t] > average[200].iloc[t - 20],
                average[50].iloc[t] > average[150].iloc[t],
                price > average[50].iloc[t],
                price >= 1.30 * low.iloc[window].min(),
                price >= 0.75 * high.iloc[window].max(),
            )
        )
        highs = [
            i
            for i in range(max(5, t - 125), t - 4)
            if high.iloc[i] > high.iloc[i - 5 : i].max()
            and high.iloc[i] >= high.iloc[i + 1 : i + 6].max()
        ][-10:]
        top = max((high.iloc[i] for i in highs), default=0.0)
        counting = [i for i in highs if high.iloc[i] >= 0.9 * top]
        ends = [*counting[1:], t]
        depths = [
            1 - low.iloc[a + 1 : b + 1].min() / high.iloc[a]
            for a, b in zip(counting, ends, strict=True)
        ]
        dry = volume.iloc[t - 4 : t + 1].mean() / volume.iloc[t - 49 : t + 1].mean()
        tight = ranges.iloc[t - 4 : t + 1].mean() / ranges.iloc[t - 49 : t + 1].mean()
        band = width.iloc[max(0, t - 119) : t + 1]
        place = (width.iloc[t] - band.min()) / (band.max() - band.min() or 1.0)
        results.append((trend, len(depths), depths[-1] if depths else 0.0, dry, tight, place))
    return results


if __name__ == "__main__":
    main()
