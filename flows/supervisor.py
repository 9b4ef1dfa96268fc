"""Programs kept running: started in order, watched, started again, stopped in reverse order."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0  # seconds until a part that ended is started again
STABLE = 60.0  # seconds after which an end counts as the first one again
LOOK_EVERY = 0.25
LARGEST_LOG = 20_000_000  # bytes; of a longer one a copy is put aside, and it begins anew
LOOK_AT_LOG_EVERY = 60.0
_PR_SET_PDEATHSIG: Final = 1


class State(StrEnum):
    """What a part is doing."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    AGAIN = "starts again"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Part:
    """One program. `once`: its end with 0 is no loss; `grace`: seconds it may take to stop.

    Others may count on it when `ready` tells so and it has said `says` since it was started.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    ready: Callable[[], Awaitable[bool]] | None = None
    says: str = ""
    shows: str = ""
    once: bool = False
    grace: float = 15.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """A part as it is now; `detail` is an address, or why it ended."""

    state: State = State.WAITING
    detail: str = ""
    restarts: int = 0
    pid: int | None = None


class Supervisor:
    """Runs parts until cancelled. What they print goes to `logs`/<name>.log."""

    def __init__(
        self,
        parts: Sequence[Part],
        logs: Path,
        on_change: Callable[[str, Seen], None] = lambda *_: None,
        *,
        first_delay: float = FIRST_DELAY,
        largest_log: int = LARGEST_LOG,
        look_at_log_every: float = LOOK_AT_LOG_EVERY,
    ) -> None:
        self._parts = parts
        self._logs = logs
        self._on_change = on_change
        self._first_delay = first_delay
        self._largest_log, self._look_at_log_every = largest_log, look_at_log_every
        self._up = {part.name: asyncio.Event() for part in parts}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.seen = {part.name: Seen() for part in parts}

    async def run(self) -> None:
        """Until cancelled; then every part is stopped, the last one first."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        keeping = {part.name: asyncio.create_task(self._keep(part)) for part in self._parts}
        try:
            done, _ = await asyncio.wait(keeping.values(), return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            await asyncio.Event().wait()
        finally:
            for part in reversed(self._parts):
                keeping[part.name].cancel()
                await asyncio.gather(keeping[part.name], return_exceptions=True)
                await self._stop(part)

    def log_of(self, name: str) -> Path:
        """Where that part's words go."""
        return self._logs / f"{name}.log"

    async def _keep(self, part: Part) -> None:
        for need in part.needs:
            await self._up[need].wait()
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await self._run(part)
            self._up[part.name].clear()
            if part.once and code == 0:
                self._say(part, State.DONE, "")
                self._up[part.name].set()
                return
            failures = 1 if loop.time() - began >= STABLE else failures + 1
            delay = min(LONGEST_DELAY, self._first_delay * 2 ** (failures - 1))
            self.seen[part.name].restarts += 1
            self._say(
                part,
                State.AGAIN,
                f"{_how(code)}: {last_words(self.log_of(part.name))}; again in {delay:.0f} s",
            )
            await asyncio.sleep(delay)

    async def _run(self, part: Part) -> int:
        log = self.log_of(part.name)
        self._keep_small(log)
        before = log.stat().st_size if log.exists() else 0
        self._say(part, State.STARTING, "")
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **part.env},
                start_new_session=True,  # Ctrl-C is for us: we stop them in order
                preexec_fn=_die_with_parent,
            )
        self._processes[part.name] = process
        self.seen[part.name].pid = process.pid
        ending = asyncio.create_task(process.wait())
        try:
            while not ending.done():
                if await _ready(part, log, before):
                    self._say(part, State.RUNNING, part.shows)
                    if not part.once:
                        self._up[part.name].set()
                    break
                await asyncio.wait([ending], timeout=LOOK_EVERY)
            while not ending.done():
                await asyncio.wait([ending], timeout=self._look_at_log_every)
                self._keep_small(log)
            return await ending
        finally:
            ending.cancel()

    def _keep_small(self, log: Path) -> None:
        """The part holds the file open and appends, so it is emptied rather than moved."""
        if log.exists() and log.stat().st_size > self._largest_log:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)

    async def _stop(self, part: Part) -> None:
        process = self._processes.get(part.name)
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(part.grace):
                    await process.wait()
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if self.seen[part.name].state != State.DONE:
            self._say(part, State.STOPPED, "")

    def _say(self, part: Part, state: State, detail: str) -> None:
        seen = self.seen[part.name]
        seen.state, seen.detail = state, detail
        self._on_change(part.name, seen)


async def _ready(part: Part, log: Path, before: int) -> bool:
    """Whether others may count on it; `before`: bytes of its log that are of earlier starts."""
    if part.says:
        with log.open("rb") as file:
            file.seek(before)
            if part.says.encode() not in file.read():
                return False
    return part.ready is None or await part.ready()


def last_words(log: Path) -> str:
    """What a part said last, in short: its error if it told one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return "nothing was printed"
    errors = [line for line in lines[-3:] if line.startswith("error: ")]
    return [*(lines or ["nothing was printed"])[-1:], *errors][-1].strip()[:160]


def _how(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _die_with_parent() -> None:
    """If we are killed, so are they (Linux); nobody would watch or stop them."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
