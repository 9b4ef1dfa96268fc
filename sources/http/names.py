"""Looking up names of machines within a time limit.

getaddrinfo can't be told to end: with a name server that is silent it takes as long as the
system's resolver likes. So it runs in a thread of its own, and who asks waits for so long at most.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

import httpcore


@dataclass
class _LookUp:
    done: threading.Event = field(default_factory=threading.Event)
    addresses: list[str] = field(default_factory=list)
    error: OSError | None = None


class Names:
    """Look-ups of one connection pool: one at a time a name, however many ask for it.

    So one that hangs holds one thread, which doesn't keep the process from ending.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], _LookUp] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        """The addresses of `host`, the best first; waits `timeout` seconds at most.

        Raises:
            httpcore.ConnectTimeout: no answer by then; the next to ask takes it up.
            httpcore.ConnectError: there is no such name.
        """
        with self._lock:
            asked = self._running.get((host, port))
            if asked is None:
                asked = self._running[host, port] = _LookUp()
                threading.Thread(
                    target=self._look_up, args=(host, port, asked), name=f"name {host}", daemon=True
                ).start()
        if not asked.done.wait(timeout):
            raise httpcore.ConnectTimeout(f"the name {host} wasn't found in time")
        if asked.error is not None:
            raise httpcore.ConnectError(str(asked.error)) from asked.error
        return asked.addresses

    def _look_up(self, host: str, port: int, asked: _LookUp) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            asked.addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        except OSError as error:
            asked.error = error
        except UnicodeError as error:  # no name at all, as "a..b"
            asked.error = OSError(str(error))
        finally:
            with self._lock:
                del self._running[host, port]
            asked.done.set()
