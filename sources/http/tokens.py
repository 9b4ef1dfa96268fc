"""One access token an app key: shared by all processes, issued by one at a time."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.fernet import Fernet

from errors import SourceUnavailable
from sources.http.guards import TokenStore

POLL = 0.25


@dataclass(frozen=True)
class Token:
    """A token and its number in the store; the text stays out of logs and errors."""

    text: str = field(repr=False)
    number: int


class TokenHolder:
    """Hands out the token of one key, issuing a new one ahead of its end.

    Args:
        store: where the token and the right to issue one are kept.
        key: names the app key in the store; never the key itself.
        issue: asks the provider for a token; its text and when it ends (aware).
        secret: what the token is sealed with in the store, where others may read.
        ahead: seconds before its end at which a token is replaced.
        lease: seconds after which another process may issue, if this one died doing so.
    """

    def __init__(
        self,
        store: TokenStore,
        key: str,
        issue: Callable[[], tuple[str, datetime]],
        *,
        secret: str,
        ahead: float = 600.0,
        lease: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._key = key
        self._issue = issue
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
        self._ahead = ahead
        self._lease = lease
        self._sleep = sleep

    def get(self, rejected: Token | None = None) -> Token:
        """The token to use; a newer one than `rejected`, which the provider refused.

        While another process replaces a token that nears its end, the old one is given out.

        Raises:
            SourceUnavailable: another process has been issuing one for too long.
            ClosebellError: whatever `issue` raises.
        """
        number = rejected.number if rejected else None
        for _ in range(int(2 * self._lease / POLL)):
            found = self._read(self._ahead)
            if found and found.number != number:
                return found
            claim = self._store.claim(
                self._key, ahead=self._ahead, rejected=number, lease=self._lease
            )
            if claim is not None:
                self._replace(claim)
            old = self._read(ahead=0)
            if old and old.number != number:
                return old
            if claim is not None:
                raise SourceUnavailable(
                    f"{self._key}: the access token just issued has already ended",
                    remedy="set the clock of the database's machine",
                )
            self._sleep(POLL)
        raise SourceUnavailable(
            f"{self._key}: no access token, another process has been fetching one for too long",
            remedy="try again",
        )

    def _read(self, ahead: float) -> Token | None:
        found = self._store.read(self._key, ahead=ahead)
        if found is None:
            return None
        sealed, number = found
        return Token(self._seal.decrypt(sealed.encode()).decode(), number)

    def _replace(self, claim: int) -> None:
        try:
            text, expires_at = self._issue()
        except BaseException:
            self._store.give_up(self._key, claim)
            raise
        sealed = self._seal.encrypt(text.encode()).decode()
        self._store.store(self._key, claim, sealed, expires_at)
