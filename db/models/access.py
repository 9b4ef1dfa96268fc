"""Who may read: the keys of the API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Json


class ApiKey(Base):
    """One key. Its secret isn't here, only the secret's SHA-256; never deleted, only revoked."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    scopes: Mapped[Json]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Created]
    revoked_at: Mapped[datetime | None]
