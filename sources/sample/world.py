"""All that is fixed about one sample market, drawn once from its seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.sample import listing, names, patterns, timetable
from sources.sample.listing import Floats, Slots
from sources.sample.patterns import Scripts
from sources.sample.timetable import Timetable


@dataclass(frozen=True)
class World:
    """The slots, what happens to them when, and the patterns some of them follow."""

    seed: int
    slots: Slots
    table: Timetable
    scripts: tuple[Scripts, ...]
    turnover: Floats  # won a session
    sectors: tuple[str, ...]
    institutional: Floats  # how large institutions' net buying is against value


def create(stocks: int, seed: int) -> World:
    """The market of this seed and number of stocks."""
    slots = listing.draw(stocks, seed)
    scripts = patterns.plant(slots, seed)
    turnover = slots.turnover.copy()
    for group in scripts:
        for slot, script in zip(group.slots, group.scripts, strict=True):
            if script.turnover is not None:
                turnover[slot] = script.turnover
    sectors = tuple(name for name, _ in names.SECTORS)
    size = np.log(slots.cap / 1e11)
    institutional = np.clip(0.02 + 0.028 * size, 0.004, 0.12)
    return World(
        seed, slots, timetable.draw(slots, seed), scripts, turnover, sectors, institutional
    )
