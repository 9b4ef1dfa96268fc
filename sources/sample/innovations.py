"""Everything random that the sessions of one chapter hand on to the next ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from sources.sample import names
from sources.sample.world import World

CHAPTER: Final = 64  # sessions drawn from one seed

_STREAM: Final = 11


class Innovations:
    """(sessions, slots) arrays: own returns, first-day returns, and standard normal numbers."""

    def __init__(self, world: World, first: int) -> None:
        slots = world.slots
        rng = np.random.default_rng([world.seed, _STREAM, first])
        shape = (CHAPTER, len(slots))
        market = np.clip(0.0075 * rng.standard_t(4, CHAPTER), -0.06, 0.06) + 0.0003
        sectors = 0.007 * rng.standard_normal((CHAPTER, len(names.SECTORS) + 1))
        own = rng.standard_t(2.7, shape) / np.sqrt(2.7 / 0.7)
        jump = np.where(rng.random(shape) < 0.010, rng.exponential(4.2, shape), 0.0) - 0.042
        rate = slots.beta * market[:, None] + slots.sigma * (own + jump)
        rate += sectors[:, slots.sector] * np.where(slots.sector >= 0, 1.0, 0.0)
        self.returns = np.clip(rate - 0.5 * slots.sigma**2, -0.45, 0.45)
        self.first_day = np.log(np.clip(rng.lognormal(0.25, 0.45, shape), 0.6, 4.0))
        self.trend = rng.standard_normal(shape)
        self.mood = rng.standard_normal(shape)
        self.foreign = rng.standard_normal(shape)
        self.institution = rng.standard_normal(shape)
