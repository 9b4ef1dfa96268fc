"""By which names this server may be asked where no key protects it.

A page elsewhere can have its own name lead to this machine, and then reads as if it were ours (DNS
rebinding). All that tells it apart is the name its browser asks for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from settings import Settings


class Hosts:
    """The names of a server that only this machine can reach; any name does for others."""

    def __init__(self, settings: Settings) -> None:
        self._any = not is_loopback(settings.api_host)
        self._names = {_name(origin.partition("//")[2]) for origin in settings.api_origins}

    def know(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers came by one of them; no browser leaves it out."""
        if self._any:
            return True
        names = (_name(value.decode("latin-1")) for key, value in headers if key == b"host")
        return all(is_loopback(name) or name in self._names for name in names)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Without the port and the brackets, in lower case; empty if it can't be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
