"""Prefect's environment for runs on this machine; set before Prefect is first imported."""

from __future__ import annotations

import os
from pathlib import Path

import httpx


def prefect_home(data_dir: Path) -> Path:
    """The folder of our own Prefect: apart from any other the user may have."""
    return data_dir / "prefect"


def prepare(data_dir: Path) -> str | None:
    """Point Prefect at its own home and at the running server, if there is one.

    Without it a user who is logged in to Prefect Cloud would send our runs there. An explicit
    PREFECT_API_URL is respected; otherwise a server on this machine is used if it lives in the
    same home, else each run starts a temporary one.

    Returns:
        The URL of the server in use, or None for a temporary one.
    """
    home = prefect_home(data_dir)
    home.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_PROFILES_PATH"] = str(home / "profiles.toml")
    os.environ.pop("PREFECT_PROFILE", None)
    for name, value in (
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("DO_NOT_TRACK", "1"),
        ("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true"),
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90"),
        ("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL"),  # the caller tells of errors
        ("PREFECT_LOGGING_EXTRA_LOGGERS", "closebell"),
        ("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore"),  # not all that logs is a run
        ("PREFECT_CLI_COLORS", "false"),
    ):
        os.environ.setdefault(name, value)
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    os.environ.pop("PREFECT_API_URL", None)  # an empty one counts as a server at ""
    if url := running_server(home):
        os.environ["PREFECT_API_URL"] = url
    return url


def answers(url: str) -> bool:
    """Whether a Prefect server does at that API URL, be it to ask who we are."""
    try:
        answer = httpx.get(f"{url}/health", timeout=5.0)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.is_success or answer.status_code in (401, 403)


def running_server(home: Path) -> str | None:
    """The API URL of the Prefect server on this machine that keeps its data in `home`."""
    host = os.environ.get("PREFECT_SERVER_API_HOST", "127.0.0.1")
    port = os.environ.get("PREFECT_SERVER_API_PORT", "4200")
    url = f"http://{host}:{port}/api"
    try:
        answer = httpx.get(f"{url}/admin/settings", timeout=1.0, trust_env=False)
        told = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None
    return url if isinstance(told, dict) and told.get("home") == str(home) else None
