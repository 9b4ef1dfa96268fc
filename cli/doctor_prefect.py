"""What `closebell doctor` says of Prefect: its server, the deployments, planned runs, workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version

from cli.doctor_api import Found
from errors import ClosebellError
from flows.home import answers, prefect_home, prepare, running_server
from settings import Settings


def look_at_prefect(config: Settings) -> Iterator[Found]:
    """The server PREFECT_API_URL names, else ours; with none, runs go on by themselves.

    A server of ours to which nothing is deployed is well (`closebell up --demo`); one that somebody
    named is there for the timetable.
    """
    home = prefect_home(config.data_dir)
    named = os.environ.get("PREFECT_API_URL")
    url = named or running_server(home)
    if url is None:
        yield (
            "prefect",
            True,
            f"{version('prefect')}, no server running: each run starts its own",
            f'to watch runs: PREFECT_HOME="{home}" prefect server start',
        )
        return
    there = named is None or answers(named)  # ours has just answered
    seen = f"{version('prefect')}, server at {url}"
    remedy = "start it (prefect server start), or unset PREFECT_API_URL"
    yield "prefect", there, seen if there else f"{seen} doesn't answer", None if there else remedy
    if there:
        prepare(config.data_dir)
        yield from _timetable(needed=named is not None)


def _timetable(*, needed: bool) -> Iterator[Found]:
    from flows.standing import standing

    try:
        now = standing()
    except ClosebellError as error:
        yield "timetable", False, error.detail, error.remedy
        return
    if not now.deployed:
        yield "timetable", not needed, "nothing is deployed", "closebell deploy, or closebell up"
        return
    idle = sorted(now.missing | now.stopped)
    yield (
        "timetable",
        not idle,
        f"not on schedule: {', '.join(idle)}" if idle else f"{len(now.deployed)} flows on schedule",
        "closebell deploy; resume what was paused in Prefect's UI" if idle else None,
    )
    yield (
        "planned runs",
        now.planned > 0,
        f"{now.planned} planned ahead" if now.planned else "none is planned",
        None if now.planned else "is its scheduler running (prefect server services start)?",
    )
    yield (
        "worker",
        now.workers > 0,
        f"{now.workers} online" if now.workers else "none is online",
        None if now.workers else "closebell worker, or closebell up",
    )
