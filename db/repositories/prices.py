"""The last prices of stocks and indices; an older one never replaces a newer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from db.bulk import Stored, insert_missing, lock, staged, update_differing
from db.models import IndexPrice, LastPrice
from db.models.base import Base, table_of
from db.repositories.events import Events
from market.schemas import INSTANT

_PRICES: dict[str, Any] = {
    "ticker": pl.String,
    "price": pl.Int64,
    "change_rate": pl.Float64,
    "volume": pl.Int64,
    "at": INSTANT,
    "source": pl.String,
}
_INDICES: dict[str, Any] = {
    "name": pl.String,
    "value": pl.Float64,
    "change_pct": pl.Float64,
    "at": INSTANT,
}


class Prices:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def store(self, frame: pl.DataFrame) -> Stored:
        """Write last prices: ticker, price, change_rate (percent), volume, at, source.

        Won and shares. Readers are told once, with the commit, that prices have changed.
        """
        return self._store(LastPrice, frame.select(*_PRICES), "ticker")

    def store_indices(self, frame: pl.DataFrame) -> Stored:
        """Write where the indices stand: name, value, change_pct (percent), at."""
        return self._store(IndexPrice, frame.select(*_INDICES), "name")

    def latest(self, tickers: Collection[str]) -> pl.DataFrame:
        """The last prices of these stocks, as far as there are any, by ticker."""
        columns = [table_of(LastPrice).c[name] for name in _PRICES]
        query = select(*columns).where(LastPrice.ticker.in_(tickers)).order_by(LastPrice.ticker)
        return _frame(self._connection.execute(query), _PRICES)

    def indices(self) -> pl.DataFrame:
        """Where the indices stand, by name."""
        query = select(*(table_of(IndexPrice).c[name] for name in _INDICES))
        return _frame(self._connection.execute(query.order_by(IndexPrice.name)), _INDICES)

    def _store(self, model: type[Base], frame: pl.DataFrame, key: str) -> Stored:
        if frame.is_empty():
            return Stored(0, 0, 0)
        table = table_of(model)
        lock(self._connection, f"store:{table.name}")
        with staged(self._connection, table, frame.sort(key)) as rows:
            differing = update_differing(table, rows, [key]).where(rows.c.at > table.c.at)
            changed = self._connection.execute(differing).rowcount
            new = self._connection.execute(insert_missing(table, rows, [key])).rowcount
        if new + changed:
            self._events.changed("prices")
        return Stored(new, changed, frame.height - new - changed)


def _frame(found: Any, schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")
