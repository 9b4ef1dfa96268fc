"""Comparisons with a tolerance, points by steps, gates and grades."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scanners.rules import Grades

# Without it a constant price factor would turn comparisons of equal prices.
TOLERANCE = 1e-9
GRADES = pl.Enum(["S", "A", "B", "C"])
Steps = Sequence[tuple[float, float]]


def at_least(a: pl.Expr, b: pl.Expr | float) -> pl.Expr:
    """a ≥ b; an expression b must not be negative."""
    return a >= _lower(b)


def above(a: pl.Expr, b: pl.Expr | float) -> pl.Expr:
    """a > b; an expression b must not be negative."""
    return a > _higher(b)


def at_most(a: pl.Expr, b: pl.Expr | float) -> pl.Expr:
    """a ≤ b; an expression b must not be negative."""
    return a <= _higher(b)


def below(a: pl.Expr, b: pl.Expr | float) -> pl.Expr:
    """a < b; an expression b must not be negative."""
    return a < _lower(b)


def points_at_least(a: pl.Expr, steps: Steps) -> pl.Expr:
    """The points of the first step whose limit `a` reaches, else 0; null stays null."""
    return _points(a, steps, at_least)


def points_at_most(a: pl.Expr, steps: Steps) -> pl.Expr:
    """The points of the first step whose limit `a` doesn't exceed, else 0; null stays null."""
    return _points(a, steps, at_most)


def most(steps: Steps) -> float:
    """The points that can be had at best."""
    return max(points for _, points in steps)


def total(*parts: pl.Expr) -> pl.Expr:
    """The sum of the known parts."""
    return sum((part.fill_null(0.0) for part in parts[1:]), parts[0].fill_null(0.0))


def known(*parts: tuple[pl.Expr, float]) -> pl.Expr:
    """The points that could be had: of each (part, most) that isn't null."""
    terms = [pl.when(part.is_not_null()).then(points).otherwise(0.0) for part, points in parts]
    return sum(terms[1:], terms[0])


def gate(*conditions: pl.Expr) -> pl.Expr:
    """False when one fails, else null when one is unknown, else true."""
    return pl.all_horizontal(*conditions) if conditions else pl.lit(True)


def grade(
    score: pl.Expr,
    out_of: pl.Expr,
    gates: pl.Expr,
    *,
    full: float,
    min_out_of: float,
    grades: Grades,
    cap_to_b: pl.Expr | None = None,
) -> pl.Expr:
    """S, A, B or C of score / out_of × full.

    Null where too few points are known or a gate is unknown; C at best where a gate failed;
    B at best where `cap_to_b`.
    """
    x = score / out_of * full
    code = (
        pl.when(at_least(x, grades.S))
        .then(pl.lit(0, pl.UInt8))
        .when(at_least(x, grades.A))
        .then(pl.lit(1, pl.UInt8))
        .when(at_least(x, grades.B))
        .then(pl.lit(2, pl.UInt8))
        .otherwise(pl.lit(3, pl.UInt8))
    )
    if cap_to_b is not None:
        code = pl.when(cap_to_b & (code < 2)).then(pl.lit(2, pl.UInt8)).otherwise(code)
    return (
        pl.when(below(out_of, min_out_of) | gates.is_null())
        .then(None)
        .when(~gates)
        .then(pl.lit(3, pl.UInt8))
        .otherwise(code)
        .cat.to(GRADES)
    )


def _points(a: pl.Expr, steps: Steps, reached: object) -> pl.Expr:
    assert callable(reached)
    result: pl.Expr = pl.lit(0.0)
    for limit, points in reversed(steps):
        result = pl.when(reached(a, limit)).then(float(points)).otherwise(result)
    return pl.when(a.is_not_null()).then(result)


def _lower(b: pl.Expr | float) -> pl.Expr | float:
    return b * (1 - TOLERANCE) if isinstance(b, pl.Expr) else b - abs(b) * TOLERANCE


def _higher(b: pl.Expr | float) -> pl.Expr | float:
    return b * (1 + TOLERANCE) if isinstance(b, pl.Expr) else b + abs(b) * TOLERANCE
