"""Net buying and its revisions."""

from __future__ import annotations

import dataframely as dy
from sqlalchemy import Connection

from db.bulk import Stored, store
from db.models import NetBuyingRow
from db.models.base import table_of
from db.repositories.events import Events
from market.schemas import NetBuying


class NetBuyingRepository:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def store(self, frame: dy.DataFrame[NetBuying]) -> Stored:
        """Write versions by (session, ticker, known_at); won and shares may come apart."""
        done = store(
            self._connection, table_of(NetBuyingRow), frame, attributes=["source"], fill=True
        )
        if done.stored:
            self._events.changed("net_buying")
        return done
