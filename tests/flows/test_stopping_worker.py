"""A worker that is asked to stop lets what runs end, for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from prefect.settings import PREFECT_API_URL

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
FLOW = """
import os
import time
from pathlib import Path
from prefect import flow

@flow
def slow(folder: str, seconds: float):
    Path(folder, "begun").write_text(f"{os.getpid()} begun")
    time.sleep(seconds)
    Path(folder, "ended").touch()
"""
DEPLOY = """
from slow import slow
slow.from_source({folder!r}, "slow.py:slow").deploy("slow", work_pool_name="stopping")
"""
WORK = "import flows.working as w; w.GRACE = {grace}; w.main()"
PATIENCE = 200.0


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.3)
    return found


@pytest.mark.parametrize(
    ("seconds", "grace", "state"),
    [
        pytest.param(6, 100, "Completed", id="it ends in time"),
        pytest.param(600, 1, "Crashed", id="it takes too long"),
    ],
)
def test_what_runs_when_a_worker_stops_ends_or_is_said_to_have_crashed(
    prefect_server, tmp_path, seconds, grace, state
):
    url = PREFECT_API_URL.value()

    def ask(method, path, **body):
        answer = httpx.request(method, f"{url}{path}", json=body or None, timeout=60)
        answer.raise_for_status()
        return answer.json()

    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "CLOSEBELL_"))}
    environment = kept | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    (tmp_path / "slow.py").write_text(FLOW)
    begin = ("worker", "start", "--pool", "stopping", "--type", "process")
    command = [sys.executable, "-c", WORK.format(grace=grace), *begin]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    runs = []
    try:
        log = tmp_path / "worker.log"
        wait_for(lambda: "started!" in log.read_text())
        deploy = [sys.executable, "-c", DEPLOY.format(folder=str(tmp_path))]
        subprocess.run(deploy, env=environment, check=True, capture_output=True, timeout=PATIENCE)
        deployment = ask("GET", "/deployments/name/slow/slow")
        parameters = {"folder": str(tmp_path), "seconds": seconds}
        run = ask("POST", f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)
        begun = tmp_path / "begun"
        wait_for(lambda: begun.exists() and "begun" in begun.read_text())
        runs.append(psutil.Process(int(begun.read_text().split()[0])))
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
        assert ask("GET", f"/flow_runs/{run['id']}")["state"]["name"] == state
        assert (tmp_path / "ended").exists() is (state == "Completed")
        assert psutil.wait_procs(runs, timeout=60)[1] == []
    finally:
        for left in filter(psutil.Process.is_running, runs):
            left.kill()
        worker.kill()
        worker.wait(30)
