"""Kiwoom's WebSocket: logged in, registered, echoing its PINGs, and back again when it breaks."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

import logs
from errors import ClosebellError, SourceUnavailable
from market.clock import Clock
from sources.http.call import Call, Throttled, Unusable
from sources.http.tokens import Token
from sources.kiwoom.answers import TokenRefused, check
from sources.kiwoom.client import PROVIDER
from sources.kiwoom.realtime_rows import INDEX, INDICES, SESSION, TRADE, Told, read_real
from sources.wire import Rejected

MOST_REJECTED: Final = 50  # in a row: then the frames aren't what we think
_FIXED_GROUP, _STOCKS_GROUP = "1", "2"
_FIXED: Final = ({"item": list(INDICES), "type": [INDEX]}, {"item": [""], "type": [SESSION]})


@dataclass(frozen=True)
class Limits:
    """Seconds, and how often in a row it may fail before that is told."""

    connect: float = 10.0
    answer: float = 10.0
    silence: float = 90.0  # PINGs come more often than that
    first_delay: float = 1.0
    longest_delay: float = 60.0
    attempts: int = 10
    stable: float = 60.0  # a connection that lasted so long ends a row of failures
    per_request: int = 100  # items in one registration (a claim of users; unconfirmed)


@dataclass(frozen=True)
class Heard:
    """Of one trial: seconds to the login and from then to each, None where it didn't come."""

    login: float
    registered: float | None
    ping: float | None
    told: float | None


