"""How the timetable stands on a Prefect server: what is deployed, planned, and who works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType, WorkerStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from errors import ClosebellError
from flows.automations import TAG
from flows.deploying import POOL
from flows.timetable import TIMETABLE


@dataclass(frozen=True)
class Standing:
    """`missing` and `stopped` are flows that aren't deployed, or whose schedules don't run.

    `planned` counts runs ahead, up to 200; `workers` those online.
    """

    deployed: frozenset[str]
    missing: frozenset[str]
    stopped: frozenset[str]
    planned: int
    workers: int


def standing() -> Standing:
    """Asked of the Prefect server of this environment.

    Raises:
        ClosebellError: it refuses to tell, or doesn't answer.
    """
    try:
        return _asked()
    except PrefectHTTPStatusError as error:
        raise ClosebellError(
            f"Prefect's server answers {error.response.status_code}",
            remedy="is PREFECT_API_AUTH_STRING or PREFECT_API_KEY what the server wants?",
        ) from None
    except httpx.HTTPError as error:
        raise ClosebellError(
            f"Prefect's server stopped answering ({type(error).__name__})",
            remedy="is it running, and does a proxy stand between (NO_PROXY)?",
        ) from None


def _asked() -> Standing:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    ahead = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
            {"after_": datetime.now(UTC)}
        ),
    )
    with get_client(sync_client=True) as client:
        deployments = client.read_deployments(deployment_filter=ours, limit=200)
        planned = client.read_flow_runs(deployment_filter=ours, flow_run_filter=ahead, limit=200)
        try:
            workers = client.read_workers_for_work_pool(POOL)
        except ObjectNotFound:
            workers = []
    running = {d.name for d in deployments if not d.paused and any(s.active for s in d.schedules)}
    deployed = frozenset(d.name for d in deployments)
    wanted = {line.flow for line in TIMETABLE}
    return Standing(
        deployed=deployed,
        missing=frozenset(wanted - deployed),
        stopped=frozenset(deployed - running),
        planned=len(planned),
        workers=sum(worker.status == WorkerStatus.ONLINE for worker in workers),
    )
