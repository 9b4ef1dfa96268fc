"""What `closebell up` runs: Prefect's server, its deployments, a worker, the API, and the rest."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx

from flows.home import prefect_home, running_server
from flows.supervisor import Part
from settings import Settings

DEMO_SPEED = 60.0
FORGETTING: Final = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": '["events", "flow_runs"]',
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(90 * 86_400),
}
"""Prefect keeps runs for ever otherwise; its events it keeps for a week by itself."""


def parts_of(settings: Settings, *, source: str | None, speed: float | None) -> list[Part]:
    """The parts in the order they start.

    Args:
        source: what the flows collect from; empty: as the settings say.
        speed: how fast a replayed session runs; None: no replay, the real timetable.
    """
    chosen = {"CLOSEBELL_PREFECT_UI_URL": _prefect_ui(settings)}
    chosen |= {"CLOSEBELL_SOURCE": source} if source else {}
    api = _address(settings)
    parts = [
        _prefect(settings),
        Part(
            "api",
            _closebell("serve", *(["--source", "sample"] if speed is not None else [])),
            ready=_answers(f"{api}/health/live"),
            shows=f"{api} (dashboard, API, /ws, /docs)",
            env=chosen,
        ),
    ]
    if speed is not None:
        play = _closebell("replay", "--speed", f"{speed:g}")
        return [*parts, Part("replay", play, needs=("prefect", "api"), once=True, env=chosen)]
    parts += [
        Part("deployments", _closebell("deploy"), needs=("prefect",), once=True, env=chosen),
        Part(
            "worker",
            _closebell("worker"),
            needs=("deployments",),
            says="started!",
            shows="runs the timetable",
            grace=90.0,
            env=chosen,
        ),
    ]
    if settings.kiwoom_app_key is not None and settings.kiwoom_secret_key is not None:
        parts.append(Part("stream", _closebell("stream"), shows="live prices", env=chosen))
    if settings.alerts.get_secret_value():
        run = _closebell("alerts", "run")
        parts.append(Part("alerts", run, shows="tells of events", env=chosen))
    return parts


def _prefect(settings: Settings) -> Part:
    home = prefect_home(settings.data_dir)
    host, port = _prefect_address()

    async def ready() -> bool:
        return await asyncio.to_thread(running_server, home) is not None

    # Prefect would write its page into the program's folder, which may be read-only; the address
    # is where links in its messages lead.
    env = FORGETTING | {
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT_UI_URL": _prefect_ui(settings),
    }
    return Part(
        "prefect",
        [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", port],
        ready=ready,
        shows=f"http://{host}:{port} (runs, schedules)",
        grace=20.0,
        env=env | {k: v for k, v in os.environ.items() if k in env},
    )


def _prefect_address() -> tuple[str, str]:
    host = os.environ.get("PREFECT_SERVER_API_HOST", "127.0.0.1")
    return host, os.environ.get("PREFECT_SERVER_API_PORT", "4200")


def _prefect_ui(settings: Settings) -> str:
    host, port = _prefect_address()
    chosen = "prefect_ui_url" in settings.model_fields_set
    return settings.prefect_ui_url if chosen else f"http://{host}:{port}"


def _closebell(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-c", "from cli import main; main()", *arguments]


def _address(settings: Settings) -> str:
    host = settings.api_host
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.api_port}"


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False

    return ready
