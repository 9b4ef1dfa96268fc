"""Instruments: what each was when, from what was observed of it session by session."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, Table, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from db.bulk import Stored, lock, remove, store
from db.models import InstrumentFlagSet, InstrumentVersion, Listing
from db.models.base import Base, table_of
from db.repositories.events import Events
from db.versions import merge_versions
from market.schemas import FLAGS

_ATTRIBUTES = ["name", "market", "kind", "sector"]


class InstrumentsRepository:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def observe(self, frame: pl.DataFrame) -> Stored:
        """Take in what instruments were in single sessions, in any order, as often as one likes.

        Args:
            frame: ticker, session, name, market, kind, sector (null: unknown), and if known flags
                (a list of market.schemas.FLAGS; null: unknown), listed and delisted (dates).

        Returns:
            The versions that are new, changed and as they were.
        """
        lock(self._connection, "instruments")
        versions = self._merge(InstrumentVersion, frame, _ATTRIBUTES)
        if "flags" in frame.columns:
            words = frame.filter(pl.col("flags").is_not_null()).with_columns(_flag_words())
            self._merge(InstrumentFlagSet, words, ["flags"])
        if {"listed", "delisted"} & set(frame.columns):
            self._list(frame)
        return versions

    def count(self) -> int:
        """How many instruments were ever seen."""
        query = select(func.count(InstrumentVersion.ticker.distinct()))
        return self._connection.scalar(query) or 0

    def _merge(self, model: type[Base], frame: pl.DataFrame, attributes: list[str]) -> Stored:
        table = table_of(model)
        schema = {"ticker": pl.String, "since": pl.Date, "seen": pl.Date} | dict.fromkeys(
            attributes, pl.String
        )
        tickers = literal(frame["ticker"].unique().to_list(), ARRAY(table.c.ticker.type))
        found = self._connection.execute(
            select(*(table.c[name] for name in schema)).where(table.c.ticker == any_(tickers))
        )
        known = pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")
        observed = frame.select(
            "ticker", "session", *(pl.col(name).cast(pl.String) for name in attributes)
        )
        merged = merge_versions(known, observed, attributes)
        key = ["ticker", "since"]
        remove(self._connection, table, known.select(key).join(merged, on=key, how="anti"))
        return self._stored(table, merged)

    def complete(self, frame: pl.DataFrame) -> Stored:
        """Take in what is known of stocks at no particular session; null is unknown.

        Args:
            frame: ticker (once each), listed, delisted, sector.
        """
        rows = frame.select("ticker", "listed", "delisted", "sector")
        return self._stored(table_of(Listing), rows, fill=True)

    def _list(self, frame: pl.DataFrame) -> None:
        dates = [name for name in ("listed", "delisted") if name in frame.columns]
        newest = (
            frame.sort("session")
            .group_by("ticker")
            .agg(pl.col(name).drop_nulls().last() for name in dates)
            .filter(pl.any_horizontal(pl.col(dates).is_not_null()))
        )
        self._stored(table_of(Listing), newest, fill=True)

    def _stored(self, table: Table, frame: pl.DataFrame, *, fill: bool = False) -> Stored:
        done = store(self._connection, table, frame, fill=fill)
        if done.stored:
            self._events.changed("instruments")
        return done


def _flag_words() -> pl.Expr:
    """A list of flags as words in the order of FLAGS."""
    ordered = [pl.when(pl.col("flags").list.contains(flag)).then(pl.lit(flag)) for flag in FLAGS]
    return pl.concat_str(ordered, separator=" ", ignore_nulls=True).alias("flags")
