"""How much is traded and who buys: what depends on the price's move, and remembers itself."""

from __future__ import annotations

import numpy as np

from sources.sample.listing import Floats
from sources.sample.world import World


class Trading:
    """Volume's mood and the investors' leaning after the sessions seen so far.

    A stock's move is given in its own standard deviations. The constants give volume and net
    buying the memory and the correlation with returns that KRX stocks show in 2024 to 2026.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._mood = np.zeros(len(world.slots))
        self._foreign = np.zeros(len(world.slots))
        self._institution = np.zeros(len(world.slots))

    def value(self, t: int, noise: Floats, size: Floats) -> Floats:
        """Traded value (won) of session t, given the size of each stock's move."""
        surprise = 0.72 * np.minimum(size, 3.0) + 0.35 * np.clip(size - 3.0, 0.0, 4.0) - 0.45
        level = self._mood + 0.75 * surprise
        self._mood = np.clip(0.72 * self._mood + 0.22 * surprise + 0.62 * noise, -3.0, 3.0)
        for group in self._world.scripts:
            row, running = group.position(t)
            level[group.slots[running]] = group.value[running, row[running]]
        return np.asarray(self._world.turnover * np.exp(level))

    def net_buying(
        self, t: int, foreign_noise: Floats, institution_noise: Floats, move: Floats
    ) -> tuple[Floats, Floats]:
        """Foreigners' and institutions' net buying in session t, as fractions of value."""
        self._foreign = 0.18 * self._foreign + 0.98 * foreign_noise
        self._institution = 0.60 * self._institution + 0.80 * institution_noise
        strength = self._institution + 0.25 * move
        foreign = 0.15 * self._foreign + 0.035 * move
        institution = self._world.institutional * strength * np.abs(strength)
        for group in self._world.scripts:
            row, running = group.position(t)
            here, at = group.slots[running], row[running]
            for free, script in ((foreign, group.foreign), (institution, group.institution)):
                written = script[running, at]
                bound = ~np.isnan(written)
                slots = here[bound]
                free[slots] = written[bound] * (1 + 0.1 * foreign_noise[slots])
        return np.clip(foreign, -0.85, 0.85), np.clip(institution, -0.85, 0.85)