class Realtime:
    """Listens to trades of chosen stocks, both indices, and the market's session.

    Args:
        token: gives the access token; a newer one than the one that was refused.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[Token | None], Token],
        clock: Clock,
        limits: Limits = Limits(),
    ) -> None:
        self._url = url
        self._token = token
        self._clock = clock
        self._limits = limits
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._rejected = 0

    def watch(self, tickers: Collection[str]) -> None:
        """The stocks whose trades are wanted from now on."""
        if (wanted := frozenset(tickers)) != self._wanted:
            self._wanted = wanted
            self._changed.set()

    async def run(self, hand_on: Callable[[Told | None], None]) -> None:
        """Hand on what is told, until cancelled; None whenever everything is registered anew.

        Raises:
            SourceUnavailable: the connection failed `attempts` times in a row.
            SourceNotConfigured, SourceRefused: Kiwoom refuses the keys, or what is asked for.
        """
        failures, refused = 0, None
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            token = None
            try:
                token = await asyncio.to_thread(self._token, refused)
                refused = None
                async with self._logged_in(token) as socket:
                    await self._hold(socket, hand_on)
            except TokenRefused as error:
                refused, cause = token, error.detail
            except (OSError, WebSocketException, TimeoutError, Throttled, Unusable) as error:
                cause = str(error) or type(error).__name__
            except ClosebellError as error:
                if not error.retryable:
                    raise
                cause = error.detail
            failures = 1 if loop.time() - began >= self._limits.stable else failures + 1
            if failures >= self._limits.attempts:
                raise SourceUnavailable(
                    f"{PROVIDER} websocket: {failures} connections in a row failed: {cause}",
                    remedy="see whether Kiwoom is up, and what CLOSEBELL_KIWOOM_WS_URL says",
                )
            longest = min(
                self._limits.longest_delay, self._limits.first_delay * 2 ** (failures - 1)
            )
            logs.get().warning("the stream broke", source=PROVIDER, cause=cause, failures=failures)
            await asyncio.sleep(random.uniform(longest / 2, longest))

    async def try_out(self, ticker: str, seconds: float) -> Heard:
        """Log in, register one stock and what is always registered, and listen for so long at most.

        Ends as soon as everything has come: the registration's answer, a PING, something told.

        Raises:
            SourceUnavailable: the connection failed.
            ClosebellError: Kiwoom refuses the token, the keys, or what is asked for.
        """
        loop = asyncio.get_running_loop()
        came: dict[str, float] = {}
        try:
            token = await asyncio.to_thread(self._token, None)
            began = loop.time()
            async with self._logged_in(token) as socket:
                login = loop.time()
                items = [*_FIXED, {"item": [ticker], "type": [TRADE]}]
                await _send(socket, "REG", _FIXED_GROUP, items, refresh="0")
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        while not came.keys() >= {"REG", "PING", "REAL"}:
                            frame = await self._frame(socket)
                            self._read(frame, lambda _told: None)
                            came.setdefault(str(frame.get("trnm")), loop.time() - login)
        except TokenRefused as error:
            raise SourceUnavailable(f"{PROVIDER} websocket: {error.detail}") from error
        except (OSError, WebSocketException, TimeoutError, Throttled, Unusable) as error:
            cause = str(error) or type(error).__name__
            raise SourceUnavailable(
                f"{PROVIDER} websocket: {cause}", remedy="see what CLOSEBELL_KIWOOM_WS_URL says"
            ) from error
        return Heard(login - began, came.get("REG"), came.get("PING"), came.get("REAL"))

    @asynccontextmanager
    async def _logged_in(self, token: Token) -> AsyncIterator[ClientConnection]:
        limits = self._limits
        async with connect(
            self._url,
            open_timeout=limits.connect,
            close_timeout=limits.answer,
            ping_interval=None,  # Kiwoom has its own
            max_size=4 * 1024 * 1024,
            proxy=None,
        ) as socket:
            await socket.send(json.dumps({"trnm": "LOGIN", "token": token.text}))
            async with asyncio.timeout(limits.answer):
                while (answer := await self._frame(socket)).get("trnm") != "LOGIN":
                    pass
            check(Call(PROVIDER, "websocket LOGIN", "", ()), answer)
            yield socket

    async def _hold(self, socket: ClientConnection, hand_on: Callable[[Told | None], None]) -> None:
        """Keep what is registered in line with what is watched, and hand on what comes."""
        await _send(socket, "REG", _FIXED_GROUP, list(_FIXED), refresh="0")
        registering = asyncio.create_task(self._keep_registered(socket))
        try:
            hand_on(None)
            while True:
                async with asyncio.timeout(self._limits.silence):
                    frame = await self._frame(socket)  # a PING is no silence
                if registering.done():
                    registering.result()
                self._read(frame, hand_on)
        except TimeoutError:
            raise TimeoutError(f"nothing heard for {self._limits.silence:.0f} s") from None
        finally:
            registering.cancel()
            await asyncio.gather(registering, return_exceptions=True)

    async def _keep_registered(self, socket: ClientConnection) -> None:
        registered: frozenset[str] = frozenset()
        while True:
            self._changed.clear()
            wanted = self._wanted
            for trnm, tickers in (("REMOVE", registered - wanted), ("REG", wanted - registered)):
                ordered = sorted(tickers)
                for start in range(0, len(ordered), self._limits.per_request):
                    items = ordered[start : start + self._limits.per_request]
                    data = [{"item": items, "type": [TRADE]}]
                    await _send(socket, trnm, _STOCKS_GROUP, data, refresh="1")
            registered = wanted
            await self._changed.wait()

    def _read(self, frame: Mapping[str, Any], hand_on: Callable[[Told | None], None]) -> None:
        if frame.get("trnm") in ("REG", "REMOVE"):
            check(Call(PROVIDER, f"websocket {frame['trnm']}", "", ()), frame)
        elif frame.get("trnm") == "REAL":
            for told in read_real(frame, self._clock.now()):
                if isinstance(told, Rejected):
                    self._reject(told)
                else:
                    self._rejected = 0
                    hand_on(told)

    async def _frame(self, socket: ClientConnection) -> Mapping[str, Any]:
        """The next frame; PINGs are sent back as they came."""
        while True:
            text = await socket.recv()
            try:
                frame = json.loads(text)
            except ValueError:
                frame = None
            if not isinstance(frame, dict):
                self._reject(Rejected(repr(text[:60]), "no JSON object"))
            else:
                if frame.get("trnm") == "PING":
                    await socket.send(text)
                return frame

    def _reject(self, rejected: Rejected) -> None:
        self._rejected += 1
        logs.get().warning("part of the stream was left out", source=PROVIDER, row=str(rejected))
        if self._rejected >= MOST_REJECTED:
            self._rejected = 0
            raise Unusable(f"{MOST_REJECTED} rows in a row can't be read, the last: {rejected}")


async def _send(
    socket: ClientConnection, trnm: str, group: str, data: list[dict[str, list[str]]], refresh: str
) -> None:
    frame = {"trnm": trnm, "grp_no": group, "refresh": refresh, "data": data}
    await socket.send(json.dumps(frame))
