"""Deployed to a real Prefect server: a moved clone, another folder, runs that collide."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Crashed, Pending, Running, State

from flows.deploying import POOL
from flows.standing import standing
from flows.timetable import TIMETABLE
from market.calendar import TradingCalendar
from market.clock import SEOUL

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
HOLIDAY, CALLED = "2026-07-17", "Constitution Day"
MOVED = "Day of the moved clone"
PATIENCE = 240.0


class Clone:
    """A clone of the program, run from elsewhere; `url` is its Prefect server's."""

    def __init__(self, folder: Path, home: Path, url: str) -> None:
        self.folder, self.home, self.url = folder, home, url

    def move(self, to: Path) -> None:
        shutil.move(self.folder, to)
        self.folder = to

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "CLOSEBELL_"))}
        return kept | {
            "PYTHONPATH": str(self.folder),
            "CLOSEBELL_DATA_DIR": str(self.home),
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }

    def python(self, *arguments: str, cwd: Path) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def worker(self, cwd: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, *options]
        with (cwd / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=cwd, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(60)


def deployed_clone(tmp_path: Path) -> Clone:
    """A copy of the tracked files, deployed to the test server from its own folder."""
    url = PREFECT_API_URL.value()
    assert url
    folder = tmp_path / "first place"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "prefect.yaml", "pyproject.toml"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(bytes.decode, tracked)):
        if not name.startswith(("tests/", "bench/", "docs/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (tmp_path / "home" / "prefect").mkdir(parents=True)
    made = Clone(folder, tmp_path / "home", url)
    made.python("-c", "from flows.deploying import deploy; deploy()", cwd=folder)
    return made


@pytest.fixture
def clone(tmp_path: Path, prefect_server: None) -> Clone:
    return deployed_clone(tmp_path)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Clone:
    return deployed_clone(tmp_path_factory.mktemp("deployed"))


@contextmanager
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)
    return found


def ended(run: FlowRun) -> FlowRun:
    def look() -> FlowRun | None:
        with client() as opened:
            seen = opened.read_flow_run(run.id)
        return seen if seen.state and seen.state.is_final() else None

    found: FlowRun = wait_for(look)
    return found


def test_a_deployment_survives_the_move_of_the_clone_and_runs_from_any_folder(
    clone: Clone, tmp_path: Path
) -> None:
    with client() as opened:
        deployed = {d.name: d for d in opened.read_deployments(limit=50)}
        queues = {q.name: q.priority for q in opened.read_work_queues(work_pool_name=POOL)}
    ours = {line.flow: line for line in TIMETABLE}
    assert deployed.keys() >= ours.keys()
    for name, line in ours.items():
        deployment = deployed[name]
        assert deployment.pull_steps == []
        assert deployment.path is None
        assert str(clone.folder) not in deployment.model_dump_json()
        assert deployment.global_concurrency_limit is not None
        assert deployment.global_concurrency_limit.limit == 1
        assert deployment.concurrency_options is not None
        assert deployment.concurrency_options.collision_strategy == line.collision
        assert {s.schedule.timezone for s in deployment.schedules} == {"Asia/Seoul"}  # type: ignore[union-attr]
    assert queues == {"first": 1, "default": 2}

    clone.move(tmp_path / "second place")
    history = clone.folder / "market" / "history.py"
    history.write_text(history.read_text().replace(CALLED, MOVED))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with client() as opened:
        run = opened.create_flow_run_from_deployment(
            deployed["settle"].id, parameters={"session": HOLIDAY}
        )
    with clone.worker(elsewhere):
        done = ended(run)
    assert done.state is not None
    assert (done.state.name, done.state.message) == (
        "Skipped",
        f"{HOLIDAY} is no session: {MOVED}",
    )


def test_deploying_again_changes_nothing(deployed: Clone) -> None:
    def seen() -> dict[str, Any]:
        with client() as opened:
            return {
                "deployments": {
                    d.name: sorted(
                        (s.slug, s.schedule.model_dump_json(), s.active) for s in d.schedules
                    )
                    for d in opened.read_deployments(limit=50)
                },
                "automations": sorted((a.name, a.id) for a in opened.read_automations()),
                "pools": [p.name for p in opened.read_work_pools()],
            }

    before = seen()
    assert len(before["automations"]) == 2 + len(TIMETABLE)
    deployed.python("-c", "from flows.deploying import deploy; deploy()", cwd=deployed.folder)
    assert seen() == before


def test_prefect_schedules_a_run_for_every_slot_of_the_next_session(deployed: Clone) -> None:
    calendar = TradingCalendar()
    hours = calendar.hours(calendar.next(datetime.now(SEOUL).date() + timedelta(days=1)))
    span = (hours.open - timedelta(hours=3), hours.close + timedelta(hours=6))
    with client() as opened:
        ours = {d.name: d.id for d in opened.read_deployments(limit=50)}
        for line in TIMETABLE:
            httpx.post(
                f"{deployed.url}/deployments/{ours[line.flow]}/schedule",
                json={
                    "start_time": span[0].isoformat(),
                    "end_time": span[1].isoformat(),
                    "min_runs": 200,
                    "max_runs": 200,
                },
                timeout=60,
            ).raise_for_status()
            of_line = DeploymentFilter(id=DeploymentFilterId(any_=[ours[line.flow]]))
            within = FlowRunFilterExpectedStartTime(after_=span[0], before_=span[1])
            runs = opened.read_flow_runs(
                flow_run_filter=FlowRunFilter(expected_start_time=within),
                deployment_filter=of_line,
                limit=200,
            )
            planned = {r.expected_start_time for r in runs if r.auto_scheduled}
            assert planned >= {moment for moment, _ in line.slots(hours)}, line.flow


def test_how_the_timetable_stands_is_told(deployed: Clone, tmp_path: Path) -> None:
    flows = {line.flow for line in TIMETABLE}
    with client() as opened:  # those of other tests count as online for a while after their end
        for worker in opened.read_workers_for_work_pool(POOL):
            address = f"{deployed.url}/work_pools/{POOL}/workers/{worker.name}"
            httpx.delete(address, timeout=60).raise_for_status()
    now = standing()
    assert (now.deployed, now.missing, now.stopped) == (flows, set(), set())
    assert now.workers == 0
    with client() as opened:
        settle = opened.read_deployment_by_name("settle/settle")
        address = f"{deployed.url}/deployments/{settle.id}/schedule"
        httpx.post(address, json={}, timeout=60).raise_for_status()
        assert standing().planned > 0
        opened.pause_deployment(settle.id)  # its planned runs go, so the worker has none to take
        try:
            assert standing().stopped == {"settle"}
            with deployed.worker(tmp_path):
                wait_for(lambda: standing().workers == 1)
        finally:
            opened.resume_deployment(settle.id)


@pytest.mark.parametrize(
    ("flow", "second", "then"),
    [("settle", "AwaitingConcurrencySlot", "Pending"), ("intraday", "Cancelled", "Cancelled")],
)
def test_a_run_that_meets_another_waits_or_makes_room(
    deployed: Clone, flow: str, second: str, then: str
) -> None:
    with client() as opened:
        deployment = opened.read_deployment_by_name(f"{flow}/{flow}")

        def enter(run: FlowRun, state: State[Any]) -> str | None:
            return opened.set_flow_run_state(run.id, state).state.name

        runs = [opened.create_flow_run_from_deployment(deployment.id) for _ in range(2)]
        assert enter(runs[0], Pending()) == "Pending"
        assert enter(runs[0], Running()) == "Running"
        enter(runs[1], Pending())
        met = opened.read_flow_run(runs[1].id).state
        assert met is not None
        assert met.name == second
        assert enter(runs[0], Completed()) == "Completed"
        if not met.is_final():
            enter(runs[1], Pending())
        after = opened.read_flow_run(runs[1].id).state
        assert after is not None
        assert after.name == then
        enter(runs[1], Completed())


def test_a_run_whose_process_died_frees_its_place(deployed: Clone) -> None:
    """What the automation does when a run falls silent; its patience is Prefect's to keep."""
    with client() as opened:
        deployment = opened.read_deployment_by_name("settle/settle")
        dead, following = (opened.create_flow_run_from_deployment(deployment.id) for _ in "ab")
        for state in (Pending(), Running()):
            opened.set_flow_run_state(dead.id, state)
        opened.set_flow_run_state(following.id, Pending())
        opened.set_flow_run_state(dead.id, Crashed(), force=True)
        opened.set_flow_run_state(following.id, Pending())
        state = opened.read_flow_run(following.id).state
        assert state is not None
        assert state.name == "Pending"
        opened.set_flow_run_state(following.id, Completed(), force=True)
