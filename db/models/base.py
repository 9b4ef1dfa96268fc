"""What all tables share: names of constraints, and how our types become PostgreSQL's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Double, Identity, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Whole = Annotated[int, mapped_column(BigInteger)]
"""Won, shares and counts."""
Ticker = Annotated[str, mapped_column(Text(collation="C"))]
Id = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Json = Annotated[Any, mapped_column(JSONB)]
Created = Annotated[datetime, mapped_column(server_default=func.now())]


class Base(DeclarativeBase):
    """Won and shares are bigint, ratios double precision, instants timestamptz, words text."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {str: Text, float: Double, datetime: DateTime(timezone=True)}  # noqa: RUF012


def table_of(model: type[Base]) -> Table:
    """The Core table of a model, for statements that are made from its columns."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return table
