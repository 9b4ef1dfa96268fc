"""Parts as JSON, reasons and flags: built for signals only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

NO_NET_BUYING = "net buying isn't known for all sessions"
WARNINGS = ("caution", "single_price", "risk", "warning")


def part(
    points: str | pl.Expr, out_of: float | pl.Expr, missing: str, **details: pl.Expr
) -> pl.Expr:
    """A part: points of out_of; without points the reason; and what it rests on."""
    value = pl.col(points) if isinstance(points, str) else points
    return pl.struct(
        value.alias("points"),
        (pl.lit(out_of) if isinstance(out_of, int | float) else out_of).alias("out_of"),
        pl.when(value.is_null()).then(pl.lit(missing)).alias("missing"),
        *[expr.alias(name) for name, expr in details.items()],
    )


def as_json(parts: Mapping[str, pl.Expr], gates: Sequence[str]) -> pl.Expr:
    """The JSON object of all parts and of the gates (true, false, or null: unknown)."""
    conditions = pl.struct(pl.col(f"gate_{name}").alias(name) for name in gates)
    everything = pl.struct(
        *[expr.alias(name) for name, expr in parts.items()], conditions.alias("gates")
    )
    text = everything.struct.json_encode()
    return text.str.replace_all(',"missing":null', "", literal=True).alias("parts")


def said(*sentences: pl.Expr) -> pl.Expr:
    """The list of those sentences that aren't null."""
    return pl.concat_list(sentences).list.drop_nulls().alias("reasons")


def when(condition: pl.Expr, text: str, *values: pl.Expr) -> pl.Expr:
    """`text` with the values in its {} where the condition holds, else null."""
    pieces = text.split("{}")
    words = [pl.lit(pieces[0])]
    for value, piece in zip(values, pieces[1:], strict=True):
        words += [value.cast(pl.String), pl.lit(piece)]
    return pl.when(condition).then(pl.concat_str(words) if values else words[0])


def failed(gates: Mapping[str, str]) -> list[pl.Expr]:
    """One sentence for each gate that failed or is unknown."""
    return [
        pl.when(~pl.col(f"gate_{name}"))
        .then(pl.lit(f"gate failed: {meaning}"))
        .when(pl.col(f"gate_{name}").is_null())
        .then(pl.lit(f"gate unknown: {meaning}"))
        for name, meaning in gates.items()
    ]


def flags(columns: Sequence[str]) -> pl.Expr:
    """Designations, and marks on the data themselves."""
    marks = [when(pl.col(name), name) for name in WARNINGS if name in columns]
    marks += [
        when(pl.col("adjusted"), "adjusted_levels"),
        when(pl.col("value_estimated"), "value_estimated"),
        when(pl.col("provisional"), "provisional_net_buying"),
    ]
    return pl.concat_list(marks).list.drop_nulls().alias("flags")


def percent(value: pl.Expr, decimals: int = 1) -> pl.Expr:
    """A fraction as a number of percent."""
    return (value * 100).round(decimals)
