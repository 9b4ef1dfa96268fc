"""The wrapper of every task: what is retried, what is not, and when time is up."""

from __future__ import annotations

import signal
import time

import pytest
from prefect import flow

from errors import BadMarketData, ClosebellError, SourceUnavailable
from tasks.step import step

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def attempts(raised: Exception | None, retries: int) -> int:
    """How often a task that raises this is called."""
    calls: list[int] = []

    @step("fails", timeout=5, retries=retries)
    def fails() -> None:
        calls.append(1)
        if raised:
            raise raised

    quick = fails.with_options(retry_delay_seconds=0, retry_jitter_factor=0)

    @flow(name="one-task")
    def one_task() -> None:
        quick()

    state = one_task(return_state=True)
    assert state.is_failed() is (raised is not None)
    return len(calls)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (SourceUnavailable("down"), 3),
        (BadMarketData("half a session"), 1),
        (ValueError("a bug"), 1),
        (None, 1),
    ],
)
def test_only_what_time_may_heal_is_tried_again_and_not_for_ever(
    raised: Exception | None, expected: int
) -> None:
    assert attempts(raised, retries=2) == expected


def test_a_hanging_task_is_ended_by_its_time_limit() -> None:
    @step("hangs", timeout=0.5, retries=0)
    def hangs() -> None:
        time.sleep(30)

    @flow(name="hanging")
    def hanging() -> None:
        hangs()

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    started = time.monotonic()
    state = hanging(return_state=True)
    assert state.is_failed()
    assert time.monotonic() - started < 15


def test_the_flow_fails_with_the_task_s_own_error() -> None:
    @step("refuses", timeout=5)
    def refuses() -> None:
        raise BadMarketData("92 % of the stocks", remedy="collect again")

    @flow(name="refusing")
    def refusing() -> None:
        refuses()

    with pytest.raises(ClosebellError) as caught:
        refusing()
    assert (caught.value.detail, caught.value.remedy) == ("92 % of the stocks", "collect again")
