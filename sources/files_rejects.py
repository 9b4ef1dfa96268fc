"""Parting a file's good rows from the bad, with a reason for each bad one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import dataframely as dy
import polars as pl

REJECTED = {"row": pl.Int64, "reason": pl.String, "content": pl.String}

REASONS: Mapping[str, str] = {  # rule of a row schema: reason, the first that fails is given
    "ticker|nullability": "unknown code shape",
    "ticker|regex": "unknown code shape",
    "session|nullability": "unreadable date",
    "session_known": "not a session",
    "session_over": "a session not over yet",
    "market|nullability": "unknown market",
    "index|nullability": "unknown index",
    "known_at|nullability": "unreadable time of publication",
    "close|nullability": "null close",
    "open|nullability": "null open",
    "high|nullability": "null high",
    "low|nullability": "null low",
    "volume|nullability": "null volume",
    "close|min": "close below 1",
    "open|min": "negative open",
    "high|min": "negative high",
    "low|min": "negative low",
    "volume|min": "negative volume",
    "value|min": "negative value",
    "base|min": "base price below 1",
    "listed_shares|min": "listed shares below 1",
    "market_cap|min": "negative market value",
    "numbers_readable": "unreadable number",
    "whole_numbers": "fractional price or amount",
    "prices_in_order": "prices out of order",
    "some_figure": "no figures",
    "not_repeated": "duplicate",
}

Row = TypeVar("Row", bound=dy.Schema)


def nothing_rejected() -> pl.DataFrame:
    """No rejected rows."""
    return pl.DataFrame(schema=REJECTED)


def part(
    schema: type[Row], parsed: pl.DataFrame, table: pl.DataFrame
) -> tuple[dy.DataFrame[Row], pl.DataFrame]:
    """The rows that keep the schema's rules, and the others as (row, reason, content).

    `parsed` carries the 1-based `row` it had in the file's `table`; content is that row as
    JSON, as it was read.
    """
    good, failed = schema.filter(parsed)
    details = failed.details()
    if details.is_empty():
        return good, nothing_rejected()
    reasons = [
        pl.when(pl.col(rule) == "invalid").then(pl.lit(reason))
        for rule, reason in REASONS.items()
        if rule in details.columns
    ]
    rejected = details.select(
        pl.col("row").cast(pl.Int64), reason=pl.coalesce(*reasons, pl.lit("no valid row"))
    ).sort("row")
    rows = table[rejected["row"] - 1]
    return good, rejected.with_columns(content=rows.to_struct().struct.json_encode())


def repeated(key: list[str]) -> pl.Expr:
    """Whether a row of a frame sorted by `key` has a neighbour of the same key."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key)
    return (same | same.shift(-1)).fill_null(False)
