"""Setting up Prefect as prefect.yaml and the timetable say: pool, deployments, automations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CancelFlowRun, ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from errors import ClosebellError
from flows.timetable import TIMETABLE, Entry, Priority

POOL = "closebell"
TAG = "closebell"
QUEUES = {Priority.FIRST: "first", Priority.USUAL: "default"}
SILENCE = timedelta(seconds=150)  # five of the heartbeats that prefect.yaml asks for
DEPLOY_SECONDS = 300
ENDS = ("Completed", "Failed", "Crashed", "Cancelling", "Cancelled")


def project_file() -> Path:
    """prefect.yaml as it was installed beside the program, else the clone's."""
    installed = Path(sys.prefix) / "share" / "closebell" / "prefect.yaml"
    return installed if installed.is_file() else Path(__file__).parents[1] / "prefect.yaml"


def deploy(on_message: Callable[[str], None] = lambda _: None, file: Path | None = None) -> None:
    """Bring the Prefect server of this environment to what prefect.yaml says; safe to repeat.

    A work pool that is there keeps its type, so that runs may have pods or containers of their own.

    Raises:
        ClosebellError: Prefect refused a deployment.
    """
    with get_client(sync_client=True) as client:
        on_message(f"setting up the work pool {POOL}")
        _set_up_pool(client)
        on_message("setting up the deployments")
        _deploy_all(file or project_file())
        on_message("setting up the automations")
        for automation in automations():
            _set_up_automation(client, automation)


def automations() -> list[AutomationCore]:
    """What ends runs that don't by themselves: the dead, and each deployment's overdue."""
    return [_dead(), *map(_overdue, TIMETABLE)]


def _dead() -> AutomationCore:
    trigger = _silence({"prefect.flow-run.heartbeat"}, {"prefect.flow-run.*"}, SILENCE)
    # Only the runs of our deployments are known to beat often enough.
    trigger.match_related = ResourceSpecification(
        {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
    )
    return AutomationCore(
        name="closebell: a run fell silent",
        description="A run whose process died or lost the network counts as crashed.",
        trigger=trigger,
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                message=f"nothing was heard of it for {SILENCE}",
                force=False,
            )
        ],
    )


def _overdue(line: Entry) -> AutomationCore:
    trigger = _silence(
        {"prefect.flow-run.Running"}, {f"prefect.flow-run.{end}" for end in ENDS}, line.limit
    )
    trigger.match_related = ResourceSpecification(
        {"prefect.resource.role": "deployment", "prefect.resource.name": line.flow}
    )
    return AutomationCore(
        name=f"closebell: {line.flow} takes too long",
        description=f"A run of {line.flow} is cancelled after {line.limit}.",
        trigger=trigger,
        actions=[CancelFlowRun()],
    )


def _silence(after: set[str], expect: set[str], within: timedelta) -> EventTrigger:
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        for_each={"prefect.resource.id"},
        after=after,
        expect=expect,
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )


def _set_up_pool(client: SyncPrefectClient) -> None:
    pool = WorkPoolCreate(
        name=POOL,
        type=ProcessWorker.type,
        base_job_template=ProcessWorker.get_default_base_job_template(),
    )
    with suppress(ObjectAlreadyExists):  # it may be of another type by intention
        client.create_work_pool(pool)
    known = {queue.name: queue for queue in client.read_work_queues(work_pool_name=POOL)}
    for priority, name in QUEUES.items():
        if name not in known:
            client.create_work_queue(name, work_pool_name=POOL, priority=int(priority))
        elif known[name].priority != priority:
            client.update_work_queue(known[name].id, priority=int(priority))


def _deploy_all(file: Path) -> None:
    command = ["--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *command],
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=DEPLOY_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise ClosebellError(
            f"Prefect refused the deployments of {file}: {said[-1] if said else 'no word'}",
            remedy=f"prefect deploy --all --prefect-file {file}",
        )


def _set_up_automation(client: SyncPrefectClient, automation: AutomationCore) -> None:
    known = client.read_automations_by_name(automation.name)
    if not known:
        client.create_automation(automation)
    elif (
        AutomationCore(**known[0].model_dump(include=set(AutomationCore.model_fields)))
        != automation
    ):
        client.update_automation(known[0].id, automation)
