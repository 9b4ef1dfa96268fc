"""Alerts: how far the events were read, what rules remember, what was sent to whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Json, Whole

MESSAGE_STATUSES = ("waiting", "sending", "sent", "failed")


class AlertProgress(Base):
    """One row: the newest event that was judged."""

    __tablename__ = "alert_progress"

    id: Mapped[Whole] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[Whole]


class AlertState(Base):
    """What a rule last told of a subject, so that only a change is told."""

    __tablename__ = "alert_states"

    rule: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


class AlertMessage(Base):
    """One message to one recipient; `key` names it however often it is sent.

    `unsure`: an attempt ended without a word, so the next one may be a repeat.
    """

    __tablename__ = "alert_messages"
    __table_args__ = (
        CheckConstraint(
            f"status IN ({', '.join(map(repr, MESSAGE_STATUSES))})",
            name="status",
        ),
        Index(None, "next_at", postgresql_where=text("status IN ('waiting', 'sending')")),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    recipient: Mapped[str]
    notices: Mapped[Json]
    status: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[Whole] = mapped_column(server_default="0")
    unsure: Mapped[bool] = mapped_column(server_default=text("false"))
    error: Mapped[str | None]
    next_at: Mapped[datetime]
    created_at: Mapped[Created]
    ended_at: Mapped[datetime | None]
