"""What a script is: the course a slot follows while a pattern forms, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from sources.sample.listing import Floats


@dataclass(frozen=True)
class Check:
    """What a scanner should say `after` sessions after the pattern is complete."""

    pattern: str
    scanner: str
    genuine: bool
    after: int = 0


@dataclass(frozen=True)
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
