"""Disclosures and articles."""

from __future__ import annotations

import dataframely as dy
from sqlalchemy import Connection

from db.bulk import Stored, store
from db.models import NewsItem
from db.models.base import table_of
from market.schemas import News


class NewsRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def store(self, frame: dy.DataFrame[News]) -> Stored:
        """Write items by their id; one that was seen before stays as seen then."""
        return store(self._connection, table_of(NewsItem), frame, attributes=["seen_at"])
