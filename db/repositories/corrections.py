"""Corrections of stored bars by official ones: only ever added."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, insert, select

from db.models import BarCorrection
from db.models.base import table_of

SCHEMA: dict[str, Any] = {
    "session": pl.Date,
    "ticker": pl.String,
    "field": pl.String,
    "old": pl.Int64,
    "new": pl.Int64,
    "source": pl.String,
    "old_source": pl.String,
    "flow_run_id": pl.String,
}


class Corrections:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, frame: pl.DataFrame) -> None:
        """Record figures that were replaced.

        Args:
            frame: session, ticker, field (a column of the bars), old, new, source (whose figure
                the new one is), old_source, flow_run_id.
        """
        if not frame.is_empty():
            rows = frame.select(list(SCHEMA)).to_dicts()
            self._connection.execute(insert(BarCorrection), rows)

    def of(self, session: date) -> pl.DataFrame:
        """The corrections of a session, oldest first: as `add`, and created_at."""
        columns = table_of(BarCorrection).c
        query = (
            select(*(columns[name] for name in [*SCHEMA, "created_at"]))
            .where(columns.session == session)
            .order_by(columns.id)
        )
        found = [dict(row) for row in self._connection.execute(query).mappings()]
        schema = {**SCHEMA, "created_at": pl.Datetime("us", "UTC")}
        return pl.DataFrame(found, schema=schema)
