"""The long scripts: a year's rise, a base of contractions, a breakout; and false ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from sources.sample.listing import Floats, Ints
from sources.sample.script import Check, Script

DONE: Final = 275  # the row on which the base is complete, its template's year behind it
SPAN: Final = DONE + 15
PERIOD: Final = 405

MIX: Final = (
    ("vcp", 0.64),
    ("vcp_split", 0.06),
    ("vcp_growing", 0.06),
    ("vcp_loose", 0.06),
    ("vcp_below_template", 0.06),
    ("vcp_illiquid", 0.06),
    ("vcp_administrative", 0.06),
)
# Closes from the row DONE on against the last pivot: below it, a breakout, then too far gone.
_AFTER: Final = (-0.014, 0.022, 0.028, 0.032, 0.045, 0.065, 0.075, 0.085)


def write(name: str, rng: np.random.Generator) -> Script:
    """One script of that name; depths, lengths, noise and net buying differ each time."""
    depths = _depths(name, rng)
    legs = [(int(rng.integers(8, 11)), int(rng.integers(8, 11))) for _ in depths[:-1]]
    legs.append((int(rng.integers(6, 9)), int(rng.integers(5, 8))))
    first = DONE - sum(falling + rising for falling, rising in legs)
    quiet = DONE - sum(legs[-1])
    rows = np.arange(SPAN)
    level = _level(rows, depths, legs, rng, falls=name == "vcp_below_template")
    up = np.where(rows >= quiet, 0.003, np.where(rows >= first, 0.006, 0.011))
    down = up * rng.uniform(0.6, 1.4, SPAN)
    up = np.where(rows >= first, up, up * rng.uniform(0.6, 1.4, SPAN))
    value = _value(rows, first, quiet, rng)
    foreign, institution = _smart_money(rng)
    return Script(
        level=level,
        opening=np.append(0.0, -np.diff(level)) * 0.7,
        up=up,
        down=down,
        value=value,
        foreign=foreign,
        institution=institution,
        checks=_checks(name),
        split_at=DONE - 20 if name == "vcp_split" else -1,
        flag="administrative" if name == "vcp_administrative" else None,
        turnover=2e8 if name == "vcp_illiquid" else None,
    )


def _level(
    rows: Ints,
    depths: list[float],
    legs: list[tuple[int, int]],
    rng: np.random.Generator,
    *,
    falls: bool,
) -> Floats:
    first = DONE - sum(falling + rising for falling, rising in legs)
    top = -0.75 if falls else float(rng.uniform(0.62, 0.85))
    knots = [(0.0, 0.0), (first * 0.45, -0.3 if falls else 0.1), (float(first), top)]
    row, high = first, top
    for number, ((falling, rising), depth) in enumerate(zip(legs, depths, strict=True)):
        knots.append((row + falling, high + np.log1p(-depth)))
        row += falling + rising
        if number < len(legs) - 1:
            high += np.log(rng.uniform(0.985, 0.999))
            knots.append((row, high))
    knots += [(DONE + i, high + level) for i, level in enumerate(_AFTER)]
    knots.append((SPAN - 1.0, high + 0.11))
    line = np.interp(rows, [at for at, _ in knots], [to for _, to in knots])
    noise = np.where(rows < first - 12, 0.011, np.where(rows < first, 0.003, 0.0025))
    noise = np.where(rows >= DONE - sum(legs[-1]), 0.001, noise)
    return np.asarray(line + noise * rng.standard_normal(SPAN))


def _value(rows: Ints, first: int, quiet: int, rng: np.random.Generator) -> Floats:
    dry = float(rng.uniform(0.5, 1.2))
    value = np.interp(
        rows, [0, first * 0.45, first, quiet, DONE, SPAN], [0, 0.4, 0.5, 0.1, -dry, 0]
    )
    value = value + np.where(rows >= quiet, 0.08, 0.25) * rng.standard_normal(SPAN)
    value[DONE + 1 : DONE + 5] = (1.1, 0.7, 0.5, 0.4)
    return np.asarray(value)


def _depths(name: str, rng: np.random.Generator) -> list[float]:
    if name == "vcp_growing":
        return [0.055, 0.11, 0.20]
    if name == "vcp_loose":
        return [0.30, 0.22, 0.15]
    count = int(rng.choice([2, 3, 4], p=[0.45, 0.35, 0.2]))
    last = float(rng.uniform(0.045, 0.08))
    ratio = float(rng.uniform(0.45, 0.75))
    return [min(last / ratio ** (count - 1 - i), 0.33 * 0.85**i) for i in range(count)]


def _smart_money(rng: np.random.Generator) -> tuple[Floats, Floats]:
    strength = rng.choice([2.0, 1.0, 0.4, 0.15], p=[0.03, 0.10, 0.25, 0.62])
    foreign = np.full(SPAN, np.nan)
    institution = np.full(SPAN, np.nan)
    near = slice(DONE - 9, DONE + 6)
    foreign[near] = 0.06 * strength
    institution[near] = 0.035 * strength
    return foreign, institution


def _checks(name: str) -> tuple[Check, ...]:
    if name not in ("vcp", "vcp_split"):
        return (Check(name, "vcp", genuine=False), Check(name, "vcp", genuine=False, after=1))
    return (
        Check(f"{name}_forming", "vcp", genuine=True, after=-1),
        Check(f"{name}_forming", "vcp", genuine=True),
        Check(f"{name}_breakout", "vcp", genuine=True, after=1),
        Check(f"{name}_spent", "vcp", genuine=False, after=9),
    )
