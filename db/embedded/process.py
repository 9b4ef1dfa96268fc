"""The server process: found, started, waited for and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from db.embedded.cluster import data_argument
from db.embedded.owner import Owner
from errors import DatabaseUnavailable

_ORPHANS_SECONDS = 30  # until the children of a killed server are gone
_EXEC_SECONDS = 10  # until a process we started has become postgres
_TELL_EVERY = 15


@dataclass(frozen=True)
class Server:
    """The server over one cluster, as seen from outside."""

    cluster: Path
    owner: Owner
    log: Path
    url: str

    def answers(self) -> bool:
        """Whether a connection works: the only proof that it is running."""
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def noted_pid(self) -> int | None:
        """The process named in postmaster.pid, which a killed server leaves behind."""
        try:
            return int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def is_ours(self, pid: int) -> bool:
        """Whether that process is this cluster's server, and no other that got its number."""
        if not sys.platform.startswith("linux"):
            return (
                "postgres"
                in subprocess.run(
                    ["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True
                ).stdout
            )
        try:
            program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
            return Path(program).name == "postgres" and os.path.samefile(
                f"/proc/{pid}/cwd", self.cluster
            )
        except OSError:
            return False

    def launch(self, binaries: Path) -> int:
        """Start it detached from us; it may still fail or recover. Returns its process id."""
        stale = self.noted_pid()
        # PostgreSQL won't start while the number in postmaster.pid is somebody's; this variable
        # is pg_ctl's way to say that it is not another server's.
        env = {"PG_GRANDPARENT_PID": str(stale)} if stale else {}
        if self.log.exists():
            os.replace(self.log, self.log.with_suffix(".log.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        log = os.open(self.log, flags, 0o600)
        try:
            if not self.owner.is_me:
                os.fchown(log, self.owner.uid, self.owner.gid)
            done = self.owner.run(
                [
                    *("/bin/sh", "-c", '"$@" 1>&2 & echo $!', "sh"),
                    str(binaries / "bin" / "postgres"),
                    *("-D", data_argument(self.cluster, self.owner)),
                ],
                cwd=self.cluster,
                env=env,
                stderr=log,
            )
        finally:
            os.close(log)
        return int(done.stdout)

    def start(self, binaries: Path, patience: float, on_message: Callable[[str], None]) -> None:
        """Make it answer: wait for one that is starting, else start it.

        Raises:
            DatabaseUnavailable: it failed, or took longer than `patience` seconds.
        """
        deadline = time.monotonic() + patience
        pid = self.noted_pid()
        if pid is not None and self.is_ours(pid):
            on_message("the database is starting or stopping, waiting…")
            if self._becomes_ready(pid, deadline, on_message):
                return
        if self.noted_pid() is not None:
            on_message("the database is recovering from a crash, waiting…")
        orphans_deadline = min(deadline, time.monotonic() + _ORPHANS_SECONDS)
        while not self._becomes_ready(self.launch(binaries), deadline, on_message):
            reason = self._last_words()
            if "pre-existing shared memory" not in reason or time.monotonic() > orphans_deadline:
                raise DatabaseUnavailable(
                    f"the database didn't start: {reason}", remedy=f"see {self.log}"
                )
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask it to stop, then order it to; it recovers at the next start if it must."""
        for order, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):
            pid = self.noted_pid()
            if pid is None or not self.is_ours(pid):
                return
            os.kill(pid, order)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self.noted_pid() is None or not self.is_ours(pid):
                    return
                time.sleep(0.02)

    def _becomes_ready(self, pid: int, deadline: float, on_message: Callable[[str], None]) -> bool:
        """True when it answers, False when the process ended first."""
        began = told = time.monotonic()
        while not self.answers():
            now = time.monotonic()
            if not self.is_ours(pid) and (not _exists(pid) or now - began > _EXEC_SECONDS):
                return self.answers()
            if now > deadline:
                raise DatabaseUnavailable(
                    f"the database isn't ready after {now - began:.0f} s",
                    remedy=f"see {self.log}; recovery goes on, so try again later",
                )
            if now - told > _TELL_EVERY:
                on_message(f"the database isn't ready yet, waiting… ({now - began:.0f} s)")
                told = now
            time.sleep(0.05)
        return True

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        fatal = [line.split("FATAL:", 1)[1].strip() for line in lines if "FATAL:" in line]
        return (fatal or lines or ["it said nothing"])[-1]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
