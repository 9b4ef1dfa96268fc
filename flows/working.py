"""The worker: Prefect's process worker, but when it is asked to stop it lets what runs end."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import anyio
from prefect.states import Crashed
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from prefect.client.schemas.objects import FlowRun, State

GRACE = 75.0  # seconds a run may still take once its worker is to stop; flows/parts.py waits longer
_TO_TELL = 10.0

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it takes the place of Prefect's own on purpose

    class PatientWorker(ProcessWorker):
        """Prefect's kills its runs at once, and nobody learns of it until they fall silent."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._under_way: set[anyio.CancelScope] = set()

        async def run(
            self,
            flow_run: FlowRun,
            configuration: ProcessJobConfiguration,
            task_status: TaskStatus[int] | None = None,
        ) -> ProcessWorkerResult:
            """To its end, or, when the worker stops, for as long as GRACE; then it is Crashed."""
            with anyio.CancelScope(shield=True) as scope:
                self._under_way.add(scope)
                try:
                    return await super().run(flow_run, configuration, task_status)
                finally:
                    self._under_way.discard(scope)
            state: State[Any] = Crashed(
                message=f"its worker was stopped and waited {GRACE:g} s for its end"
            )
            with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _TO_TELL):
                await self.client.set_flow_run_state(flow_run.id, state)
            return ProcessWorkerResult(status_code=-9, identifier="stopped")

        async def teardown(self, *exc_info: Any) -> None:
            """It takes nothing new by now."""
            for scope in self._under_way:
                scope.deadline = anyio.current_time() + GRACE
            await super().teardown(*exc_info)


def main() -> None:
    """Prefect's command line, with this worker for the type `process`."""
    from prefect.cli import app

    app()
