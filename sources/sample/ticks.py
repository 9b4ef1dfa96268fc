"""Tick sizes and price limits for NumPy arrays, from the tables of market.prices."""

from __future__ import annotations

from typing import Final

import numpy as np

from market.prices import LIMIT_PERCENT, TICKS, TOLERANCE
from sources.sample.listing import Floats, Ints

_BELOW: Final = tuple(below for below, _ in TICKS if below is not None)
_SIZES: Final = tuple(tick for _, tick in TICKS)


def tick_size(price: Floats | Ints) -> Ints:
    """The tick (won) of each price."""
    size = np.full(price.shape, _SIZES[0], dtype=np.int64)
    for below, larger, smaller in zip(_BELOW, _SIZES[1:], _SIZES[:-1], strict=True):
        size += (price >= below) * (larger - smaller)
    return size


def round_nearest(price: Floats | Ints) -> Ints:
    """The allowed price nearest to each, at least one won."""
    tick = tick_size(price)
    rounded = np.floor(price / tick * (1 + TOLERANCE) + 0.5).astype(np.int64) * tick
    return np.asarray(np.maximum(rounded, 1))


def limits(base: Ints) -> tuple[Ints, Ints]:
    """The lowest and the highest price of a session with each base price."""
    tick = tick_size(base)
    width = base * LIMIT_PERCENT // 100 // tick * tick
    return round_up(base - width), round_down(base + width)


def first_limits(base: Ints) -> tuple[Ints, Ints]:
    """The same for a stock's first session: 60 to 400 percent of the price it was offered at."""
    return round_up(base * 6 // 10), round_down(base * 4)


def round_up(price: Ints) -> Ints:
    """The lowest allowed price not below each."""
    tick = tick_size(price)
    return -(-price // tick) * tick


def round_down(price: Ints) -> Ints:
    """The highest allowed price not above each."""
    tick = tick_size(price)
    return price // tick * tick
