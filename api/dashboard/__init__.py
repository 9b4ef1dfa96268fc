"""The dashboard's files, as they go to browsers: hashed, compressed once, kept in memory."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from starlette.types import Scope

from api.answers import Answer

STATIC = Path(__file__).parent / "static"
ASSETS = "/assets"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_STYLE = "style/"
_IMPORT = re.compile(rb'^import\b[^"]*"(\.[^"]+)"', re.MULTILINE)
_FOR_EVER = b"public, max-age=31536000, immutable"
_CHECK_EACH_TIME = b"no-cache"
_LEAST = 512  # bytes: less isn't worth compressing


@dataclass(frozen=True)
class _File:
    plain: Answer
    packed: Answer


class Dashboard:
    """The page and what it loads. Nothing is read before somebody asks."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder

    def page(self, scope: Scope) -> Answer:
        """The page itself, which names the version of everything else."""
        return _chosen(self._page, scope)

    def asset(self, version: str, name: str, scope: Scope) -> Answer | None:
        """A file of that version; None if there is none, or it is another version's."""
        found = self._assets.get(name) if version == self.version else None
        return None if found is None else _chosen(found, scope)

    @cached_property
    def version(self) -> str:
        """Changes with any byte of any file, so that addresses may be kept for ever."""
        digest = hashlib.blake2b(digest_size=8)
        for name, body in self._bodies.items():
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        return digest.hexdigest()

    @cached_property
    def _bodies(self) -> dict[str, bytes]:
        files = sorted(path for path in self._folder.rglob("*") if path.suffix in MEDIA_TYPES)
        bodies = {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in files}
        sheets = [bodies.pop(name) for name in list(bodies) if name.startswith(_STYLE)]
        return bodies | {"style.css": b"\n".join(sheets)}  # one request less for each

    @cached_property
    def _page(self) -> _File:
        # All modules at once, or the browser would find them one import after the other.
        modules = _imported("app.js", self._bodies)
        preloads = "\n".join(f'<link rel="modulepreload" href="assets/{n}">' for n in modules)
        body = self._bodies["index.html"].replace(b"<!-- modules -->", preloads.encode())
        body = body.replace(b'"assets/', f'"{ASSETS}/{self.version}/'.encode())
        return _file("index.html", body, _CHECK_EACH_TIME)

    @cached_property
    def _assets(self) -> dict[str, _File]:
        return {
            name: _file(name, body, _FOR_EVER)
            for name, body in self._bodies.items()
            if name != "index.html"
        }


def _imported(first: str, bodies: dict[str, bytes]) -> list[str]:
    """A module and all it can't start without; what it imports later, when needed, isn't among."""
    found, waiting = [first], [first]
    while waiting:
        name = waiting.pop()
        for path in _IMPORT.findall(bodies.get(name, b"")):
            module = posixpath.normpath(posixpath.join(posixpath.dirname(name), path.decode()))
            if module not in found:
                found.append(module)
                waiting.append(module)
    return found


def _chosen(file: _File, scope: Scope) -> Answer:
    accepted = b",".join(v for k, v in scope["headers"] if k == b"accept-encoding")
    return file.packed if b"gzip" in accepted else file.plain


def _file(name: str, body: bytes, cache: bytes) -> _File:
    plain = _answer(name, body, cache)
    if len(body) < _LEAST:
        return _File(plain, plain)
    packed = gzip.compress(body, 9, mtime=0)
    return _File(plain, _answer(name, packed, cache, (b"content-encoding", b"gzip")))


def _answer(name: str, body: bytes, cache: bytes, *more: tuple[bytes, bytes]) -> Answer:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'.encode()
    headers = [
        (b"content-type", MEDIA_TYPES[PurePosixPath(name).suffix].encode()),
        (b"content-length", str(len(body)).encode()),
        (b"etag", etag),
        (b"cache-control", cache),
        (b"vary", b"accept-encoding"),
        *more,
    ]
    return Answer(body, etag, headers)
