"""`/ws`: who may come in, what a client may say, and the replay of what it missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from api.client import GOING_AWAY, NO_RIGHT, TOO_MUCH, TRY_LATER, Client, Ending, State
from api.guard import address_of, headers_of, presented_key, session_in
from api.messages import known_topic
from api.problems import NO_KEY, TOO_MANY, WRONG_HOST, Problem
from api.services import Services
from api.transport import EXTENSION, FRAMES
from api.views import dumps
from errors import ClosebellError
from logs import get as logger

MAX_FRAME = 4096  # characters
MAX_TOPICS = 200
MAX_FRAMES, WINDOW_SECONDS = 60, 10.0
AUTH_SECONDS = 5.0
STALL_SECONDS = 30.0  # that one message of a replay may take


class Connection:
    """One client's socket and what is done with it."""

    def __init__(self, socket: WebSocket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._notifier = services.notifier
        self._doorkeeper = services.doorkeeper
        self._address = address_of(socket.scope)
        self._loop = asyncio.get_running_loop()
        self.client = Client(self._loop.time())
        self._frames = 0
        self._window = self._loop.time()
        self._first: asyncio.Future[str] = self._loop.create_future()
        self._held: list[str] = []
        self._has_place = False

    async def run(self) -> None:
        """From accept to close. Whatever happens, nothing of it is left afterwards."""
        await self._socket.accept()
        with self._doorkeeper.sockets.take(self._address) as self._has_place:
            await self._live()

    async def _live(self) -> None:
        if (frames := self._socket.scope.get("extensions", {}).get(FRAMES)) is not None:
            self.client.write = frames["write"]
        self._notifier.join(self.client)
        tasks = [asyncio.create_task(self._speak()), asyncio.create_task(self._hear())]
        endings: list[asyncio.Future[Any]] = [*tasks, self.client.over]
        try:
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            if self.client.over.done():
                await self._close(self.client.over.result())
        finally:
            self.client.state = State.OVER
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._notifier.leave(self.client)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                    logger().error("a client's task failed", exc_info=result)

    async def _close(self, ending: Ending) -> None:
        self._services.metrics.closed.labels(ending.code).inc()
        extension = self._socket.scope.get("extensions", {}).get(EXTENSION)
        if extension is not None:
            extension["call"](ending.code, ending.reason)
            return
        try:
            async with asyncio.timeout(AUTH_SECONDS):
                await self._socket.close(ending.code, ending.reason)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return  # the peer is gone, or never reads again

    async def _speak(self) -> None:
        """Everything that is written to the socket, in order."""
        if not await self._enter():
            return
        try:
            topics, last = self._wishes()
            await self._welcome(topics, last)
        except ClosebellError as error:
            logger().warning("a replay failed", cause=str(error))
            self.client.end(TRY_LATER, "the database can't be read, come back later")
            return
        except TimeoutError:
            self.client.end(TRY_LATER, "too slow to read, or too much to do here")
            return
        await self.client.send_forever(self._socket.send_text)

    async def _enter(self) -> bool:
        """Whether the client may be here; if not, it is told and closed."""
        services, scope = self._services, self._socket.scope
        doorkeeper, address = self._doorkeeper, self._address
        if len(self._notifier.clients) > services.settings.api_clients:
            self.client.end(TRY_LATER, "too many clients")
            return False
        if not self._has_place:
            self.client.end(TRY_LATER, "too many clients of this address")
            return False
        if not _origin_allowed(headers_of(scope["headers"]), services.settings.api_origins):
            self.client.end(NO_RIGHT, "this origin isn't allowed")
            return False
        try:
            await doorkeeper.knock(scope)
            if not await doorkeeper.needs_key():
                return True
            headers = headers_of(scope["headers"])
            if presented_key(headers) is None and session_in(headers) is None:
                key = await doorkeeper.admit(await self._said_key(), "live", address)
            else:
                found = await doorkeeper.recognise(scope["headers"], "live", address)
                if found is None:
                    return True
                key = found
        except Problem as error:
            if error.kind is TOO_MANY:
                self.client.end(TRY_LATER, "too many requests")
                return False
            if error.kind is WRONG_HOST:
                await self._socket.send_text(_error(error.kind.name, error.detail))
                self.client.end(NO_RIGHT, error.kind.title)
                return False
            await self._socket.send_text(_error("unauthorized", error.detail))
            self.client.end(NO_RIGHT, "a valid key is needed")
            return False
        except (ClosebellError, TimeoutError) as error:
            logger().warning("a key can't be checked", cause=str(error))
            self.client.end(TRY_LATER, "the database can't be read, come back later")
            return False
        self.client.key_id = key.id
        return True

    async def _said_key(self) -> str:
        """The key out of the first frame.

        Raises:
            Problem: there is none, or too many wait to say theirs.
        """
        with self._doorkeeper.strangers.take(self._address) as free:
            if not free:
                raise Problem(TOO_MANY, "Too many wait to say their key.")
            try:
                async with asyncio.timeout(AUTH_SECONDS):
                    said = _object(await self._first)
            except TimeoutError:
                raise Problem(NO_KEY, "No key came in time.") from None
        key = said.get("key") if said and said.get("type") == "auth" else None
        if not isinstance(key, str):
            raise Problem(NO_KEY, "The first frame is auth.")
        return key

    def _wishes(self) -> tuple[list[str], int | None]:
        """The topics to begin with and the last event seen, out of the address."""
        query = self._socket.query_params
        topics = [t for t in query.get("subscribe", "").split(",") if t]
        last = query.get("last_event_id")
        if last is None:
            return topics, None
        if not (last.isascii() and last.isdigit() and len(last) <= 18):
            self.client.say(_error("bad_last_event_id", "last_event_id is a number"))
            return topics, None
        return topics, int(last)

    async def _welcome(self, topics: list[str], last: int | None) -> None:
        """Greet, and go on from the last event seen, or from now: both are a replay."""
        client, notifier = self.client, self._notifier
        newest = await notifier.newest()
        client.seen = newest if last is None else last
        connected = {"type": "connected", "client_id": client.id, "last_event_id": client.seen}
        await self._send(dumps(connected).decode())
        for topic in topics:
            await self._send(self._subscribe(topic))
        client.state = State.REPLAYING
        for text in self._held:
            self._act(text)
        await self._flush()
        if last is not None and await notifier.missing(last):
            words = f"event {last} is not known any more; what follows is how things stand now"
            await self._send(_error("event_gone", words))
            client.seen, messages = await notifier.snapshot(client.topics)
            for message in messages:
                await self._send(message.text)
        await self._replay()

    async def _replay(self) -> None:
        """Send what came after the last event seen, until the client is where all others are."""
        while True:
            await self._flush()
            if self._notifier.go_live(self.client):
                return
            reached, messages = await self._notifier.after(self.client.seen)
            for message in messages:
                if message.topic in self.client.topics:
                    await self._send(message.text)
                    await self._flush()
                self.client.seen = message.id or self.client.seen
            self.client.seen = reached

    async def _flush(self) -> None:
        await self.client.send_queued(self._send)

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(STALL_SECONDS):
            await self._socket.send_text(text)

    async def _hear(self) -> None:
        """Everything the client says."""
        while True:
            frame = await self._socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            self.client.heard_at = self._loop.time()
            text = frame.get("text")
            if len(text or frame.get("bytes") or b"") > MAX_FRAME or self._too_many():
                self.client.end(TOO_MUCH, "too much at once")
                return
            if text is None:
                self.client.say(_error("not_text", "frames are text"))
            elif self.client.state is State.ENTERING:
                if len(self._held) == MAX_FRAMES:
                    self.client.end(TOO_MUCH, "too much at once")
                    return
                self._held.append(text)
                if not self._first.done():
                    self._first.set_result(text)
            else:
                self._act(text)

    def _act(self, text: str) -> None:
        said = _object(text)
        if said is None:
            self.client.say(_error("bad_message", "a frame is a JSON object"))
            return
        kind, topic = said.get("type") or said.get("action"), said.get("topic")
        if kind == "auth" and isinstance(said.get("key"), str):
            return  # who it is was settled at the door
        if kind == "subscribe" and isinstance(topic, str):
            self.client.say(self._subscribe(topic))
        elif kind == "unsubscribe" and isinstance(topic, str):
            self._notifier.unsubscribe(self.client, topic)
            self.client.say(dumps({"type": "unsubscribed", "topic": topic}).decode())
        elif kind == "ping":
            self.client.say('{"type":"pong"}')
        elif kind != "pong":
            self.client.say(_error("unknown_type", "see the list of messages"))

    def _subscribe(self, topic: str) -> str:
        """What the client is told of it."""
        if not known_topic(topic):
            return _error("unknown_topic", f"no such topic: {topic[:60]}")
        if len(self.client.topics) >= MAX_TOPICS and topic not in self.client.topics:
            return _error("too_many_topics", f"at most {MAX_TOPICS} topics")
        self._notifier.subscribe(self.client, topic)
        return dumps({"type": "subscribed", "topic": topic}).decode()

    def _too_many(self) -> bool:
        now = self._loop.time()
        if now - self._window > WINDOW_SECONDS:
            self._window, self._frames = now, 0
        self._frames += 1
        return self._frames > MAX_FRAMES


def _origin_allowed(headers: Mapping[str, str], others: frozenset[str]) -> bool:
    """A page of this server's own, or of a site that was named; programs have no origin."""
    origin = headers.get("origin")
    if origin is None or origin in others:
        return True
    return urlsplit(origin).netloc == headers.get("host")


def _object(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _error(code: str, words: str) -> str:
    return dumps({"type": "error", "code": code, "message": words}).decode()


def closing_down(clients: Any) -> None:
    """Tell every client that the server goes away."""
    for client in list(clients):
        client.end(GOING_AWAY, "the server is shutting down")
