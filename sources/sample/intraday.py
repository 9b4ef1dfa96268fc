"""What happens within a session: open, high, low, volume, value and net buying of each stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sources.sample import ticks
from sources.sample.innovations import CHAPTER
from sources.sample.listing import Floats, Ints
from sources.sample.walk import Chapter
from sources.sample.world import World

_STREAM: Final = 12


@dataclass(frozen=True)
class Intraday:
    """(sessions, slots) arrays, zero where a stock is halted."""

    open: Ints
    high: Ints
    low: Ints
    volume: Ints
    value: Ints
    foreign: Ints  # net buying, won
    institution: Ints
    individual: Ints


def fill(world: World, chapter: Chapter) -> Intraday:
    """The day of every stock in every session of the chapter."""
    sessions, slots = chapter.close.shape
    rng = np.random.default_rng([world.seed, _STREAM, chapter.first])
    gap, above, below, other = rng.standard_normal((4, CHAPTER, slots))[:, :sessions]
    opening = _free_opening(world, chapter, gap)
    up = 0.70 * world.slots.sigma * np.abs(above)
    down = 0.60 * world.slots.sigma * np.abs(below)
    for group in world.scripts:
        for step in range(sessions):
            row, running = group.position(chapter.first + step)
            here, at = group.slots[running], row[running]
            opening[step, here] = group.opening[running, at]
            up[step, here] = group.up[running, at]
            down[step, here] = group.down[running, at]

    close, lowest, highest = chapter.close, chapter.lowest, chapter.highest
    open_ = np.clip(ticks.round_nearest(close * np.exp(opening)), lowest, highest)
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    high = np.maximum(np.minimum(ticks.round_nearest(top * (1 + up)), highest), top)
    low = np.minimum(np.maximum(ticks.round_nearest(bottom * (1 - down)), lowest), bottom)

    average = np.maximum((open_ + high + low + close) // 4, 1)
    turned = np.minimum(chapter.value, 0.6 * average * chapter.shares.astype(np.float64))
    volume = np.maximum((turned / average).astype(np.int64), 1)
    trading = chapter.listed & ~chapter.halted
    value = np.where(trading, volume * average, 0)
    foreign = (chapter.foreign * value).astype(np.int64)
    institution = (chapter.institution * value).astype(np.int64)
    # Other corporations take the small rest.
    individual = -foreign - institution - (0.004 * other * value).astype(np.int64)

    def traded(column: Ints) -> Ints:
        return np.where(trading, column, 0)

    return Intraday(
        traded(open_), traded(high), traded(low), traded(volume), value,
        foreign, institution, individual,
    )  # fmt: skip


def _free_opening(world: World, chapter: Chapter, gap: Floats) -> Floats:
    """The open against the close: a third of the move comes overnight."""
    move = np.log(chapter.close / chapter.base)
    return np.asarray(-0.65 * move + 0.40 * world.slots.sigma * gap)
