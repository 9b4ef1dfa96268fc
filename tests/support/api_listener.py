"""WebSocket clients for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Listener:
    """Reads JSON frames, with an end to every wait."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def next(self, seconds: float = 30) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(seconds):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
            return frame

    async def until(self, kind: str) -> dict[str, Any]:
        """The next frame of that type."""
        while (frame := await self.next())["type"] != kind:
            pass
        return frame

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Say something and read what comes next."""
        await self.say(**frame)
        return await self.next()

    async def closed(self, seconds: float = 30) -> tuple[int, str]:
        """Code and reason of the server's close frame."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as ended:
                return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")


@asynccontextmanager
async def listening(
    address: str, subscribe: Sequence[str] = (), last_event_id: int | None = None, **more: Any
) -> AsyncIterator[Listener]:
    """A connection to /ws."""
    query: dict[str, Any] = {}
    if subscribe:
        query["subscribe"] = ",".join(subscribe)
    if last_event_id is not None:
        query["last_event_id"] = last_event_id
    full = f"{address}?{urlencode(query)}" if query else address
    options = {
        "ping_interval": None,
        "max_size": None,
        "close_timeout": 5,
        "open_timeout": 60,
    } | more
    async with connect(full, **options) as socket:
        yield Listener(socket)
