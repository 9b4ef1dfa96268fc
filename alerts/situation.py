"""What rules are judged by: how things stand, in the newest session only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class SignalFact:
    """One signal; prices in won as traded. `price` is the stock's last one.

    `before` is its grade in the list that the session before ended with, None if it wasn't there.
    """

    scanner: str
    session: date
    as_of: str
    preliminary: bool
    ticker: str
    name: str | None
    market: str | None
    grade: str
    score: float
    out_of: float
    change: str
    entry: int | None
    target: int | None
    stop: int | None
    pivot: float | None = None
    price: int | None = None
    before: str | None = None


@dataclass(frozen=True)
class GateFact:
    """The newest gate, and the colour of the session before it."""

    session: date
    as_of: str
    preliminary: bool
    status: str | None
    level: float | None
    before: str | None


@dataclass(frozen=True)
class ScanFact:
    """A scanner whose last scan failed, or (`due` given) whose scan should be there and isn't."""

    scanner: str
    session: date
    as_of: str
    reason: str | None = None
    due: datetime | None = None


@dataclass(frozen=True)
class SourceFact:
    """A provider; `down` while its breaker lets nothing through."""

    name: str
    down: bool
    reason: str | None = None


@dataclass(frozen=True)
class Situation:
    """None where the events gave no occasion to look."""

    newest: date
    """No earlier session alerts any more."""
    published: Sequence[SignalFact] | None = None
    """The signals of the slots that were just published."""
    patterns: Sequence[SignalFact] | None = None
    """The vcp signals of the newest session, with pivot and last price; None until it has any."""
    gate: GateFact | None = None
    scans: Sequence[ScanFact] | None = None
    """All that are failed or late now."""
    sources: Sequence[SourceFact] | None = None


@dataclass(frozen=True)
class Notice:
    """One thing to tell; `facts` are what JSON can hold, in no language."""

    kind: str
    rule: str
    facts: Mapping[str, Any] = field(default_factory=dict)
