"""Events: collected while a transaction works, written as its last act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

import tracing
from db.bulk import lock
from db.models import Event

CHANNEL = "closebell"
DATA = "data"
"""The topic of changes that nobody is told of but the API's own memory."""
PRUNED = "pruned"
TRACE = "traceparent"
"""Of a payload: names the trace that the event was written in, for those who go on from it."""
_ANNOUNCED = frozenset({"signals", "gates", "scans"})


class Events:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._collected: list[dict[str, Any]] = []
        self._changed: set[str] = set()

    def append(self, topic: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Announce something on commit. `payload` is what JSON can hold."""
        self._collected.append({"topic": topic, "kind": kind, "payload": dict(payload)})

    def changed(self, noun: str) -> None:
        """Note that something readers may have kept is no longer so.

        What no event of the same transaction announces gets one of its own, so that no change goes
        unheard. Repositories call this; others needn't.
        """
        self._changed.add(noun)

    def flush(self) -> None:
        """Insert what was collected and wake the listeners; only as the last act before commit.

        The lock is held until the commit, so ids are given in the order of commits, and whoever
        has seen an id can't miss a smaller one.
        """
        if unheard := self._changed - (_ANNOUNCED if self._collected else frozenset()):
            self.append(DATA, "data_update", {"changed": sorted(unheard)})
        self._changed.clear()
        if not self._collected:
            return
        lock(self._connection, "events")
        if (parent := tracing.traceparent()) is not None:
            for event in self._collected:
                event["payload"][TRACE] = parent
        self._connection.execute(insert(Event), self._collected)
        self._connection.execute(text(f"NOTIFY {CHANNEL}"))
        self._collected.clear()

    def last_id(self) -> int:
        """The newest event's id, 0 when there is none."""
        return self._connection.scalar(select(func.coalesce(func.max(Event.id), 0))) or 0

    def pruned_to(self) -> int:
        """The newest id that was forgotten, 0 when all events are there."""
        query = select(func.coalesce(func.max(Event.id), 0)).where(Event.topic == PRUNED)
        return self._connection.scalar(query) or 0

    def after(self, last_id: int, limit: int = 1000) -> list[dict[str, Any]]:
        """What came after an event, in order: id, topic, kind, payload, created_at."""
        query = (
            select(Event.id, Event.topic, Event.kind, Event.payload, Event.created_at)
            .where(Event.id > last_id, Event.topic != PRUNED)
            .order_by(Event.id)
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def forget_silent(self, before: datetime) -> int:
        """Forget what no client was told of, older than `before`, but the newest; gives how many.

        A price a second is a lot of events; who listened has heard them, who comes back reads anew.
        """
        newest = select(func.max(Event.id)).scalar_subquery()
        old = delete(Event).where(Event.topic == DATA, Event.created_at < before, Event.id < newest)
        return self._connection.execute(old).rowcount

    def prune(self, before: datetime) -> int:
        """Forget events older than `before`; gives how many. The newest of them stays as a mark."""
        old = select(func.max(Event.id)).where(Event.created_at < before)
        newest = self._connection.scalar(old)
        if newest is None or newest == self.pruned_to():
            return 0
        lock(self._connection, "events")
        gone = self._connection.execute(delete(Event).where(Event.id < newest)).rowcount
        self._connection.execute(
            update(Event).values(topic=PRUNED, kind=PRUNED, payload={}).where(Event.id == newest)
        )
        return gone + 1
