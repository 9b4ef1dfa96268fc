"""The one wrapper of every Prefect task: retries, time limit, log context."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

import tracing
from errors import ClosebellError

P = ParamSpec("P")
R = TypeVar("R")


def step(name: str, *, timeout: float, retries: int = 2) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task.

    Call it directly on the main thread, never submit it: only there does the time limit
    (`timeout`, seconds) end synchronous work. Errors that time may heal are retried at most
    `retries` times with jitter; the others rise at once.
    """
    decorate = task(
        name=name,
        retries=retries,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.5,
        retry_condition_fn=retryable,
        timeout_seconds=timeout,
        cache_policy=NO_CACHE,
        persist_result=False,
    )

    def made(work: Callable[P, R]) -> Task[P, R]:
        @wraps(work)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            with tracing.span(f"step {name}"):
                return work(*args, **kwargs)

        return decorate(traced)

    return made


def retryable(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Whether trying again may help: our own word for it, and time limits."""
    try:
        state.result()
    except ClosebellError as error:
        return error.retryable
    except TimeoutError:
        return True
    except BaseException:  # noqa: BLE001 - whatever it is, it already ended the task; only classed here
        return False
    return False
