"""Who may come in, and how often: keys, sessions, scopes, rates."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import Answers
from api.dashboard import ASSETS
from api.hosts import Hosts
from api.keys import Keyring
from api.metrics import Metrics
from api.problems import NO_KEY, NO_RIGHT, TOO_MANY, WRONG_HOST, Problem
from api.sessions import Sessions
from db.repositories.keys import StoredKey
from errors import SettingsError
from market.clock import Clock
from settings import Settings

COOKIE = "closebell_session"
_OPEN = frozenset({"/", "/health", "/health/live", "/health/ready", "/session"})
_PROBES = frozenset({"/health/live", "/health/ready"})
MAX_STRANGERS = 50  # sockets of an address that wait to say their key
_WRONG_KEYS = parse("20/minute")


class Rates:
    """How often an address or a key may ask, counted in this process."""

    def __init__(self, rate: str) -> None:
        """`rate` as "1200/minute"; empty: any number.

        Raises:
            SettingsError: it can't be read.
        """
        try:
            self._rate: RateLimitItem | None = parse(rate) if rate else None
        except ValueError:
            raise SettingsError(
                f"CLOSEBELL_API_RATE_LIMIT can't be read: {rate!r}",
                remedy="write it as 1200/minute",
            ) from None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def ask(self, who: str) -> None:
        """Count a request or a socket.

        Raises:
            Problem: too many (429), with what is left of the window in Retry-After.
        """
        if self._rate is not None:
            self._hit(self._rate, who)

    def wrong_key(self, address: str) -> None:
        """Count a key that wasn't one; guessing is slow.

        Raises:
            Problem: too many (429).
        """
        self._hit(_WRONG_KEYS, f"wrong:{address}")

    def _hit(self, rate: RateLimitItem, who: str) -> None:
        if not self._limiter.hit(rate, who):
            left = math.ceil(self._limiter.get_window_stats(rate, who).reset_time - time.time())
            raise Problem(
                TOO_MANY,
                f"At most {rate.amount} in {rate.get_expiry()} s.",
                {"Retry-After": str(max(1, left))},
            )


class Places:
    """How many of an address there may be at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, address: str) -> Iterator[bool]:
        """A place while the block lasts; whether there was one."""
        if self._taken[address] >= self._most:
            yield False
            return
        self._taken[address] += 1
        try:
            yield True
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]


class Doorkeeper:
    """Tells who is asking, from headers or cookie, and how often they may."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        """How often and how many is said by the settings.

        Raises:
            SettingsError: the rate can't be read.
        """
        self.sockets = Places(settings.api_clients_per_address)
        self.strangers = Places(MAX_STRANGERS)
        self._rates = Rates(settings.api_rate_limit)
        self._hosts = Hosts(settings)
        self._keyring = keyring
        self._sessions = sessions
        self._clock = clock

    async def needs_key(self) -> bool:
        """Whether any key was ever made; without one everything is open."""
        return (await self._keyring.keys()).needed

    async def knock(self, scope: Scope) -> str:
        """Count a request or a socket; its address.

        Raises:
            Problem: too many (429), or without keys by a name that isn't this server's (421).
        """
        address = address_of(scope)
        self._rates.ask(address)
        if not self._hosts.know(scope["headers"]) and not await self.needs_key():
            raise Problem(
                WRONG_HOST,
                "Without keys it is asked as localhost, or by a name in CLOSEBELL_API_ORIGINS.",
            )
        return address

    async def admit(self, key: str, scope: str, address: str) -> StoredKey:
        """The key of this text.

        Raises:
            Problem: it isn't valid (401), may not do this (403), or too many were tried (429).
        """
        found = await self._keyring.by_key(key)
        if found is None:
            self._rates.wrong_key(address)
            raise _no_key("This key isn't valid.")
        return self._let_in(found, scope)

    def begin_session(self, key: StoredKey) -> str:
        """A session to show instead of the key from now on."""
        return self._sessions.begin(key.id, self._clock.now().timestamp())

    async def recognise(
        self, headers: Iterable[tuple[bytes, bytes]], scope: str, address: str
    ) -> StoredKey | None:
        """Whose request this is; None where no key is needed.

        Raises:
            Problem: no valid key (401), the wrong one (403), or too many wrong ones (429).
        """
        if not await self.needs_key():
            return None
        found = headers_of(headers)
        if key := presented_key(found):
            return await self.admit(key, scope, address)
        if session := session_in(found):
            number = self._sessions.key_of(session, self._clock.now().timestamp())
            known = (await self._keyring.keys()).valid.get(number or "")
            if known is not None:
                return self._let_in(known, scope)
        raise _no_key("Send it as X-API-Key, or as Authorization: Bearer.")

    def _let_in(self, key: StoredKey, scope: str) -> StoredKey:
        if scope not in key.scopes:
            raise Problem(NO_RIGHT, f"This key lacks the scope {scope}.")
        self._rates.ask(f"key:{key.id}")
        return key


class Guard:
    """In front of every route: rate, key, scope; then what is kept, before anything is parsed."""

    def __init__(
        self,
        app: ASGIApp,
        doorkeeper: Doorkeeper,
        answers: Answers,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._answers = answers
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path in _PROBES:
            await self._app(scope, receive, send)
            return
        address = await self._doorkeeper.knock(scope)
        if path not in _OPEN and not path.startswith(f"{ASSETS}/"):
            needed = "metrics" if path == "/metrics" else "read"
            await self._doorkeeper.recognise(scope["headers"], needed, address)
        if scope["method"] == "GET":
            kept = self._answers.get((path, scope["query_string"]))
            if kept is not None:
                self._metrics.kept.inc()
                scope["kept_route"] = kept.route
                await kept.send(scope, send)
                return
        await self._app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """The client's address; a Unix socket has none."""
    client = scope.get("client")
    return str(client[0]) if client else "local"


def headers_of(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """The headers by lower-case name, the last of several."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The key in X-API-Key or Authorization, if any."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key else None


def session_in(headers: Mapping[str, str]) -> str | None:
    """The session in our cookie, if there is one; other programs' cookies may be odd."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def _no_key(detail: str) -> Problem:
    return Problem(NO_KEY, detail, {"WWW-Authenticate": 'Bearer realm="closebell"'})
