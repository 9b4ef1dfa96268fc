"""What a pattern is made of must be the stock's own."""

from __future__ import annotations

import polars as pl
import pytest

from scanners.contractions import find_swings, patterns
from scanners.rules import Rules

RULES = Rules().vcp.contractions


def breakout(before: int) -> pl.DataFrame:
    """`before` quiet rows, then a segment of 40 that breaks out on five times its volume."""
    path = [*range(100, 116), *range(114, 104, -1), *range(105, 116), 112, 113, 117]
    prices = [50.0] * before + [float(price) for price in path]
    activity = [0.001] * before + [1.0] * (len(path) - 1) + [5.0]
    rows = pl.DataFrame({"close": prices, "activity": activity}).with_row_index("row")
    row = pl.col("row").cast(pl.Int32)
    own = row >= before
    segment = pl.when(own).then(before).otherwise(0).cast(pl.Int32)
    return rows.with_columns(row, pos=row, segment=segment, high="close", low="close").with_columns(
        n=row - pl.col("segment") + 1
    )


@pytest.mark.parametrize("before", [0, 60])
def test_a_breakout_in_a_segment_too_short_for_its_mean_volume_is_not_confirmed(
    before: int,
) -> None:
    rows = breakout(before)
    scored = rows["row"] == rows["row"].max()
    found = patterns(rows, scored, find_swings(rows, RULES), RULES)
    assert found["state"].to_list() == ["breakout"]
    assert found["confirmed"].to_list() == [False]
