"""A WebSocket client as users have it: it reconnects, and reads on from the last event it saw."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from api_listener import listening
from websockets.exceptions import WebSocketException


class Follower:
    """`seen` are the ids of all events in the order they came; `returns`: times it came back."""

    def __init__(self, address: str, topics: Sequence[str], since: int) -> None:
        self._address, self._topics, self._last = address, topics, since
        self.seen: list[int] = []
        self.returns = -1
        self._over = threading.Event()

    def stop(self) -> None:
        self._over.set()

    async def follow(self) -> None:
        while not self._over.is_set():
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._listen()
            await asyncio.sleep(0.2)

    async def _listen(self) -> None:
        async with listening(self._address, self._topics, self._last, open_timeout=10) as client:
            self.returns += 1
            while not self._over.is_set():
                try:
                    frame: dict[str, Any] = await client.next(1)
                except TimeoutError:
                    continue
                if frame["type"] == "ping":
                    await client.say(type="pong")
                if (number := frame.get("event_id")) is not None:
                    self.seen.append(number)
                    self._last = number


@contextmanager
def following(address: str, topics: Sequence[str], since: int) -> Iterator[Follower]:
    """A follower in a thread of its own while the block lasts."""
    follower = Follower(address, topics, since)
    thread = threading.Thread(target=lambda: asyncio.run(follower.follow()))
    thread.start()
    try:
        yield follower
    finally:
        follower.stop()
        thread.join(60)
