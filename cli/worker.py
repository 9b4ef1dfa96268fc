"""`closebell worker`: runs the scheduled flows of a Prefect server."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cli.common import load_settings
from errors import ClosebellError
from flows.home import prepare


def worker(
    name: Annotated[
        str | None, typer.Option(help="Shown in Prefect; default: made of host and process.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Runs at a time; default: as many as are due.")
    ] = None,
    with_healthcheck: Annotated[
        bool,
        typer.Option(
            "--with-healthcheck",
            help="Tell at http://…:8080/health whether it still asks for work"
            " (PREFECT_WORKER_WEBSERVER_PORT).",
        ),
    ] = False,
) -> None:
    """Run what is scheduled, each run in a process of its own, until interrupted.

    Then it takes nothing new and lets what runs end, for 75 seconds; what hasn't ended by then
    counts as crashed. A second signal kills the worker alone: its runs go on without it.

    Several workers on several machines share the work. PREFECT_API_URL names a server elsewhere.
    """
    config = load_settings()
    if prepare(config.data_dir) is None:
        raise ClosebellError(
            "no Prefect server is running", remedy="closebell up, or set PREFECT_API_URL"
        )
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "INFO"
    command = ["-c", "from flows.working import main; main()"]
    command += ["worker", "start", "--pool", "closebell", "--type", "process"]
    command += ["--name", name] if name else []
    command += ["--limit", str(limit)] if limit else []
    command += ["--with-healthcheck"] if with_healthcheck else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *command])
