"""The providers: how each is doing, what is being fetched of them, what the exchange corrected."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Ticker, Whole


class SourceState(Base):
    """A source of prices or news, as the last run that asked for it left it.

    `missing` is what it needs to be configured, null when it is; `degraded` says that its last
    use failed, with the words of `last_error`. From `covers_from` to `covers_to` nothing of
    it was missed (news only).
    """

    __tablename__ = "source_states"

    name: Mapped[str] = mapped_column(primary_key=True)
    missing: Mapped[str | None]
    degraded: Mapped[bool] = mapped_column(server_default="false")
    last_success: Mapped[datetime | None]
    last_failure: Mapped[datetime | None]
    last_error: Mapped[str | None]
    covers_from: Mapped[date | None]
    covers_to: Mapped[date | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FetchedPart(Base):
    """One stock's bars, fetched and waiting until those of the whole market are stored."""

    __tablename__ = "fetched_parts"

    source: Mapped[str] = mapped_column(primary_key=True)
    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    first: Mapped[date]
    last: Mapped[date]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class BarCorrection(Base):
    """A figure of a stored bar that an official one replaced. Rows are only ever added."""

    __tablename__ = "bar_corrections"

    id: Mapped[Id]
    session: Mapped[date]
    ticker: Mapped[Ticker]
    field: Mapped[str]
    old: Mapped[Whole | None]
    new: Mapped[Whole | None]
    source: Mapped[str]
    old_source: Mapped[str | None]
    flow_run_id: Mapped[str | None]
    created_at: Mapped[Created]
