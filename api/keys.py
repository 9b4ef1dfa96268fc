"""API keys: random, stored hashed, compared in constant time. A key is `cb_<id>_<secret>`."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.repositories.keys import StoredKey

SCOPES: Final = ("read", "live", "metrics")
_KEY = re.compile(r"cb_([a-z2-7]{8})_([A-Za-z0-9_-]{43})")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True)
class NewKey:
    """A key just made; `text` is shown once and kept nowhere."""

    id: str
    text: str
    secret_hash: bytes


def make_key() -> NewKey:
    """A new key of 256 random bits."""
    number = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    return NewKey(number, f"cb_{number}_{secret}", _digest(secret))


@dataclass(frozen=True)
class KnownKeys:
    """The valid keys by id; `needed` once any was ever made: revoking the last opens nothing."""

    valid: Mapping[str, StoredKey]
    needed: bool


class Keyring:
    """The valid keys, read anew after every notification of the database."""

    def __init__(self, read: Callable[[], Awaitable[Sequence[StoredKey]]]) -> None:
        self._read = read
        self._known: KnownKeys | None = None
        self._listening = False
        self._version = 0

    def changed(self, *, listening: bool = True) -> None:
        """Read them again before the next use; every time while nobody listens for changes."""
        self._listening = listening
        self._known = None
        self._version += 1

    async def keys(self) -> KnownKeys:
        """What is known of keys now.

        Raises:
            DatabaseError: they can't be read.
        """
        if self._known is not None:
            return self._known
        version = self._version
        stored = await self._read()
        valid = {key.id: key for key in stored if key.revoked_at is None}
        known = KnownKeys(valid, needed=bool(stored))
        if self._listening and version == self._version:
            self._known = known
        return known

    async def by_key(self, presented: str) -> StoredKey | None:
        """The key of this text, if it is valid."""
        match = _KEY.fullmatch(presented)
        number, secret = match.groups() if match else ("", "")
        known = (await self.keys()).valid.get(number)
        stored = known.secret_hash if known else bytes(32)
        same = hmac.compare_digest(_digest(secret), stored)
        return known if same else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
