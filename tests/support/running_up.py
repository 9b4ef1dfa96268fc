"""`closebell up` as a process of its own, and every process it leads to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What the condition gives once it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds:.0f} s it never came to this: {what}")
        time.sleep(0.3)
    return found


class Up:
    """One data folder and two ports; `start` may be called again after an end."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.api_port, self.prefect_port = free_port(), free_port()
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.prefect = f"http://127.0.0.1:{self.prefect_port}/api"
        self._process: subprocess.Popen[bytes] | None = None
        self._said = data_dir.parent / "said"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "CLOSEBELL_"))}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "CLOSEBELL_DATA_DIR": str(self.data_dir),
            "CLOSEBELL_API_PORT": str(self.api_port),
            "PREFECT_SERVER_API_PORT": str(self.prefect_port),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from cli import main; main()", "up", *arguments]

    def start(self, *arguments: str) -> None:
        with self._said.open("wb") as out:
            self._process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.data_dir.parent,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> list[str]:
        return self._said.read_text().splitlines()

    def wait_until_said(self, line: str) -> None:
        def there() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.said()
            return any(said.startswith(line) for said in self.said())

        wait_for(f"it says {line}; it said {self.said()}", there)

    def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """Whatever still runs."""
        for process in self.processes():
            process.kill()
        if self._process is not None:
            self._process.wait(30)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in this data folder or on its behalf."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = str(self.data_dir) in " ".join(process.cmdline()) or (
                    process.environ().get("CLOSEBELL_DATA_DIR") == str(self.data_dir)
                )
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def part(self, word: str) -> psutil.Process | None:
        """The process of the command with that word."""
        for process in self.processes():
            if word in process.cmdline():
                return process
        return None

    def ask(self, path: str) -> Any:
        answer = httpx.get(f"{self.api}{path}", timeout=60, trust_env=False)
        return answer.raise_for_status().json()

    def ask_prefect(self, path: str, **body: Any) -> Any:
        answer = httpx.post(f"{self.prefect}{path}", json=body, timeout=60, trust_env=False)
        return answer.raise_for_status().json()
