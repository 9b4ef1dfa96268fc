"""Signals between the scanners' frame, the table and the readers' frame."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, CursorResult, Text, cast, func, select

from db.models import InstrumentVersion, Signal
from market.schemas import INSTANT

_READ: dict[str, Any] = {
    "id": pl.Int64,
    "scanner": pl.String,
    "session": pl.Date,
    "as_of": pl.String,
    "ticker": pl.String,
    "preliminary": pl.Boolean,
    "score": pl.Float64,
    "out_of": pl.Float64,
    "grade": pl.String,
    "entry": pl.Int64,
    "target": pl.Int64,
    "stop": pl.Int64,
    "close": pl.Int64,
    "day_change": pl.Float64,
    "value20": pl.Int64,
    "market_cap": pl.Int64,
    "net_buying_session": pl.Date,
    "position_size": pl.Float64,
    "status": pl.String,
    "change": pl.String,
    "rules_hash": pl.String,
    "run_id": pl.Int64,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
_JSON = ("parts", "reasons", "flags")
_INSTRUMENT = ("name", "market")


def to_rows(
    scanner: str,
    slot: str,
    runs: Mapping[date, int],
    frame: pl.DataFrame,
    rules_hash: str,
    preliminary: bool,
    status: str,
) -> pl.DataFrame:
    """The scanners' signals of the sessions in `runs` as rows of the table."""
    ids = pl.DataFrame(
        {"session": list(runs), "run_id": list(runs.values())},
        schema={"session": pl.Date, "run_id": pl.Int64},
    )
    return (
        frame.join(ids, on="session")
        .sort("session", "ticker")
        .select(
            pl.lit(scanner).alias("scanner"),
            "session",
            pl.lit(slot).alias("as_of"),
            "ticker",
            pl.lit(preliminary).alias("preliminary"),
            *("score", "out_of", "grade", "entry", "target", "stop", "parts"),
            *(_json_list(name) for name in ("reasons", "flags")),
            "close",
            pl.col("change").alias("day_change"),
            pl.col("value20").round().cast(pl.Int64),
            pl.col("market_cap").cast(pl.Int64),
            *("net_buying_session", "position_size"),
            pl.lit(status).alias("status"),
            pl.lit("new").alias("change"),
            pl.lit(rules_hash).alias("rules_hash"),
            "run_id",
        )
    )


def read_columns() -> list[ColumnElement[Any]]:
    """What `to_frame` expects to be selected."""
    return [
        *(Signal.__table__.c[name] for name in _READ),
        *(cast(Signal.__table__.c[name], Text).label(name) for name in _JSON),
        *(_as_it_was(name) for name in _INSTRUMENT),
    ]


def to_frame(found: CursorResult[Any]) -> pl.DataFrame:
    """The selected signals, typed also when there are none."""
    schema: dict[str, Any] = {**_READ, **dict.fromkeys((*_JSON, *_INSTRUMENT), pl.String)}
    return pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")


def _as_it_was(column: str) -> ColumnElement[Any]:
    """Of the instrument's versions, the one in force in the signal's session, else the first."""
    version = InstrumentVersion
    return (
        select(getattr(version, column))
        .where(version.ticker == Signal.ticker)
        .order_by(
            (version.since <= Signal.session).desc(), func.abs(version.since - Signal.session)
        )
        .limit(1)
        .scalar_subquery()
        .label(column)
    )


def _json_list(name: str) -> pl.Expr:
    words = pl.col(name).fill_null([])
    wrapped = pl.struct(words.alias("x")).struct.json_encode()
    return wrapped.str.strip_prefix('{"x":').str.strip_suffix("}").alias(name)
