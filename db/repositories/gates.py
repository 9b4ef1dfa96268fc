"""The market gate of each session and slot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.bulk import Stored, lock, store
from db.models import MarketGate
from db.models.base import table_of
from db.repositories.events import Events

_COLUMNS = (
    "level",
    "status",
    "kospi_status",
    "kosdaq_status",
    "kospi_close",
    "kospi_change_pct",
    "kosdaq_close",
    "kosdaq_change_pct",
    "sectors",
    "parts",
)


class Gates:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def replace(
        self,
        slot: str,
        runs: Mapping[date, int],
        frame: pl.DataFrame,
        *,
        rules_hash: str,
        preliminary: bool = False,
    ) -> Stored:
        """Write the gate of each session in `runs` (session to run id); the same one, nothing.

        Args:
            frame: the gate frame of a scan; rows of other sessions are left aside.
        """
        lock(self._connection, f"gates:{slot}")
        ids = pl.DataFrame(
            {"session": list(runs), "run_id": list(runs.values())},
            schema={"session": pl.Date, "run_id": pl.Int64},
        )
        rows = frame.join(ids, on="session").select(
            "session",
            pl.lit(slot).alias("as_of"),
            pl.lit(preliminary).alias("preliminary"),
            *_COLUMNS,
            pl.lit(rules_hash).alias("rules_hash"),
            "run_id",
        )
        done = store(
            self._connection,
            table_of(MarketGate),
            rows,
            key=["session", "as_of"],
            attributes=["rules_hash", "run_id"],
        )
        if done.stored:
            self._events.changed("gates")
        return done

    def get(self, session: date | None = None, slot: str | None = None) -> dict[str, Any] | None:
        """One gate with all its columns: by default the newest slot of the newest session."""
        query = select(*table_of(MarketGate).c).order_by(
            MarketGate.session.desc(), MarketGate.as_of.desc()
        )
        if session is not None:
            query = query.where(MarketGate.session == session)
        if slot is not None:
            query = query.where(MarketGate.as_of == slot)
        row = self._connection.execute(query.limit(1)).mappings().first()
        return dict(row) if row else None

    def history(self, before: date | None, limit: int) -> list[dict[str, Any]]:
        """The newest gate of each session, newest first; only of sessions before that date."""
        newest = (
            select(*table_of(MarketGate).c)
            .ext(distinct_on(MarketGate.session))
            .order_by(MarketGate.session.desc(), MarketGate.as_of.desc())
        )
        if before is not None:
            newest = newest.where(MarketGate.session < before)
        return [dict(row) for row in self._connection.execute(newest.limit(limit)).mappings()]

    def last_status_before(self, session: date, slot: str) -> str | None:
        """The colour of the newest earlier session that has one, of the same slot if it can be."""
        query = (
            select(MarketGate.status)
            .where(MarketGate.session < session, MarketGate.status.is_not(None))
            .order_by(
                MarketGate.session.desc(),
                (MarketGate.as_of == slot).desc(),
                MarketGate.as_of.desc(),
            )
            .limit(1)
        )
        return self._connection.scalar(query)
