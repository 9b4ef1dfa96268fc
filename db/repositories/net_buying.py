"""Net buying and its revisions."""

from __future__ import annotations

import dataframely as dy
from sqlalchemy import Connection

from db.bulk import Stored, store
from db.models import NetBuyingRow
from db.models.base import table_of
from market.schemas import NetBuying


class NetBuyingRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def store(self, frame: dy.DataFrame[NetBuying]) -> Stored:
        """Write versions by (session, ticker, known_at)."""
        return store(self._connection, table_of(NetBuyingRow), frame)
