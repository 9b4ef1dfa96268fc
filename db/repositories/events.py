"""Events: collected while a transaction works, written as its last act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from db.bulk import lock
from db.models import Event

CHANNEL = "closebell"


class Events:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._collected: list[dict[str, Any]] = []

    def append(self, topic: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Announce something on commit. `payload` is what JSON can hold."""
        self._collected.append({"topic": topic, "kind": kind, "payload": dict(payload)})

    def flush(self) -> None:
        """Insert what was collected and wake the listeners; only as the last act before commit.

        The lock is held until the commit, so ids are given in the order of commits, and whoever
        has seen an id can't miss a smaller one.
        """
        if not self._collected:
            return
        lock(self._connection, "events")
        self._connection.execute(insert(Event), self._collected)
        self._connection.execute(text(f"NOTIFY {CHANNEL}"))
        self._collected.clear()

    def last_id(self) -> int:
        """The newest event's id, 0 when there is none."""
        return self._connection.scalar(select(func.coalesce(func.max(Event.id), 0))) or 0

    def after(self, last_id: int, limit: int = 1000) -> list[dict[str, Any]]:
        """What came after an event, in order: id, topic, kind, payload, created_at."""
        query = (
            select(Event.id, Event.topic, Event.kind, Event.payload, Event.created_at)
            .where(Event.id > last_id)
            .order_by(Event.id)
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]
