"""The planted patterns: scripts that a slot's price, value and net buying follow for a while.

A script repeats with its period; the scripts of one set are spread evenly over it, so that
every session sees some complete. Rows are sessions since a script began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sources.sample import long_scripts, short_scripts
from sources.sample.listing import LONG_PATTERN, SHORT_PATTERN, Bools, Floats, Ints, Slots
from sources.sample.script import Script


@dataclass(frozen=True)
class Scripts:
    """A set of scripts with one period; their fields are stacked as (slots, span)."""

    slots: Ints
    scripts: tuple[Script, ...]
    period: int
    phase: Ints
    done: int
    level: Floats
    opening: Floats
    up: Floats
    down: Floats
    value: Floats
    foreign: Floats
    institution: Floats
    split_at: Ints
    limit_at: Ints

    def position(self, t: int) -> tuple[Ints, Bools]:
        """Row of each script at ordinal t, and whether it is still running."""
        row = (t + self.phase) % self.period
        return row, row < self.level.shape[1]

    def completions(self, last: int) -> Iterator[tuple[int, Script, int]]:
        """(slot, script, ordinal) of every whole run complete before or shortly after `last`."""
        for slot, script, phase in zip(self.slots, self.scripts, self.phase, strict=True):
            for start in range(int(-phase % self.period), last + 1, self.period):
                yield int(slot), script, start + self.done

    def flagged(self, last: int) -> Iterator[tuple[str, int, int, int]]:
        """(flag, slot, since, until) of designations that belong to a script."""
        for slot, script, done in self.completions(last):
            if script.flag is not None:
                yield script.flag, slot, max(done - 4, 0), done + 4


def plant(slots: Slots, seed: int) -> tuple[Scripts, Scripts]:
    """The long scripts (vcp) and the short ones (daytrading, closing_bet) of the market."""
    rng = np.random.default_rng([seed, 3])
    return _long(slots, rng), _short(slots, rng)


def _long(slots: Slots, rng: np.random.Generator) -> Scripts:
    here = np.flatnonzero(slots.role == LONG_PATTERN)
    phase, chosen = _spread(len(here), long_scripts.MIX, long_scripts.PERIOD)
    scripts = tuple(long_scripts.write(name, rng) for name in chosen)
    return _stacked(here, scripts, phase, long_scripts.PERIOD, long_scripts.DONE, long_scripts.SPAN)


def _short(slots: Slots, rng: np.random.Generator) -> Scripts:
    here = np.flatnonzero(slots.role == SHORT_PATTERN)
    phase, chosen = _spread(len(here), short_scripts.MIX, short_scripts.PERIOD)
    scripts = tuple(short_scripts.write(name, rng) for name in chosen)
    return _stacked(
        here, scripts, phase, short_scripts.PERIOD, short_scripts.DONE, short_scripts.SPAN
    )


def _spread(count: int, mix: tuple[tuple[str, float], ...], period: int) -> tuple[Ints, list[str]]:
    """Phases and names: each name its share of the scripts, evenly over the period."""
    bounds = np.round(np.cumsum([0.0, *(share for _, share in mix)]) * count).astype(int)
    phases: list[int] = []
    chosen: list[str] = []
    for number, (low, high) in enumerate(pairwise(bounds.tolist())):
        size = high - low
        phases += [(at * period // size + 17 * number) % period for at in range(size)]
        chosen += [mix[number][0]] * size
    return np.array(phases, dtype=np.int64), chosen


def _stacked(
    here: Ints, scripts: tuple[Script, ...], phase: Ints, period: int, done: int, span: int
) -> Scripts:
    def stack(field: str) -> Floats:
        rows = [getattr(script, field) for script in scripts]
        return np.array(rows, dtype=np.float64).reshape(len(scripts), span)

    return Scripts(
        slots=here,
        scripts=scripts,
        period=period,
        phase=phase,
        done=done,
        level=stack("level"),
        opening=stack("opening"),
        up=stack("up"),
        down=stack("down"),
        value=stack("value"),
        foreign=stack("foreign"),
        institution=stack("institution"),
        split_at=np.array([script.split_at for script in scripts], dtype=np.int64),
        limit_at=np.array([script.limit_at for script in scripts], dtype=np.int64),
    )
