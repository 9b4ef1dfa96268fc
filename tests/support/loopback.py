"""A server on loopback while a `with` block lasts; what it answers is its handler's."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self


class QuietHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 without delays or log; `fake` is the server it belongs to."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: Any

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Loopback:
    """`url` is where it answers on loopback; `closing` is set when it is about to end."""

    handler: ClassVar[type[QuietHandler]]
    address: ClassVar[str] = "127.0.0.1"
    url: str
    port: int

    def __enter__(self) -> Self:
        self.closing = threading.Event()
        handler = type("Handler", (self.handler,), {"fake": self})
        self._server = ThreadingHTTPServer((self.address, 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
