"""uvicorn's WebSocket protocol, able to write ready frames and to close who doesn't read.

uvicorn holds back a close frame until the client has read what came before it, which a client that
stopped reading never does, and then keeps the connection and its buffer for ever.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

EXTENSION = "closebell.close"
FRAMES = "closebell.frames"
PATIENCE = 5.0  # seconds to read the close frame


def frame_of(text: str) -> bytes:
    """A text frame as a server sends it: the same bytes to everybody."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


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
