"""Browsers' sessions: a signed cookie instead of the key, which needs no table.

A session is `<key id>.<expiry>.<signature>`. What signs it is in no database: whoever may read the
stored keys, from a backup for one, still can't make a session.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from errors import SettingsError
from settings import Settings

SESSION_SECONDS: Final = 12 * 3600
FILE = "session.secret"
SHORTEST: Final = 32  # bytes
_SESSION = re.compile(r"([a-z2-7]{8})\.(\d{1,12})\.([0-9a-f]{64})")


class Sessions:
    """Makes sessions and knows its own; `secret` is asked for when first needed."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._make_secret = secret

    def begin(self, key_id: str, now: float) -> str:
        """A session of this key, for some hours from `now` (Unix seconds)."""
        expiry = str(int(now) + SESSION_SECONDS)
        return f"{key_id}.{expiry}.{self._signature(key_id, expiry)}"

    def key_of(self, presented: str, now: float) -> str | None:
        """The id of the key that a session was made from, while the session is valid."""
        match = _SESSION.fullmatch(presented)
        if match is None:
            return None
        key_id, expiry, signature = match.groups()
        same = hmac.compare_digest(signature, self._signature(key_id, expiry))
        return key_id if same and now < int(expiry) <= now + SESSION_SECONDS else None

    def _signature(self, key_id: str, expiry: str) -> str:
        signed = f"closebell session {key_id} {expiry}".encode()
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()

    @cached_property
    def _secret(self) -> bytes:
        return self._make_secret()


def secret_of(settings: Settings) -> bytes:
    """The setting, else what a file of the data folder says that only its owner may read.

    Raises:
        SettingsError: the file can't be read or made, is too short, or others may read it.
    """
    if settings.session_secret is not None:
        return settings.session_secret.get_secret_value().encode()
    try:
        return _kept(settings.data_dir / FILE)
    except OSError as error:
        raise SettingsError(
            f"no secret for sessions: {error}", remedy="set CLOSEBELL_SESSION_SECRET"
        ) from None


def _kept(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name first, so that two processes at once agree on one.
        with NamedTemporaryFile(dir=path.parent) as new, suppress(FileExistsError):  # mode 0600
            new.write(secrets.token_hex(32).encode())
            new.flush()
            os.fsync(new.fileno())
            os.link(new.name, path)
    secret = path.read_bytes()
    if len(secret) < SHORTEST:
        raise SettingsError(f"{path} is too short to sign sessions", remedy=f"remove {path}")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"others may read {path}", remedy=f"chmod 600 {path}")
    return secret
