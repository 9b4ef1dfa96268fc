"""Stocks fetched one by one, kept until the whole market is stored; each in its own transaction."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.database import Database
from db.engine import our_errors
from db.models import FetchedPart


class StoredParts:
    """What sources/parts.py asks for: a process that is killed loses at most one stock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, source: str, first: date, last: date, since: datetime) -> dict[str, bytes]:
        """The parts that cover `first` to `last` and were fetched after `since`, by ticker."""
        query = select(FetchedPart.ticker, FetchedPart.content).where(
            FetchedPart.source == source,
            FetchedPart.first <= first,
            FetchedPart.last >= last,
            FetchedPart.fetched_at > since,
        )
        with our_errors(), self._database.connection() as connection:
            return {ticker: content for ticker, content in connection.execute(query)}

    def keep(self, source: str, ticker: str, first: date, last: date, content: bytes) -> None:
        """Keep one stock's part in place of an earlier one."""
        row = {"first": first, "last": last, "content": content}
        statement = (
            insert(FetchedPart)
            .values(source=source, ticker=ticker, **row)
            .on_conflict_do_update(
                index_elements=["source", "ticker"],
                set_={**row, "fetched_at": func.clock_timestamp()},
            )
        )
        with our_errors(), self._database.connection() as connection:
            connection.execute(statement)
            connection.commit()
