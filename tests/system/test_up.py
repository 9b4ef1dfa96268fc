"""`closebell up` as a user has it: everything comes up, stays up, and goes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from running_up import Up, wait_for

from flows.timetable import TIMETABLE

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data of its own")
    running.data_dir.mkdir()
    yield running
    running.kill()


def nothing_is_left(up: Up) -> bool:
    database = up.data_dir / "postgresql" / "cluster" / "postmaster.pid"
    return not up.processes() and not database.exists()


def answers(up: Up) -> bool:
    try:
        return httpx.get(f"{up.api}/health/live", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def planned(up: Up) -> set[str]:
    names = {d["id"]: d["name"] for d in up.ask_prefect("/deployments/filter")}
    runs = up.ask_prefect("/flow_runs/filter")
    return {names[run["deployment_id"]] for run in runs if run["auto_scheduled"]}


def test_the_parts_come_up_with_all_deployments_and_come_back_when_killed(up: Up) -> None:
    up.start("--source", "sample")
    up.wait_until_said("worker: running")
    up.wait_until_said("api: running")

    deployed = {d["name"]: d for d in up.ask_prefect("/deployments/filter")}
    assert deployed.keys() == {line.flow for line in TIMETABLE}
    assert all(s["active"] for d in deployed.values() for s in d["schedules"])
    assert len(up.ask_prefect("/automations/filter")) == 2 + len(TIMETABLE)
    wait_for("Prefect plans the next runs of all", lambda: planned(up) == deployed.keys())
    kept = httpx.get(f"{up.prefect}/admin/settings", trust_env=False, timeout=60).json()
    assert set(kept["server"]["services"]["db_vacuum"]["enabled"]) == {"events", "flow_runs"}

    second = subprocess.run(
        up.command(), env=up.environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert second.returncode == 1
    assert "closebell is up already" in second.stderr

    for word, name in (("serve", "api"), ("worker", "worker")):
        killed = up.part(word)
        assert killed is not None
        killed.kill()
        up.wait_until_said(f"{name}: starts again, ended by signal 9")
    wait_for("the API answers again", lambda: answers(up))
    wait_for("the worker is there again", lambda: up.part("worker"))

    up.end(signal.SIGKILL)  # nobody is left to stop the parts
    wait_for("every part is gone", lambda: nothing_is_left(up))
    up.start("--source", "sample")
    up.wait_until_said("worker: running")
    parts = up.processes()
    assert len(parts) >= 4
    assert up.end(signal.SIGINT) == 0
    assert [line for line in up.said() if line.endswith(": stopped")] == [
        "worker: stopped",
        "api: stopped",
        "prefect: stopped",
    ]
    _, left = psutil.wait_procs(parts, timeout=60)
    assert left == []
    wait_for("the database is stopped too", lambda: nothing_is_left(up))


def test_the_demo_ends_with_signals_of_the_close_on_the_dashboard(up: Up) -> None:
    up.start("--demo", "--speed", "6000")
    up.wait_until_said("replay: done")
    played = (up.data_dir / "logs" / "replay.log").read_text().splitlines()
    assert any(line.startswith("15:31  end-of-day            completed") for line in played)
    scans = up.ask("/api/kr/scans")
    session = max(scan["session"] for scan in scans)
    closed = {s["scanner"] for s in scans if (s["session"], s["as_of"]) == (session, "close")}
    assert closed >= {"vcp", "daytrading", "closing_bet", "market_gate"}
    linked = {scan["run_url"] for scan in scans if scan["run_url"]}
    assert linked
    assert all(url.startswith(f"http://127.0.0.1:{up.prefect_port}/runs/") for url in linked)
    page = httpx.get(f"{up.api}/", timeout=60, trust_env=False, follow_redirects=True)
    assert page.is_success
    assert "text/html" in page.headers["content-type"]
    runs = up.ask_prefect("/flow_runs/filter")
    assert [run["state_name"] for run in runs] == ["Completed"]
    assert up.end(signal.SIGTERM) == 0
    wait_for("nothing is left", lambda: nothing_is_left(up))
