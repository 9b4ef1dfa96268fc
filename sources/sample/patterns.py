"""The planted patterns: scripts that a slot's price, value and net buying follow for a while.

A script repeats with its period; the scripts of one set are spread evenly over it, so that
every session sees some complete. Rows are sessions since a script began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from sources.sample.listing import LONG_PATTERN, SHORT_PATTERN, Bools, Floats, Ints, Slots

LONG_DONE: Final = 275  # the row on which a base is complete, its template's year behind it
SHORT_DONE: Final = 25


@dataclass(frozen=True)
class Check:
    """What a scanner should say `after` sessions after the pattern is complete."""

    pattern: str
    scanner: str
    genuine: bool
    after: int = 0


@dataclass
class Script:
    """Row by row; levels are logarithms relative to the price at the start."""

    level: Floats  # the close
    opening: Floats  # open against close, logarithm
    up: Floats  # high above the larger of open and close, fraction
    down: Floats  # low below the smaller, fraction
    value: Floats  # traded value against the slot's ordinary one, logarithm
    foreign: Floats  # net buying as a fraction of value; nan: as the market will
    institution: Floats
    checks: tuple[Check, ...]
    split_at: int = -1
    limit_at: int = -1
    flag: str | None = None
    turnover: float | None = None


@dataclass(frozen=True)
class Scripts:
    """A set of scripts with one period: `rows` stacks each field as (slots, span)."""

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
    long = _spread(slots, LONG_PATTERN, _LONG, 405, LONG_DONE, rng)
    short = _spread(slots, SHORT_PATTERN, _SHORT, 60, SHORT_DONE, rng)
    return long, short


def _spread(
    slots: Slots,
    role: int,
    mix: tuple[tuple[str, float], ...],
    period: int,
    done: int,
    rng: np.random.Generator,
) -> Scripts:
    here = np.flatnonzero(slots.role == role)
    bounds = np.round(np.cumsum([0.0, *(share for _, share in mix)]) * len(here)).astype(int)
    which = np.empty(len(here), dtype=int)
    phase = np.empty(len(here), dtype=np.int64)
    for number, (low, high) in enumerate(pairwise(bounds)):
        which[low:high] = number
        phase[low:high] = (np.arange(high - low) * period) // max(high - low, 1) + 17 * number
    make = _long if role == LONG_PATTERN else _short
    scripts = tuple(make(mix[number][0], rng) for number in which)

    def stack(field: str) -> Floats:
        span = done + (15 if role == LONG_PATTERN else 5)
        return np.stack([getattr(s, field) for s in scripts]) if scripts else np.empty((0, span))

    return Scripts(
        slots=here,
        scripts=scripts,
        period=period,
        phase=phase % period,
        done=done,
        level=stack("level"),
        opening=stack("opening"),
        up=stack("up"),
        down=stack("down"),
        value=stack("value"),
        foreign=stack("foreign"),
        institution=stack("institution"),
        split_at=np.array([s.split_at for s in scripts], dtype=np.int64),
        limit_at=np.array([s.limit_at for s in scripts], dtype=np.int64),
    )


_LONG: Final = (
    ("vcp", 0.64),
    ("vcp_split", 0.06),
    ("vcp_growing", 0.06),
    ("vcp_loose", 0.06),
    ("vcp_below_template", 0.06),
    ("vcp_illiquid", 0.06),
    ("vcp_administrative", 0.06),
)
_SHORT: Final = (
    ("daytrading_breakout", 0.25),
    ("daytrading_rebound", 0.20),
    ("closing_bet_rebound", 0.30),
    ("daytrading_limit_up", 0.05),
    ("daytrading_single_price", 0.05),
    ("daytrading_thin", 0.05),
    ("closing_bet_limit_up", 0.05),
    ("closing_bet_warning", 0.05),
)


def _long(name: str, rng: np.random.Generator) -> Script:
    span = LONG_DONE + 15
    depths = _depths(name, rng)
    falls = name == "vcp_below_template"
    legs = [(int(rng.integers(8, 11)), int(rng.integers(8, 11))) for _ in depths[:-1]]
    legs.append((int(rng.integers(6, 9)), int(rng.integers(5, 8))))
    base = sum(falling + rising for falling, rising in legs)
    first = LONG_DONE - base
    top = -0.75 if falls else float(rng.uniform(0.62, 0.85))
    knots = [(0.0, 0.0), (first * 0.45, 0.1 if not falls else -0.3), (float(first), top)]
    row, high = first, top
    for number, ((falling, rising), depth) in enumerate(zip(legs, depths, strict=True)):
        knots.append((row + falling, high + np.log1p(-depth)))
        row += falling + rising
        if number < len(legs) - 1:
            high += np.log(rng.uniform(0.985, 0.999))
            knots.append((row, high))
    after = [-0.014, 0.022, 0.028, 0.032, 0.045, 0.065, 0.075, 0.085]
    knots += [(LONG_DONE + i, high + level) for i, level in enumerate(after)]
    knots.append((span - 1.0, high + 0.11))
    rows = np.arange(span)
    level = np.interp(rows, [at for at, _ in knots], [to for _, to in knots])

    noise = np.where(rows < first - 12, 0.011, np.where(rows < first, 0.003, 0.0025))
    quiet = LONG_DONE - sum(legs[-1])
    noise = np.where(rows >= quiet, 0.001, noise)
    level = level + noise * rng.standard_normal(span)
    up = np.where(rows >= quiet, 0.003, np.where(rows >= first, 0.006, 0.011))
    down = up * rng.uniform(0.6, 1.4, span)
    up = np.where(rows >= first, up, up * rng.uniform(0.6, 1.4, span))

    dry = float(rng.uniform(0.5, 1.2))
    value = np.interp(
        rows, [0, first * 0.45, first, quiet, LONG_DONE, span], [0, 0.4, 0.5, 0.1, -dry, 0]
    )
    value = value + np.where(rows >= quiet, 0.08, 0.25) * rng.standard_normal(span)
    value[LONG_DONE + 1 : LONG_DONE + 5] = (1.1, 0.7, 0.5, 0.4)
    foreign, institution = _smart_money(rng, span)
    opening = np.append(0.0, -np.diff(level)) * 0.7
    return Script(
        level, opening, up, down, value, foreign, institution,
        _long_checks(name),
        split_at=LONG_DONE - 20 if name == "vcp_split" else -1,
        flag="administrative" if name == "vcp_administrative" else None,
        turnover=2e8 if name == "vcp_illiquid" else None,
    )  # fmt: skip


def _depths(name: str, rng: np.random.Generator) -> list[float]:
    if name == "vcp_growing":
        return [0.055, 0.11, 0.20]
    if name == "vcp_loose":
        return [0.30, 0.22, 0.15]
    count = int(rng.choice([2, 3, 4], p=[0.45, 0.35, 0.2]))
    last = float(rng.uniform(0.045, 0.08))
    ratio = float(rng.uniform(0.45, 0.75))
    return [min(last / ratio ** (count - 1 - i), 0.33 * 0.85**i) for i in range(count)]


def _smart_money(rng: np.random.Generator, span: int) -> tuple[Floats, Floats]:
    strength = rng.choice([2.0, 1.0, 0.4, 0.15], p=[0.03, 0.10, 0.25, 0.62])
    foreign = np.full(span, np.nan)
    institution = np.full(span, np.nan)
    near = slice(LONG_DONE - 9, LONG_DONE + 6)
    foreign[near] = 0.06 * strength
    institution[near] = 0.035 * strength
    return foreign, institution


def _long_checks(name: str) -> tuple[Check, ...]:
    if name not in ("vcp", "vcp_split"):
        return (Check(name, "vcp", genuine=False), Check(name, "vcp", genuine=False, after=1))
    return (
        Check(f"{name}_forming", "vcp", genuine=True, after=-1),
        Check(f"{name}_forming", "vcp", genuine=True),
        Check(f"{name}_breakout", "vcp", genuine=True, after=1),
        Check(f"{name}_spent", "vcp", genuine=False, after=9),
    )


def _short(name: str, rng: np.random.Generator) -> Script:
    span, done = SHORT_DONE + 5, SHORT_DONE
    rows = np.arange(span)
    level = 0.005 * rng.standard_normal(span)
    value = 0.2 * rng.standard_normal(span)
    rebound = name.startswith("closing_bet")
    if rebound:
        level += np.interp(rows, [0, 15, done - 2, done - 1], [0, 0, -0.13, -0.105])
        level[done:] = level[done - 1] + float(rng.uniform(0.05, 0.08))
        value[done] = 1.9
    else:
        if name == "daytrading_rebound":
            level[done - 2 : done] = (0.0, -0.042)
        level[done:] = float(rng.uniform(0.055, 0.075))
        value[done] = float(rng.uniform(1.2, 1.7))
    value[done + 1 :] = 0.4
    level[done + 1 :] += 0.01 * rng.standard_normal(span - done - 1)
    up = rng.uniform(0.002, 0.008, span)
    opening = np.append(0.0, -np.diff(level)) * 0.9
    foreign = np.full(span, np.nan)
    institution = np.full(span, np.nan)
    foreign[done - 5 : done + 1] = rng.uniform(0.02, 0.09)
    institution[done - 5 : done + 1] = rng.uniform(0.015, 0.05)
    scanner = "closing_bet" if rebound else "daytrading"
    genuine = name in ("daytrading_breakout", "daytrading_rebound", "closing_bet_rebound")
    flags = {"daytrading_single_price": "single_price", "closing_bet_warning": "warning"}
    return Script(
        level, opening, up, up[::-1].copy(), value, foreign, institution,
        (Check(name, scanner, genuine),),
        limit_at=done if name.endswith("limit_up") else -1,
        flag=flags.get(name),
        turnover=8.5e8 if name == "daytrading_thin" else None,
    )  # fmt: skip
