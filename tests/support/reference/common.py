"""What all four scanners share: tolerant comparisons, ticks, limits, grades."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

LOOKBACK = 280
TICKS = (
    (2_000, 1),
    (5_000, 5),
    (20_000, 10),
    (50_000, 50),
    (200_000, 100),
    (500_000, 500),
    (math.inf, 1_000),
)

Result = dict[str, Any]


def ge(a: float, b: float) -> bool:
    return a >= b - 1e-9 * abs(b)


def gt(a: float, b: float) -> bool:
    return a > b + 1e-9 * abs(b)


def le(a: float, b: float) -> bool:
    return not gt(a, b)


def lt(a: float, b: float) -> bool:
    return not ge(a, b)


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def deviation(values: list[float]) -> float:
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / len(values))


def steps(x: float, *limits: tuple[float, int]) -> int:
    """Points of the first limit that x reaches."""
    return next((points for limit, points in limits if ge(x, limit)), 0)


def steps_down(x: float, *limits: tuple[float, int]) -> int:
    """Points of the first limit that x stays within."""
    return next((points for limit, points in limits if le(x, limit)), 0)


def _snap(price: float) -> float:
    """A price a hair beside a whole won is that whole won."""
    whole = round(price)
    return whole if abs(price - whole) <= 1e-9 * abs(price) else price


def tick(price: float) -> int:
    return next(size for limit, size in TICKS if price < limit)


def tick_up(price: float) -> int:
    """The price itself if on a tick, else the next tick above."""
    price = _snap(price)
    return math.ceil(price / tick(price)) * tick(price)


def tick_down(price: float) -> int:
    price = _snap(price)
    return math.floor(price / tick(price)) * tick(price)


def one_tick_above(price: float) -> float:
    price = _snap(price)
    return price + tick(price)


def one_tick_below(price: float) -> float:
    """At a border of two tick sizes the smaller one leads down."""
    price = _snap(price)
    return price - tick(price - 0.5)


def upper_limit(base: float) -> int:
    """30 % above the base, cut to a tick."""
    return tick_down(base + math.floor(_snap(base * 0.3)))


def grade(
    score: float,
    out_of: float,
    *,
    full: float,
    min_out_of: float,
    limits: Mapping[str, float],
    gates: Mapping[str, bool | None],
) -> str | None:
    if out_of < min_out_of:
        return None
    if False in gates.values():
        return "C"
    if None in gates.values():
        return None
    x = score / out_of * full
    return next((letter for letter, limit in limits.items() if ge(x, limit)), "C")


def result(
    session: date,
    ticker: str,
    parts: Mapping[str, float | None],
    out_of: Mapping[str, float],
) -> Result:
    """Score and out_of from the parts that are known."""
    known = [name for name, points in parts.items() if points is not None]
    return {
        "session": session,
        "ticker": ticker,
        "score": float(math.fsum(parts[name] or 0.0 for name in known)),
        "out_of": float(math.fsum(out_of[name] for name in known)),
        "parts": dict(parts),
    }
