"""Another process that uses the embedded server, to be ended in every way; and other users."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from db.embedded import embedded_server
say = lambda message: print(message, flush=True)
with embedded_server(Path(sys.argv[1]), options={"fsync": "off"}) as url:
    say(url)
    sys.stdin.read()
"""


class Holder:
    """Runs until `leave`, `kill` or a signal to its group; `url` is what it was given."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        self.url = ""

    def wait_for_url(self) -> str:
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        return self.url

    def ask_to_leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def leave(self) -> int:
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

    def interrupt_group(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.communicate(timeout=60)


@contextmanager
def holding(*folders: Path) -> Iterator[list[Holder]]:
    """Holders of these folders, started at the same moment and all ready; ended in any case."""
    holders = [Holder(folder) for folder in folders]
    try:
        for holder in holders:
            assert holder.wait_for_url().startswith("postgresql://")
        yield holders
    finally:
        for holder in holders:
            if holder.process.returncode is None:
                holder.kill()


def server_processes(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL processes over this data folder, the postmaster first."""
    cluster = os.path.realpath(folder / "postgresql" / "cluster")
    found = [p for p in psutil.process_iter() if _serves(p, cluster)]
    return sorted(found, key=lambda p: p.pid)


def kill_server(folder: Path) -> None:
    """SIGKILL to the postmaster; its children notice and end."""
    server_processes(folder)[0].kill()
    wait_until(lambda: not server_processes(folder))


def kill_all(folder: Path) -> None:
    """SIGKILL to every process of the server at once."""
    for process in server_processes(folder):
        process.kill()
    wait_until(lambda: not server_processes(folder))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def as_user(uid: int, work: Callable[[], Any]) -> Any:
    """What `work` gives or raises in a child process of another user; only root can."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        outcome: tuple[bool, Any]
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.environ.pop("XDG_RUNTIME_DIR", None)
            outcome = True, work()
        except BaseException as error:  # noqa: BLE001
            outcome = False, error
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        fine, value = pickle.load(pipe)
    os.waitpid(child, 0)
    if not fine:
        raise value
    return value


def _serves(process: psutil.Process, cluster: str) -> bool:
    try:
        return process.name() == "postgres" and process.cwd() == cluster
    except psutil.Error:  # it has ended meanwhile
        return False
