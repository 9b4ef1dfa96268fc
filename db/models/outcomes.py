"""What became of the signals: their steps, their figures, and what all of them were worth."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Json, Whole
from db.models.results import STATUSES, Signal, one_of


class SignalTransition(Base):
    """A step of a signal in the session it happened in; never changed. `price`: won as traded."""

    __tablename__ = "signal_transitions"
    __table_args__ = (
        Index(None, "signal_id"),
        one_of("status", STATUSES),
        one_of("from_status", STATUSES),
    )

    id: Mapped[Id]
    signal_id: Mapped[Whole] = mapped_column(ForeignKey(Signal.id))
    from_status: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None]
    session: Mapped[date]
    price: Mapped[Whole | None]
    created_at: Mapped[Created]


class Outcome(Base):
    """How a signal stands: its trade, and what stock and market returned after it (fractions).

    Prices are won as traded in their own sessions; `filled_price` × `factor` is on the scale of
    the closing session. `status` is the trade's: a withdrawn signal is followed too.
    """

    __tablename__ = "outcomes"
    __table_args__ = (one_of("status", STATUSES),)

    signal_id: Mapped[Whole] = mapped_column(ForeignKey(Signal.id), primary_key=True)
    status: Mapped[str]
    reason: Mapped[str | None]
    filled_session: Mapped[date | None]
    filled_price: Mapped[Whole | None]
    closed_session: Mapped[date | None]
    closed_price: Mapped[Whole | None]
    factor: Mapped[float | None]
    gross_return: Mapped[float | None]
    net_return: Mapped[float | None]
    random_return: Mapped[float | None]
    open_return: Mapped[float | None]
    sessions_held: Mapped[int | None]
    return_1: Mapped[float | None]
    return_5: Mapped[float | None]
    return_20: Mapped[float | None]
    market_1: Mapped[float | None]
    market_5: Mapped[float | None]
    market_20: Mapped[float | None]
    done: Mapped[bool]
    rules_hash: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Performance(Base):
    """The figures of a year's signals, or of all, as of a session; `groups` are its rows."""

    __tablename__ = "performance"

    period: Mapped[str] = mapped_column(primary_key=True)
    settled_to: Mapped[date]
    survivorship: Mapped[str]
    delisted_held: Mapped[bool | None]
    groups: Mapped[Json]
    rules_hash: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
