"""uvicorn's WebSocket protocol, able to close a client that doesn't read.

uvicorn holds back a close frame until the client has read what came before it, which a client that
stopped reading never does, and then keeps the connection and its buffer for ever.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

EXTENSION = "closebell.close"
PATIENCE = 5.0  # seconds to read the close frame


class LiveProtocol(WebSocketsSansIOProtocol):
    """Gives the application `scope["extensions"]["closebell.close"]`: call(code, reason)."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][EXTENSION] = {"call": self.close_now}

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
