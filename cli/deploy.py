"""`closebell deploy`: what prefect.yaml says, on the Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.common import load_settings, working
from errors import ClosebellError
from flows.home import prepare


def deploy(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Default: the prefect.yaml of the program.", exists=True),
    ] = None,
) -> None:
    """Set up work pool, deployments, schedules and automations on the running Prefect server.

    Safe to repeat: it changes what differs. PREFECT_API_URL names a server on another machine.
    """
    config = load_settings()
    url = prepare(config.data_dir)
    if url is None:
        raise ClosebellError(
            "no Prefect server is running", remedy="closebell up, or set PREFECT_API_URL"
        )
    from flows.deploying import deploy as set_up

    with working(quiet=False) as say:
        set_up(say, file and file.absolute(), webhook=config.ops_webhook_url)
    typer.echo(f"deployed to {url}")
