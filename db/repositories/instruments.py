"""Instruments: what each was when, from what was observed of it session by session."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from db.bulk import Stored, lock, remove, store
from db.models import InstrumentFlagSet, InstrumentVersion, Listing
from db.models.base import Base, table_of
from db.versions import merge_versions
from market.schemas import FLAGS

_ATTRIBUTES = ["name", "market", "kind", "sector"]


class InstrumentsRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        return store(self._connection, table, merged)

    def _list(self, frame: pl.DataFrame) -> None:
        dates = [name for name in ("listed", "delisted") if name in frame.columns]
        newest = (
            frame.sort("session")
            .group_by("ticker")
            .agg(pl.col(name).drop_nulls().last() for name in dates)
            .filter(pl.any_horizontal(pl.col(dates).is_not_null()))
        )
        stored = self._connection.execute(select(Listing.ticker, Listing.listed, Listing.delisted))
        schema = {"ticker": pl.String, "listed": pl.Date, "delisted": pl.Date}
        known = pl.DataFrame([tuple(row) for row in stored], schema=schema, orient="row")
        rows = newest.join(known, on="ticker", how="left", suffix="_known").select(
            "ticker",
            *(
                pl.coalesce(name, f"{name}_known").alias(name) if name in dates else pl.col(name)
                for name in ("listed", "delisted")
            ),
        )
        store(self._connection, table_of(Listing), rows)


def _flag_words() -> pl.Expr:
    """A list of flags as words in the order of FLAGS."""
    ordered = [pl.when(pl.col("flags").list.contains(flag)).then(pl.lit(flag)) for flag in FLAGS]
    return pl.concat_str(ordered, separator=" ", ignore_nulls=True).alias("flags")
