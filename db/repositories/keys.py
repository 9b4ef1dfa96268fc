"""Keys of the read API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from db.models import ApiKey
from db.repositories.events import Events


@dataclass(frozen=True)
class StoredKey:
    """A key as it is stored: `secret_hash` is the SHA-256 of its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    secret_hash: bytes
    created_at: datetime
    revoked_at: datetime | None


class Keys:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, number: str, name: str, scopes: Sequence[str], secret_hash: bytes) -> None:
        """Record a new key."""
        values = {"id": number, "name": name, "scopes": list(scopes), "secret_hash": secret_hash}
        self._connection.execute(insert(ApiKey).values(values))
        self._events.changed("keys")

    def revoke(self, number: str) -> bool:
        """Make a key worthless from now on; False when there is no such valid key."""
        statement = (
            update(ApiKey)
            .values(revoked_at=func.now())
            .where(ApiKey.id == number, ApiKey.revoked_at.is_(None))
        )
        revoked = self._connection.execute(statement).rowcount == 1
        if revoked:
            self._events.changed("keys")
        return revoked

    def all(self) -> list[StoredKey]:
        """Every key ever made, oldest first."""
        query = select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.scopes,
            ApiKey.secret_hash,
            ApiKey.created_at,
            ApiKey.revoked_at,
        ).order_by(ApiKey.created_at, ApiKey.id)
        return [
            StoredKey(id_, name, tuple(scopes), bytes(digest), created, revoked)
            for id_, name, scopes, digest, created, revoked in self._connection.execute(query)
        ]
