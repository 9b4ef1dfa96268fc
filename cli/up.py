"""`closebell up`: everything on one machine, for as long as it runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from cli.common import SourceOption, load_settings, working
from cli.tables import console
from cli.words import Words, words_of
from db import open_database
from errors import ClosebellError
from flows.home import prefect_home, prepare, running_server
from flows.parts import DEMO_SPEED, parts_of
from flows.supervisor import Seen, State, Supervisor
from settings import Settings

_COLOURS = {State.RUNNING: "green", State.DONE: "green", State.AGAIN: "red"}


def up(
    source: SourceOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Play a session of the sample market instead.")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=0, help="How fast the session of --demo runs; 0: at once.")
    ] = DEMO_SPEED,
) -> None:
    """Start database, Prefect server, worker with all schedules, API and dashboard; watch them.

    A part that ends is started again, ever more slowly, and said. Ctrl-C stops everything in
    order. With Kiwoom's keys the live stream runs too, with [alerts] the alerts.
    """
    config = load_settings()
    if elsewhere := os.environ.get("PREFECT_API_URL"):
        raise ClosebellError(
            f"PREFECT_API_URL names the Prefect server {elsewhere}, and up starts its own",
            remedy="unset PREFECT_API_URL; or run the parts one by one:"
            " closebell deploy, worker, serve",
        )
    logs = config.data_dir / "logs"
    with ExitStack() as stack:
        stack.enter_context(_alone(config.data_dir))
        prepare(config.data_dir)
        _require_free(config)
        words = words_of(config.language)
        with working(quiet=False, words=words) as say:
            for market in ("sample", "real"):
                stack.enter_context(open_database(config, say, market=market))
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
        parts = parts_of(config, source="replay" if demo else source, speed=speed if demo else None)
        show = stack.enter_context(_showing([part.name for part in parts], logs, words))
        asyncio.run(_until_stopped(Supervisor(parts, logs, show)))


async def _until_stopped(supervisor: Supervisor) -> None:
    running = asyncio.ensure_future(supervisor.run())
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, running.cancel)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / "up.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
            raise ClosebellError(
                f"closebell is up already in {data_dir} (process {pid})",
                remedy="look at what it prints, or stop it first",
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        yield
    finally:
        os.close(lock)


def _require_free(config: Settings) -> None:
    """A server of ours that runs already would be used, but not be ours to stop."""
    if url := running_server(prefect_home(config.data_dir)):
        raise ClosebellError(
            f"a Prefect server runs already at {url}",
            remedy="stop it: closebell up starts its own; or run the parts one by one:"
            " closebell deploy, worker, serve",
        )


@contextmanager
def _showing(names: list[str], logs: Path, words: Words) -> Iterator[Callable[[str, Seen], None]]:
    """A table that changes, on a terminal; else a line for each change."""
    out = console()
    if not sys.stdout.isatty():
        yield lambda name, seen: out.print(
            f"{words(name)}: {words(seen.state)}"
            + (f", {words.told(seen.detail)}" if seen.detail else ""),
            markup=False,
            soft_wrap=True,
        )
        return
    now = {name: Seen() for name in names}

    def table() -> Table:
        caption = words("logs: {folder}", folder=logs)
        rows = Table(words("part"), "", "", header_style="bold", pad_edge=False, caption=caption)
        for name, seen in now.items():
            colour = _COLOURS.get(seen.state, "yellow")
            again = words("  (started {n} times)", n=seen.restarts + 1) if seen.restarts else ""
            state = f"[{colour}]{words(seen.state)}[/{colour}]"
            rows.add_row(words(name), state, f"{words.told(seen.detail)}{again}")
        return rows

    with Live(table(), console=out, refresh_per_second=4) as live:

        def show(name: str, seen: Seen) -> None:
            now[name] = seen
            live.update(table())

        yield show
