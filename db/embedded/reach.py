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
_LINK = "pg"
_PREFIX = "closebell-pg-"
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
        link = folder / _LINK  # only once it is locked: an unlocked folder with a link is dead
        link.symlink_to(cluster)
        yield link
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _usable(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= _LONGEST and bool(_PLAIN.fullmatch(str(folder)))


def _own_folder() -> Path:
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if place and _usable(Path(place) / f"{_PREFIX}12345678" / _LINK):
            try:
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            except OSError:
                continue
            _remove_dead(folder.parent)
            return folder
    raise DatabaseUnavailable(
        "no folder for temporary files has a short plain path", remedy="set TMPDIR=/tmp"
    )


def _remove_dead(place: Path) -> None:
    """Clear away what processes of this user that were killed left here."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.geteuid() or not (folder / _LINK).is_symlink():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # its owner has just removed it, or it is another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
