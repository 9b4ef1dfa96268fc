"""uvicorn's protocols: HTTP that doesn't wait for ever for a request, and WebSocket that is able to
write ready frames and to close who doesn't read.

uvicorn holds back a close frame until the client has read what came before it, which a client that
stopped reading never does, and then keeps the connection and its buffer for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

EXTENSION = "closebell.close"
FRAMES = "closebell.frames"
PATIENCE = 5.0  # seconds to read the close frame
REQUEST_SECONDS = 10.0  # from its first byte to its last; also from connecting


def frame_of(text: str) -> bytes:
    """A text frame as a server sends it: the same bytes to everybody."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class HttpProtocol(H11Protocol):
    """Hangs up on who begins a request and doesn't end it."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        incomplete = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if not incomplete or self.transport.get_protocol() is not self:  # or it is a WebSocket now
            self._rest()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class LiveProtocol(WebSocketsSansIOProtocol):
    """Gives the application two extensions in its scope.

    `closebell.close`: call(code, reason); `closebell.frames`: write(frame), whether it was written.
    """

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][EXTENSION] = {"call": self.close_now}
            self.scope["extensions"][FRAMES] = {"write": self.write_now}

    def write_now(self, frame: bytes) -> bool:
        """Write a whole frame behind what waits already, unless too much does; never waits."""
        if (
            self.close_sent
            or self.disconnected
            or self.conn.state is not State.OPEN
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(frame)
        return True

    def close_now(self, code: int, reason: str) -> None:
        """Write the close frame behind what waits already; cut the line if it isn't read."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.writable.set()  # whoever waits to send more learns that it is over
        self.close_timer = self.loop.call_later(PATIENCE, self.transport.abort)
