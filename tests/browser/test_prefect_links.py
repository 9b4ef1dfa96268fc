"""A scan's link leads to the page of its run in Prefect's own UI."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from api_market import WED, new_run, publish_gate
from api_server import serving
from databases import emptied
from playwright.sync_api import expect
from running_up import free_port, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.prefect, pytest.mark.slow]
NAME = "resolute-tern"


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """Prefect's server as `closebell up` starts it; gives its address."""
    port = str(free_port())
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(home), "PREFECT_SERVER_API_PORT": port}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(
            [*command, "--port", port],
            env=kept | own | {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for("Prefect answers", lambda: answers(f"{address}/api/health"), 180)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def finished_run(address: str) -> str:
    """A run that Prefect knows; gives its id."""
    with httpx.Client(base_url=f"{address}/api", trust_env=False, timeout=60) as client:
        flow = client.post("/flows/", json={"name": "end-of-day"}).raise_for_status().json()["id"]
        new = {"flow_id": flow, "name": NAME, "state": {"type": "COMPLETED"}}
        found = client.post("/flow_runs/", json=new).raise_for_status().json()
    return str(found["id"])


def test_the_link_of_a_scan_opens_its_run(postgres_url, stack, pages, tmp_path):
    address = stack.enter_context(prefect_server(tmp_path))
    database = stack.enter_context(emptied(postgres_url))
    with database.transaction() as tx:
        tx.runs.add([replace(new_run("vcp", WED), flow_run_id=finished_run(address))])
    publish_gate(database, WED)
    served = stack.enter_context(serving(database, prefect_ui_url=address))
    page = pages.open(f"{served.url}/#/scans")
    link = page.locator("main tbody tr").filter(has_text="VCP").get_by_role("link")
    with page.context.expect_page() as opened:
        link.click()
    run = opened.value
    expect(run.get_by_text(NAME).first).to_be_visible(timeout=60_000)
    expect(run.get_by_text("Completed").first).to_be_visible()
    assert run.url.startswith(f"{address}/")
