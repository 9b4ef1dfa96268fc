"""A sweep: a grid of rule values tried over history, stored trial by trial, resumable."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from backtest import facts
from backtest.grid import Window, windows
from backtest.plan import Plan
from backtest.trials import Summary, summary
from db import Database
from db.repositories.sweeps import NewSweep
from market.calendar import TradingCalendar
from market.data import MarketData
from tasks.backtest import Panel, read_panel
from tasks.panel_files import save
from tasks.trials import Workers, units_of

Progress = Callable[[int, int], None]
"""(trials done, trials in all)"""
UNREAD: Final = ("collected_at", "source", "name", "id", "title", "url")
ENDINGS: Final = ("delisted", "until")  # known only afterwards
SLICE: Final = 200_000  # rows that are held as text at a time


@dataclass(frozen=True)
class Sweep:
    """What is asked for: one plan a point, in the order of the grid, and walk-forward windows."""

    plans: Sequence[Plan]
    changes: Sequence[Mapping[str, Any]]
    spec: str | None


@dataclass(frozen=True)
class Swept:
    """`results` by number (from 1), `tried` counts every trial of the scanner in this database.

    `facts`: survivorship as backtest.facts tells it; costs, notes and, of the best, conditions in
    words.
    """

    id: int
    results: Mapping[int, Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]]
    windows: Sequence[Window]
    summary: Summary
    tried: int
    resumed: int
    facts: Mapping[str, Any]


def run_sweep(
    db: Database,
    source: str,
    calendar: TradingCalendar,
    sweep: Sweep,
    workers: Workers,
    *,
    count: int,
    folder: Path | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Swept:
    """Try every point that isn't stored yet; each is stored as soon as it is done.

    Args:
        count: how many workers there are, so that every one has something to do.
        folder: where the panel is put for the workers, and removed from; a cluster's machines must
            all see it. Default: a temporary folder of this machine.

    Raises:
        BadMarketData: nothing is stored in the range.
        SettingsError: the windows don't fit the range.
    """
    panel = read_panel(db, source, calendar, sweep.plans[0])
    plans = [plan.between(panel.plan.first, panel.plan.last) for plan in sweep.plans]
    sessions = calendar.sessions(panel.plan.first, panel.plan.last)
    found = windows(sweep.spec, sessions)
    with db.transaction() as tx:
        number = tx.sweeps.begin(_new(panel, plans, sweep, source))
        stored = {one["number"] for one in tx.sweeps.trials(number)}
    left = [(at, plan) for at, plan in enumerate(plans, 1) if at not in stored]
    done = len(stored)
    progress(done, len(plans))
    if left:
        with _shared(panel, folder) as place:
            for finished in workers(units_of(left, found, place, count)):
                with db.transaction() as tx:
                    for one in finished:
                        tx.sweeps.add_trial(
                            number,
                            one.number,
                            sweep.changes[one.number - 1],
                            one.result,
                            one.seconds,
                        )
                done += len(finished)
                progress(done, len(plans))
    with db.transaction() as tx:
        tx.sweeps.finish(number)
        trials = tx.sweeps.trials(number)
        tried = tx.backtests.tried(plans[0].scanner, "") - 1
        sharpes = tx.backtests.sharpes(plans[0].scanner)
    results = {one["number"]: one["result"] for one in trials}
    ranked = summary(results, found, tried, sharpes)
    return Swept(
        id=number,
        results=results,
        changes=sweep.changes,
        windows=found,
        summary=ranked,
        tried=tried,
        resumed=len(stored),
        facts={
            "survivorship": facts.survivorship(panel.data, sessions),
            "costs": facts.cost_words(plans[0]),
            "notes": [*panel.notes, *facts.data_notes(panel.data, None, plans[0].scanner)],
            "conditions": facts.conditions(plans[(ranked.best or 1) - 1]),
        },
    )


def _new(panel: Panel, plans: Sequence[Plan], sweep: Sweep, source: str) -> NewSweep:
    """The sweep as it is recorded; its key changes with the data too."""
    first = plans[0]
    spec = {
        "changes": [dict(one) for one in sweep.changes],
        "windows": sweep.spec,
        "data": content(panel.data, first.last),
    }
    keys = [plan.key(source) for plan in plans]
    text = json.dumps([keys, spec], sort_keys=True, default=str)
    return NewSweep(
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        scanner=first.scanner,
        first=first.first,
        last=first.last,
        source=source,
        points=len(plans),
        spec=spec | {"plan": first.spec},
    )


def content(data: MarketData, last: date) -> dict[str, str]:
    """A checksum of what each frame says of sessions up to `last`, in whatever order it is.

    What is learnt later, or not read by any scanner, changes nothing: neither when and from where
    rows came, nor names.
    """
    found = {}
    for part in fields(data):
        if isinstance(frame := getattr(data, part.name), pl.DataFrame):
            frame = frame.drop(UNREAD, strict=False)
            frame = frame.with_columns(
                pl.when(pl.col(name) <= last).then(name)
                for name in ENDINGS
                if name in frame.columns
            )
            digest = hashlib.sha256(",".join(frame.columns).encode())
            for rows in frame.sort(frame.columns).iter_slices(SLICE):
                digest.update(rows.write_csv(include_header=False).encode())
            found[part.name] = digest.hexdigest()[:16]
    return found


@contextmanager
def _shared(panel: Panel, folder: Path | None) -> Iterator[Path]:
    """The panel's files while they are needed."""
    place = Path(tempfile.mkdtemp(prefix="closebell-sweep-", dir=folder))
    try:
        save(panel.data, panel.schedule, place)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def window_json(window: Window) -> dict[str, str]:
    """Its four sessions."""
    return {name: day.isoformat() for name, day in asdict(window).items()}
