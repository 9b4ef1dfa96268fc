"""Receivers of alerts on loopback: real HTTP servers that can be told to refuse or to hang."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed(self, secret: str = SECRET) -> bool:
        """Checked as https://www.standardwebhooks.com says, apart from our own code."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        number, when = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = b".".join([number.encode(), when.encode(), self.body])
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{mac}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """What came, and what is answered: a status, or a function that gives one."""

    host: str = "127.0.0.1"
    port: int = 0
    got: list[Received] = field(default_factory=list)
    answer: int | Callable[[], int] = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"


@contextmanager
def receiving(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(host)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            lower = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(lower, body))
            answer = receiver.answer
            self.send_response(answer if isinstance(answer, int) else answer())
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
