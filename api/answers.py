"""Answers as bytes: tagged, and kept until an event says that something changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.types import Scope, Send

JSON = "application/json"
MAX_BYTES = 64 * 2**20
MAX_ENTRIES = 4096
Key = tuple[str, bytes]
"""Path and query string."""


@dataclass(frozen=True)
class Answer:
    """A whole answer with status 200 and its headers."""

    body: bytes
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    route: str = "other"

    async def send(self, scope: Scope, send: Send) -> None:
        """As 304 without a body when the client has it already."""
        if _has(scope["headers"], self.etag):
            headers = [h for h in self.headers if h[0] not in (b"content-type", b"content-length")]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body})


def answer(body: bytes, media_type: str = JSON, next_page: str | None = None) -> Answer:
    """An answer with its ETag, and the address of its next page (printable ASCII)."""
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'.encode()
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"etag", etag),
        (b"cache-control", b"private, no-cache"),
    ]
    if next_page is not None:
        headers.append((b"link", f'<{next_page}>; rel="next"'.encode("ascii")))
    return Answer(body, etag, headers)


class Answers:
    """Kept answers. Nothing is kept while nobody listens for changes."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._limits = max_bytes, max_entries
        self._making: dict[tuple[int, Key], asyncio.Task[Answer]] = {}
        self._generation = 0
        self._listening = False

    def get(self, key: Key) -> Answer | None:
        """The kept answer, if there is one."""
        return self._kept.get(key)

    async def make(self, key: Key, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer that `work` gives, kept; those who ask meanwhile wait for the same one."""
        if (kept := self._kept.get(key)) is not None:
            return kept
        slot = (self._generation, key)
        task = self._making.get(slot)
        if task is None:
            task = self._making[slot] = asyncio.create_task(self._make(slot, work))
        return await asyncio.shield(task)

    def changed(self, *, listening: bool = True) -> None:
        """Forget everything; keep again what is read from now on, if somebody listens."""
        self._generation += 1
        self._listening = listening
        self._kept.clear()
        self._bytes = 0

    async def close(self) -> None:
        """Wait for what is being made."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    async def _make(self, slot: tuple[int, Key], work: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            made = await work()
        finally:
            del self._making[slot]
        if self._listening and slot[0] == self._generation:
            self._keep(slot[1], made)
        return made

    def _keep(self, key: Key, made: Answer) -> None:
        max_bytes, max_entries = self._limits
        if len(made.body) > max_bytes // 8:
            return
        self._kept[key] = made
        self._bytes += len(made.body)
        while self._bytes > max_bytes or len(self._kept) > max_entries:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)


def _has(headers: Iterable[tuple[bytes, bytes]], etag: bytes) -> bool:
    for name, value in headers:
        if name == b"if-none-match":
            tags = [tag.strip().removeprefix(b"W/") for tag in value.split(b",")]
            return etag in tags or b"*" in tags
    return False
