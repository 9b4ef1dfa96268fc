"""One WebSocket client: a state machine from the door to the close frame."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from api.messages import Message

QUEUE = 100  # messages
GOING_AWAY, NO_RIGHT, TOO_MUCH, RESTARTED, TRY_LATER = 1001, 1008, 1009, 1012, 1013


class State(Enum):
    """What a client may be told at this moment."""

    ENTERING = "entering"
    REPLAYING = "replaying"
    LIVE = "live"
    OVER = "over"


@dataclass(frozen=True)
class Ending:
    """Why the server closes: a WebSocket close code and words."""

    code: int
    reason: str


class Client:
    """What the notifier knows of a client. Only its sender task writes to the socket."""

    def __init__(self, now: float, *, queue: int = QUEUE) -> None:
        self.id = secrets.token_hex(8)
        self.key_id: str | None = None
        self.topics: set[str] = set()
        self.state = State.ENTERING
        self.heard_at = now
        self.pinged_at = now
        self.seen = 0
        """The newest event this client has been sent, or that came before it was here."""
        self.over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.write: Callable[[bytes], bool] | None = None
        """Writes a frame at once, if it can."""
        self._queue: asyncio.Queue[str] = asyncio.Queue(queue)
        self._idle = False

    @property
    def waiting(self) -> int:
        """Messages not yet given to the socket."""
        return self._queue.qsize()

    def offer(self, message: Message) -> bool:
        """Hand on an event, unless a replay brings it or has brought it; never waits."""
        if self.state is not State.LIVE:
            return False
        if message.id is not None:
            if message.id <= self.seen:
                return False
            self.seen = message.id
        if self._idle and self.write is not None and self._queue.empty():
            return self.write(message.frame) or self.say(message.text)
        return self.say(message.text)

    def say(self, text: str) -> bool:
        """Put a message in the queue; a client whose queue is full is too slow."""
        if self.state is State.OVER:
            return False
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.end(TRY_LATER, "too slow to read")
            return False
        return True

    def end(self, code: int, reason: str) -> None:
        """Close from our side; only the first reason counts."""
        self.state = State.OVER
        if not self.over.done():
            self.over.set_result(Ending(code, reason))

    async def send_queued(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what is in the queue now."""
        while not self._queue.empty():
            await send(self._queue.get_nowait())

    async def send_forever(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send whatever comes, in order."""
        while True:
            self._idle = True  # all that came before is written: frames needn't queue
            text = await self._queue.get()
            self._idle = False
            await send(text)
