"""Trials of a sweep in processes of their own: units of points that share a scan."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backtest.grid import Window
from backtest.plan import Plan
from backtest.run import follow_all, scan_all
from backtest.trials import measured
from errors import ClosebellError
from tasks.panel_files import load

MOST = 5  # points of a unit


@dataclass(frozen=True)
class Unit:
    """Points with the same rules of scanners: scanned once, traded once each."""

    folder: Path
    points: Sequence[tuple[int, Plan]]
    windows: Sequence[Window]


@dataclass(frozen=True)
class Done:
    """One trial's number, result as JSON holds it, and seconds, its share of the scan included."""

    number: int
    result: dict[str, Any]
    seconds: float


class Workers(Protocol):
    """Whoever tries units, in any order, many at a time."""

    def __call__(self, units: Sequence[Unit]) -> Iterator[list[Done]]: ...


def run_unit(unit: Unit) -> list[Done]:
    """Try every point of a unit."""
    started = time.perf_counter()
    data, schedule = load(unit.folder)
    scanned = scan_all(data, schedule, unit.points[0][1])
    share = (time.perf_counter() - started) / len(unit.points)
    done = []
    for number, plan in unit.points:
        begun = time.perf_counter()
        result = measured(follow_all(scanned, plan), unit.windows)
        done.append(Done(number, result, share + time.perf_counter() - begun))
    return done


def units_of(
    points: Sequence[tuple[int, Plan]], windows: Sequence[Window], folder: Path, workers: int
) -> list[Unit]:
    """The points by the rules they scan with; one set of rules is shared out among the workers.

    A unit is stored when all of it is done: of more than a few points too much would be lost.
    """
    by_rules: dict[str, list[tuple[int, Plan]]] = {}
    for point in points:
        by_rules.setdefault(point[1].rules.hash, []).append(point)
    shares = max(-(-workers // max(len(by_rules), 1)), 1)
    found = []
    for group in by_rules.values():
        size = min(-(-len(group) // shares), MOST)
        found += [
            Unit(folder, group[start : start + size], windows)
            for start in range(0, len(group), size)
        ]
    return found


@dataclass(frozen=True)
class Processes:
    """So many processes on this machine, each with its share of the cores."""

    count: int

    def __call__(self, units: Sequence[Unit]) -> Iterator[list[Done]]:
        """Results as they come.

        Raises:
            ClosebellError: a process was ended from outside.
        """
        count = max(min(self.count, len(units)), 1)
        threads = max((os.cpu_count() or 1) // count, 1)
        context = multiprocessing.get_context("spawn")
        with (
            _environment("POLARS_MAX_THREADS", str(threads)),
            ProcessPoolExecutor(count, context, initializer=leave_with_parent) as pool,
        ):
            futures = [pool.submit(run_unit, unit) for unit in units]
            try:
                yield from _results(futures)
            except BrokenProcessPool:
                raise ClosebellError(
                    "a process of the sweep was ended from outside, perhaps for want of memory",
                    remedy="the same command goes on where it was; fewer --workers need less",
                ) from None
            finally:
                for future in futures:
                    future.cancel()


def _results(futures: Sequence[Future[list[Done]]]) -> Iterator[list[Done]]:
    for future in as_completed(futures):
        yield future.result()


def leave_with_parent() -> None:
    """End this process when its parent does, even by kill -9: nobody would take its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        waiting: Callable[[], None] = parent.join

        def leave() -> None:
            waiting()
            os._exit(1)

        threading.Thread(target=leave, daemon=True).start()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable that processes started meanwhile inherit."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
