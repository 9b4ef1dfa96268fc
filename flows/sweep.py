"""A sweep's units as Prefect tasks on a Dask cluster that is running."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner

from errors import ClosebellError, SettingsError
from tasks.trials import Done, Unit, run_unit

ANSWER = 10  # seconds that a scheduler has to answer
# No time limit: in a worker's thread it couldn't end anything.
trial_step = task(name="trial", cache_policy=NO_CACHE, persist_result=False)(run_unit)


@dataclass(frozen=True)
class Cluster:
    """The workers of the Dask scheduler at `address` (tcp://host:8786).

    They need this program and the folder of the panel; on other machines also PREFECT_API_URL of a
    server they reach. On this one a temporary server is started for them where there is none.
    """

    address: str

    def size(self) -> int:
        """How many tasks its workers do at a time, at least one.

        Raises:
            SettingsError: the extra isn't installed, or nobody answers at the address.
        """
        try:
            import distributed
        except ImportError:
            raise SettingsError(
                "a Dask cluster needs the extra of that name",
                remedy="install it: pip install 'closebell[dask]'",
            ) from None
        try:
            connect: Callable[..., Any] = distributed.Client
            with connect(self.address, timeout=ANSWER, set_as_default=False) as client:
                threads: dict[str, int] = client.nthreads()
                return max(sum(threads.values()), 1)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"no Dask scheduler answers at {self.address} ({type(error).__name__})",
                remedy="start one (dask scheduler), or correct --dask or CLOSEBELL_DASK_ADDRESS",
            ) from None

    def __call__(self, units: Sequence[Unit]) -> Iterator[list[Done]]:
        """Results as they come.

        Raises:
            SettingsError: the extra isn't installed, or nobody answers at the address.
            ClosebellError: Prefect's temporary server didn't start in time.
        """
        self.size()
        from prefect_dask.task_runners import DaskTaskRunner

        runner: TaskRunner[Any] = DaskTaskRunner(address=self.address)

        @flow(name="sweep", task_runner=runner, validate_parameters=False)
        def sweep() -> Iterator[list[Done]]:
            futures = [trial_step.submit(unit) for unit in units]
            for future in as_completed(futures):
                yield future.result()

        with _one_server():
            yield from sweep()


@contextmanager
def _one_server() -> Iterator[None]:
    """One Prefect server for this process and the workers, who else start one each."""
    if PREFECT_API_URL.value():
        yield
        return
    server = SubprocessASGIServer()
    try:
        server.start()
    except RuntimeError as error:
        server.stop()
        raise ClosebellError(
            f"no Prefect server for the cluster: {error}",
            remedy="start one (closebell up, or prefect server start) and set PREFECT_API_URL",
        ) from error
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield
    finally:
        server.stop()
