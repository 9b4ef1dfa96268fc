"""Setting up Prefect as prefect.yaml and the timetable say: pool, deployments, automations."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.types import SecretDict
from prefect.workers.process import ProcessWorker
from pydantic import SecretStr

from errors import ClosebellError
from flows.automations import alarm_names, automations
from flows.timetable import Priority

POOL = "closebell"
QUEUES = {Priority.FIRST: "first", Priority.USUAL: "default"}
WEBHOOK = "closebell-alarms"
DEPLOY_SECONDS = 300


def project_file() -> Path:
    """The clone's prefect.yaml, else the one that was installed with the program."""
    clone = Path(__file__).parents[1] / "prefect.yaml"
    return clone if clone.is_file() else _installed() / "prefect.yaml"


def _installed() -> Path:
    """Where a package's data go: Debian's Python has them elsewhere than its prefix."""
    return Path(sysconfig.get_path("data")) / "share" / "closebell"


def deploy(
    on_message: Callable[[str], None] = lambda _: None,
    file: Path | None = None,
    *,
    webhook: SecretStr | None = None,
) -> None:
    """Bring the Prefect server of this environment to what prefect.yaml says; safe to repeat.

    A work pool that is there keeps its type, so that runs may have pods or containers of their own.

    Args:
        webhook: what Prefect calls when a scan that people wait for is late or lost; None: nothing.

    Raises:
        ClosebellError: Prefect refused a deployment.
    """
    with get_client(sync_client=True) as client:
        on_message(f"setting up the work pool {POOL}")
        _set_up_pool(client)
        on_message("setting up the deployments")
        _deploy_all(file or project_file())
        on_message("setting up the automations")
        _set_up_automations(client, webhook)


def _set_up_automations(client: SyncPrefectClient, webhook: SecretStr | None) -> None:
    block = None if webhook is None else _set_up_webhook(client, webhook)
    for automation in automations(block):
        _set_up_automation(client, automation)
    if block is None:
        for name in alarm_names():
            for known in client.read_automations_by_name(name):
                client.delete_automation(known.id)
        if (old := _webhook_block(client)) is not None:
            client.delete_block_document(old)


def _set_up_webhook(client: SyncPrefectClient, url: SecretStr) -> UUID:
    headers = SecretDict({"Content-Type": "application/json"})
    Webhook(url=url, headers=headers).save(WEBHOOK, overwrite=True)
    return client.read_block_document_by_name(WEBHOOK, "webhook").id


def _webhook_block(client: SyncPrefectClient) -> UUID | None:
    try:
        return client.read_block_document_by_name(WEBHOOK, "webhook").id
    except ObjectNotFound:
        return None


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
