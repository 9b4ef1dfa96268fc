"""The rules of alerts: one sentence each, read once, typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from market.scanners import SCANNERS

GRADES = "SABC"
FORMS = (
    "closing_bet grade A or better (or vcp, daytrading, any; S, A, B, C)",
    "gate changes colour",
    "within 1 % of a pivot",
    "a scan failed or is late",
    "a source is down",
)


@dataclass(frozen=True)
class GradeRule:
    """A new signal, or one that became better, of one of these grades."""

    scanners: tuple[str, ...]
    grades: str


@dataclass(frozen=True)
class GateRule:
    """The market gate is of another colour than before."""


@dataclass(frozen=True)
class PivotRule:
    """The last price of a vcp signal is as near to its pivot; `percent` as in 1.25 %."""

    percent: float


@dataclass(frozen=True)
class ScanRule:
    """A scan of the newest session failed, or isn't there when it is due, or is well again."""


@dataclass(frozen=True)
class SourceRule:
    """A provider's circuit breaker opened, or closed again."""


Rule: TypeAlias = GradeRule | GateRule | PivotRule | ScanRule | SourceRule


def parse_rule(text: str) -> Rule:
    """The rule a sentence says; case and spaces don't matter.

    Raises:
        ValueError: it is none of FORMS.
    """
    plain = " ".join(text.lower().split())
    for pattern, make in _READERS:
        if (match := re.fullmatch(pattern, plain)) is not None:
            return make(match)
    raise ValueError(f"{text!r} is no rule; there are: {'; '.join(FORMS)}")


def _grade(match: re.Match[str]) -> Rule:
    scanner, grade, better = match.groups()
    chosen = SCANNERS if scanner == "any" else (scanner,)
    worst = GRADES.index(grade.upper())
    return GradeRule(chosen, GRADES[: worst + 1] if better else GRADES[worst])


_READERS: tuple[tuple[str, Callable[[re.Match[str]], Rule]], ...] = (
    (rf"({'|'.join(SCANNERS)}|any) grade ([sabc])( or better)?", _grade),
    (r"gate changes colou?r", lambda _: GateRule()),
    (r"within (\d+(?:\.\d+)?) ?% of a pivot", lambda match: PivotRule(float(match[1]))),
    (r"a scan failed or is late", lambda _: ScanRule()),
    (r"a source is down", lambda _: SourceRule()),
)
