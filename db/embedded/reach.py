"""A short, plain path to the server's socket, for whoever connects.

The socket lies in the cluster's own 0700 folder, so the kernel keeps other users out wherever that
is. But a socket's path may have 107 bytes, and not every library takes spaces, commas or Korean
letters in a URL. Then we connect through a symbolic link in a 0700 folder of this process.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import DatabaseUnavailable

SOCKET = ".s.PGSQL.5432"
_LONGEST = 107 - len(SOCKET) - 1
_PLAIN = re.compile(r"/[A-Za-z0-9_./-]*", re.ASCII)


@contextmanager
def socket_folder(cluster: Path) -> Iterator[Path]:
    """The cluster's folder, or a link to it that any library can use.

    Raises:
        DatabaseUnavailable: no folder for temporary files is short enough.
    """
    if _usable(cluster):
        yield cluster
        return
    folder = _own_folder()
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)  # keeps systemd-tmpfiles from clearing it away
        link = folder / "pg"
        link.symlink_to(cluster)
        yield link
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _usable(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= _LONGEST and bool(_PLAIN.fullmatch(str(folder)))


def _own_folder() -> Path:
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if place and _usable(Path(place) / "closebell-12345678" / "pg"):
            try:
                return Path(tempfile.mkdtemp(prefix="closebell-", dir=place))
            except OSError:
                continue
    raise DatabaseUnavailable(
        "no folder for temporary files has a short plain path", remedy="set TMPDIR=/tmp"
    )
