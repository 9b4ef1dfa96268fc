"""What happened: imports, the rows they refused, events."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Json, Whole


class Import(Base):
    """One file taken in, and how many of its rows were stored, unchanged and rejected."""

    __tablename__ = "imports"

    id: Mapped[Id]
    file: Mapped[str]
    sha256: Mapped[str]
    rows_read: Mapped[Whole]
    rows_stored: Mapped[Whole]
    rows_unchanged: Mapped[Whole]
    rows_rejected: Mapped[Whole]
    created_at: Mapped[Created]


class RejectedRow(Base):
    """A row that an import refused, as it stood in the file."""

    __tablename__ = "rejected_rows"

    import_id: Mapped[Whole] = mapped_column(
        ForeignKey(Import.id, ondelete="CASCADE"), primary_key=True
    )
    row: Mapped[Whole] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[Json]


class Event(Base):
    """What clients are told; ids grow in the order of commits and may have gaps."""

    __tablename__ = "events"

    id: Mapped[Id]
    topic: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[Json]
    created_at: Mapped[Created]
