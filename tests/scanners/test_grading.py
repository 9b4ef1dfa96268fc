"""Comparisons, steps, gates and grades."""

from __future__ import annotations

import polars as pl
import pytest

from scanners.grading import (
    above,
    at_least,
    at_most,
    below,
    gate,
    grade,
    points_at_least,
    points_at_most,
)
from scanners.rules import Grades

SAME = 0.1 + 0.2  # 0.30000000000000004
GRADES = Grades(S=80, A=65, B=50)


def one(expr: pl.Expr, **columns: object) -> object:
    return pl.DataFrame({name: [value] for name, value in columns.items()}).select(expr).item()


@pytest.mark.parametrize("scale", [1.0, 0.2, 5.0, 1 / 3, 1e6])
def test_equal_prices_stay_equal_on_every_scale(scale: float) -> None:
    a, b = pl.col("a"), pl.col("b")
    columns = {"a": 3 * scale * 1.1, "b": 1.1 * scale * 3}
    assert one(at_least(a, b), **columns) is True
    assert one(at_most(a, b), **columns) is True
    assert one(above(a, b), **columns) is False
    assert one(below(a, b), **columns) is False


def test_comparisons_with_negative_limits_are_tolerant_too() -> None:
    a = pl.col("a")
    assert one(at_most(a, -0.3), a=-SAME) is True
    assert one(at_most(a, -SAME), a=-0.3) is True
    assert one(at_least(a, -0.3), a=-SAME) is True
    assert one(at_most(a, -0.3), a=-0.2999) is False


def test_the_first_step_reached_gives_its_points() -> None:
    steps = ((0.50, 10), (0.70, 7), (1.00, 2))
    frame = pl.DataFrame({"u": [0.2, 0.5, 0.500001, 0.7, 0.99, 1.0, 1.01, None]})
    points = frame.select(points_at_most(pl.col("u"), steps)).to_series()
    assert points.to_list() == [10, 10, 7, 7, 2, 2, 0, None]
    shares = pl.DataFrame({"a": [0.1, 0.09, 0.05, -1.0, None]})
    points = shares.select(points_at_least(pl.col("a"), ((0.1, 12), (0.05, 9)))).to_series()
    assert points.to_list() == [12, 9, 9, 0, None]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([True, True], True),
        ([True, False], False),
        ([True, None], None),
        ([False, None], False),
    ],
)
def test_a_failed_gate_decides_and_an_unknown_one_leaves_open(
    conditions: list[bool | None], expected: bool | None
) -> None:
    frame = pl.DataFrame(
        {"a": conditions[:1], "b": conditions[1:]}, schema_overrides={"b": pl.Boolean}
    )
    assert frame.select(gate(pl.col("a"), pl.col("b"))).item() is expected


@pytest.mark.parametrize(
    ("score", "out_of", "gates", "cap", "expected"),
    [
        (80.0, 100.0, True, False, "S"),
        (79.9, 100.0, True, False, "A"),
        (56.0, 70.0, True, False, "S"),
        (45.5, 70.0, True, False, "A"),
        (35.0, 70.0, True, False, "B"),
        (34.9, 70.0, True, False, "C"),
        (0.0, 70.0, True, False, "C"),
        (60.0, 60.0, True, False, "S"),
        (59.0, 59.0, True, False, None),
        (80.0, 100.0, False, False, "C"),
        (80.0, 100.0, None, False, None),
        (59.0, 59.0, False, False, None),
        (80.0, 100.0, True, True, "B"),
        (40.0, 100.0, True, True, "C"),
    ],
)
def test_grades_follow_share_gates_and_known_points(
    score: float, out_of: float, gates: bool | None, cap: bool, expected: str | None
) -> None:
    frame = pl.DataFrame(
        {"score": [score], "out_of": [out_of], "gates": [gates], "cap": [cap]},
        schema_overrides={"gates": pl.Boolean},
    )
    expr = grade(
        pl.col("score"),
        pl.col("out_of"),
        pl.col("gates"),
        full=100,
        min_out_of=60,
        grades=GRADES,
        cap_to_b=pl.col("cap"),
    )
    assert frame.select(expr).item() == expected
