"""Locks on files, which the kernel frees however their holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from db.embedded.owner import Owner
from errors import DatabaseUnavailable


def open_lock(path: Path, owner: Owner) -> int:
    """A descriptor to lock by; not inherited by the programs we start."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if not owner.is_me:
        os.fchown(lock, owner.uid, owner.gid)
    return lock


def share(lock: int) -> None:
    """Count as one more user. Only while the start lock is held, so nobody holds it alone."""
    fcntl.flock(lock, fcntl.LOCK_SH)


def is_last(lock: int) -> bool:
    """Whether nobody else shares the lock; then it is ours alone."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone(
    path: Path, owner: Owner, patience: float, on_message: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock alone, waiting at most `patience` seconds.

    Raises:
        DatabaseUnavailable: another holds it for longer than that.
    """
    lock = open_lock(path, owner)
    try:
        deadline, told = time.monotonic() + patience, False
        while not is_last(lock):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"another closebell has been starting or stopping the database"
                    f" for {patience:.0f} s",
                    remedy="see what it says; if it hangs, end it",
                )
            if not told and time.monotonic() > deadline - patience + 2:
                on_message("another closebell is starting or stopping the database, waiting…")
                told = True
            time.sleep(0.05)
        yield
    finally:
        os.close(lock)
