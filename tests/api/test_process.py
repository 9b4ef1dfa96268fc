"""`closebell serve` and `closebell keys` as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from api_listener import listening
from api_market import WED, publish, publish_everything
from api_server import eventually

from db import Database, open_database
from settings import Settings

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RUN = "import sys; from cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder whose database stays up, with the real market filled."""
    folder = tmp_path_factory.mktemp("home")
    with open_database(Settings(data_dir=folder)) as database:
        publish_everything(database)
        yield folder, database


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEBELL_")}
    return kept | {"CLOSEBELL_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | more


def closebell(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *words],
        env=environment(folder, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, port: int, **more: str):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "serve", "--port", str(port)],
        env=environment(folder, **more),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: ready(port) or process.poll() is not None, 60)
        assert process.poll() is None, process.stderr.read()
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def test_beyond_this_machine_it_refuses_to_start_without_keys(home):
    folder, _ = home
    done = closebell(folder, "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert "no API key" in done.stderr
    assert "closebell keys create" in done.stderr


def test_a_killed_server_comes_back_and_no_client_misses_what_was_published_meanwhile(home):
    folder, database = home
    port = free_port()
    address = f"ws://127.0.0.1:{port}/ws"
    topics = ["signal:vcp"]
    with database.reader() as tx:
        start = tx.events.last_id()

    async def first() -> list[int]:
        async with listening(address, topics, start) as client:
            publishing = asyncio.create_task(asyncio.to_thread(flood, database, 30))
            seen = []
            while len(seen) < 5:
                if "event_id" in (frame := await client.next()):
                    seen.append(frame["event_id"])
            process.send_signal(signal.SIGKILL)
            await publishing
            return seen

    async def second(last: int, missing: int) -> list[int]:
        async with listening(address, topics, last) as client:
            seen = []
            while len(seen) < missing:
                if "event_id" in (frame := await client.next()):
                    seen.append(frame["event_id"])
            return seen

    settings = folder / "closebell.toml"
    settings.write_text("[rules.outcomes.costs]\ncommission = 0.01\nslippage_ticks = 3\n")
    with served(folder, port, CLOSEBELL_CONFIG=str(settings)) as process:
        told = httpx.get(f"http://127.0.0.1:{port}/api/kr/timetable").json()
        seen = asyncio.run(first())
        process.wait(30)
    with database.reader() as tx:
        expected = [e["id"] for e in tx.events.after(start)]
    assert len(expected) == 30
    with served(folder, port) as process:
        seen += asyncio.run(second(seen[-1], 30 - len(seen)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
    assert seen == expected
    assert 2 < told["round_trip_pct"] < 2.5  # both commissions, and the year's tax
    assert told["slippage_ticks"] == 3


def flood(database: Database, count: int) -> None:
    for number in range(count):
        publish(database, "vcp", WED, number % 3 + 4)


def test_keys_are_made_listed_and_revoked(home):
    folder, _ = home
    made = json.loads(closebell(folder, "keys", "create", "desk", "--json").stdout)
    assert made["scopes"] == ["read", "live"]
    listed = json.loads(closebell(folder, "keys", "list", "--json").stdout)
    assert [(k["id"], k["name"], k["revoked_at"]) for k in listed] == [(made["id"], "desk", None)]
    assert made["key"] not in json.dumps(listed)
    port = free_port()
    with served(folder, port):
        address = f"http://127.0.0.1:{port}/api/kr/signals"
        assert httpx.get(address).status_code == 401
        headers = {"X-API-Key": made["key"]}
        assert httpx.get(address, headers=headers).status_code == 200
        assert closebell(folder, "keys", "revoke", made["id"]).returncode == 0
        eventually(lambda: httpx.get(address, headers=headers).status_code == 401)
    again = closebell(folder, "keys", "revoke", made["id"])
    assert (again.returncode, "no valid key" in again.stderr) == (1, True)
    assert closebell(folder, "keys", "create", "x", "--scope", "write").returncode == 2


def test_a_secret_that_can_not_be_used_is_named_at_the_start(home):
    folder, _ = home
    assert closebell(folder, "keys", "create", "browser").returncode == 0
    secret = folder / "session.secret"
    secret.write_text("")
    secret.chmod(0o600)
    done = closebell(folder, "serve", "--port", "0")
    secret.unlink()
    assert done.returncode == 1
    assert "too short to sign sessions" in done.stderr
