"""Index bars."""

from __future__ import annotations

import dataframely as dy
from sqlalchemy import Connection

from db.bulk import Stored, store
from db.models import IndexBar
from db.models.base import table_of
from db.repositories.events import Events
from market.schemas import IndexBars


class IndexBarsRepository:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def store(self, frame: dy.DataFrame[IndexBars]) -> Stored:
        """Write bars by (session, index)."""
        done = store(self._connection, table_of(IndexBar), frame)
        if done.stored:
            self._events.changed("index_bars")
        return done
