"""Clients as cheap as they can be: raw HTTP/1.1 and raw WebSocket over asyncio protocols."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


async def requests(port: int, paths: Sequence[str], at_once: int, extra: str = "") -> list[float]:
    """Seconds of the GET of each path, over `at_once` kept connections."""
    times: list[float] = []
    left = iter(paths)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in left:
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{extra}\r\n".encode()
            began = time.perf_counter()
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            lower = answer.lower()
            if b"content-length: " in lower:
                length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one() for _ in range(at_once)))
    return times


class Ear(asyncio.Protocol):
    """A WebSocket client that notes when the newest whole frame came."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._buffer = b""
        self._shaken = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = 0
        self.at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(  # type: ignore[attr-defined]
            f"GET {self._path} HTTP/1.1\r\nHost: [::1]\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._shaken:
            _, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._shaken, self._buffer = True, rest
            self.opened.set_result(None)
        while (size := _whole(self._buffer)) is not None:
            self._buffer = self._buffer[size:]
            self.frames += 1
            self.at = time.perf_counter()


def _whole(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    size, start = data[1], 2
    if size == 126:
        size, start = int.from_bytes(data[2:4]), 4
    elif size == 127:
        size, start = int.from_bytes(data[2:10]), 10
    return start + size if len(data) >= start + size and len(data) >= start else None


async def ears(port: int, path: str, count: int) -> list[Ear]:
    """So many open connections."""
    loop = asyncio.get_running_loop()
    found: list[Ear] = []
    for first in range(0, count, 100):
        part = await asyncio.gather(
            *(
                loop.create_connection(lambda: Ear(path), "127.0.0.1", port)
                for _ in range(min(100, count - first))
            )
        )
        found += [ear for _, ear in part]
        await asyncio.gather(*(ear.opened for _, ear in part))
    return found
