"""A 100-point sweep: on one core, on two processes, and on a Dask cluster of two workers.

`python bench/sweep.py [POINTS] [YEARS] [STOCKS]` (default 100 3 1200), the sample market. Twenty
sets of rules to scan with, five to trade with; a point that only trades otherwise shares a scan.
Everybody gets the same units of work and reads the same panel files; starting processes counts,
and so does Prefect's server for the cluster. One process is measured with one core and with both,
where Polars has a thread a core. CPU seconds tell what else kept the machine busy: two processes
that need as many as one, in more than half its time, had to share their cores with others.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from backtest.grid import points as grid_points  # noqa: E402
from backtest.plan import plan_of  # noqa: E402
from flows.home import prepare  # noqa: E402
from market.asof import Slot  # noqa: E402
from market.calendar import TradingCalendar  # noqa: E402
from outcomes.rules import TradeRules  # noqa: E402
from scanners import LOOKBACK, Rules  # noqa: E402
from sources.sample import generate  # noqa: E402
from tasks.panel_files import save  # noqa: E402
from tasks.trials import Done, Processes, Unit, Workers, units_of  # noqa: E402

LAST = date(2026, 5, 15)


def main(count: int, years: int, stocks: int) -> None:
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    calendar = TradingCalendar()
    days = calendar.sessions(date(LAST.year - years - 2, 1, 1), LAST)[-(years * 246 + LOOKBACK) :]
    data = generate(
        last=LAST, sessions=len(days), stocks=stocks, calendar=calendar, origin=days[0]
    ).data
    belows = ",".join(f"{0.10 - at * 0.005:.3f}" for at in range(-(-count // 5)))
    grid = grid_points([f"vcp.pivot.max_below={belows}", "outcomes.vcp.hold=5,10,20,40,60"])[:count]
    plans = [
        plan_of("vcp", days[LOOKBACK], LAST, rules=Rules(), trades=TradeRules(), changes=one)
        for one in grid
    ]
    numbered = list(enumerate(plans, 1))
    print(f"{len(plans)} points over {years} years, {len(data.bars):,} bars", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        save(data, calendar.schedule(days[0], LAST, Slot.CLOSE), Path(folder))
        del data
        units = units_of(numbered, [], Path(folder), 2)
        with one_core():
            alone, expected = timed(Processes(1), units)
        used = f"{alone:.1f} s, {alone / len(plans):.2f} s a point, {cpu():.1f} CPU seconds"
        print(f"one process on one core: {used}", flush=True)
        for who, processes in (("one process with both cores", 1), ("two processes", 2)):
            before = cpu()
            seconds, found = timed(Processes(processes), units)
            say(f"{who} ({cpu() - before:.1f} CPU s)", seconds, alone, found == expected)
        with cluster() as address:
            prepare(Path(folder) / "home")
            from flows.sweep import Cluster

            dask, found = timed(Cluster(address), units)
        say("a Dask cluster of two workers, through Prefect", dask, alone, found == expected)


def timed(workers: Workers, units: Sequence[Unit]) -> tuple[float, dict[int, object]]:
    """Seconds, and each trial's result."""
    start = time.perf_counter()
    done: list[Done] = [one for finished in workers(units) for one in finished]
    return time.perf_counter() - start, {one.number: one.result for one in done}


def cpu() -> float:
    """What the processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(who: str, seconds: float, alone: float, same: bool) -> None:
    verdict = "the same results" if same else "OTHER RESULTS"
    print(f"{who}: {seconds:.1f} s, {alone / seconds:.2f} times one core, {verdict}", flush=True)


@contextmanager
def one_core() -> Iterator[None]:
    """Processes started meanwhile have the first of this one's cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def cluster() -> Iterator[str]:
    """A scheduler and two workers of one thread each, as processes of this machine."""
    from distributed import LocalCluster

    os.environ["POLARS_MAX_THREADS"] = "1"
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running.scheduler_address


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [100, 3, 1_200][len(given) :]))
