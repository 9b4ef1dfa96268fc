"""Kiwoom fails on the way: what is retried, how often, and what the error says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_market import make_market
from kiwoom_sources import QUICK, SESSION, client_of, source_of
from memory_guards import MemoryBreaker, MemoryLimiter, memory_guards

from errors import RateLimited, SourceRefused, SourceUnavailable
from sources.kiwoom.client import KiwoomClient


@pytest.fixture(scope="module")
def market() -> Any:
    return make_market(SESSION, kospi=230, kosdaq=120, funds=20)


@pytest.fixture
def fake(market: Any) -> Iterator[FakeKiwoom]:
    with FakeKiwoom(market, speed=200) as running:
        yield running


@pytest.fixture
def client(fake: FakeKiwoom) -> Iterator[KiwoomClient]:
    with client_of(fake) as opened:
        yield opened


def sweep_calls(fake: FakeKiwoom) -> list[tuple[int, str]]:
    return [(call.status, call.next_key) for call in fake.of("ka20002")]


BACKING_OFF = [QUICK.backoff * 2**n for n in range(3)]
WHOLE = [
    (200, ""),
    (200, "ka20002#100"),
    (200, "ka20002#200"),
    (200, ""),
    (200, "ka20002#100"),
]
"""A sweep without trouble: three pages of KOSPI's 250 rows, two of KOSDAQ's 120."""


def test_a_sweep_makes_one_call_a_page_and_breaks_no_limit(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    assert source_of(client).sweep(SESSION).data.bars.height == 350
    assert sweep_calls(fake) == WHOLE
    assert fake.refused() == 0


def test_no_page_comes_sooner_than_the_call_rate_allows(market: Any) -> None:
    with FakeKiwoom(market, speed=20) as fake, client_of(fake) as client:
        source_of(client).sweep(SESSION)
        assert fake.refused() == 0
    # A place in the rate is given out after the lists have come, so that bounds the first page.
    begun = fake.of("ka10099")[-1].at
    for n, call in enumerate(fake.of("ka20002")):
        assert call.at - begun >= n / 20


@pytest.mark.parametrize(
    "kind", ["truncated", "reset", "malformed", "hang", "drip", "status 500", "status 429"]
)
def test_a_call_that_fails_once_in_the_middle_is_repeated_alone(
    client: KiwoomClient, fake: FakeKiwoom, kind: str
) -> None:
    kind, _, status = kind.partition(" ")
    fake.break_("ka20002", kind, after=1, seconds=float(status or 0.2))
    bars = source_of(client).sweep(SESSION).data.bars
    assert bars["ticker"].n_unique() == bars.height == 350
    pages = [key for _, key in sweep_calls(fake)]
    assert pages == ["", "ka20002#100", "ka20002#100", "ka20002#200", "", "ka20002#100"]


@pytest.mark.parametrize(
    ("kind", "seconds", "said"),
    [
        ("status", 500, "HTTP 500"),
        ("status", 503, "HTTP 503"),
        ("hang", 0, "timed out|ReadTimeout"),
        ("reset", 0, "reset"),
        ("truncated", 0, "without sending complete|incomplete"),
        ("malformed", 0, "no JSON"),
        ("drip", 0.2, "not finished within 0.5 s"),
        ("drip headers", 0.2, "not finished within 0.5 s"),
    ],
)
def test_a_call_that_keeps_failing_ends_after_its_attempts(
    fake: FakeKiwoom, kind: str, seconds: float, said: str
) -> None:
    fake.break_("ka10081", kind, times=99, seconds=seconds)
    quick = {"read": 0.3, "attempt": 0.5} if kind.startswith(("hang", "drip")) else {}
    with (
        client_of(fake, attempts=3, **quick) as client,
        pytest.raises(SourceUnavailable, match=said) as error,
    ):
        source_of(client).history_of("000010", SESSION, SESSION)
    assert str(error.value).startswith("kiwoom ka10081 000010 page 1: ")
    assert "3 attempts" in str(error.value)
    assert len(fake.of("ka10081")) == 3


@pytest.mark.parametrize("kind", ["drip", "drip headers"])
def test_a_dripping_answer_ends_at_the_total_limit_not_at_its_last_byte(
    fake: FakeKiwoom, kind: str
) -> None:
    fake.break_("ka10081", kind, times=99, seconds=0.05)  # every byte well within `read`
    with (
        client_of(fake, attempts=1, read=5.0, attempt=0.4) as client,
        pytest.raises(SourceUnavailable, match=r"not finished within 0\.4 s"),
    ):
        source_of(client).history_of("000010", SESSION, SESSION)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 418])
def test_other_refusals_are_final(client: KiwoomClient, fake: FakeKiwoom, status: int) -> None:
    fake.break_("ka10081", "status", times=99, seconds=status)
    with pytest.raises(SourceRefused, match=f"kiwoom ka10081 000010 page 1: HTTP {status}"):
        source_of(client).history_of("000010", SESSION, SESSION)
    assert len(fake.of("ka10081")) == 1


def test_a_burst_of_429_is_waited_out(client: KiwoomClient, fake: FakeKiwoom) -> None:
    fake.break_("ka20002", "status", after=1, times=3, seconds=429)
    assert source_of(client).sweep(SESSION).data.bars.height == 350
    assert sweep_calls(fake) == [WHOLE[0], *[(429, WHOLE[1][1])] * 3, *WHOLE[1:]]
    calls = [call.at for call in fake.of("ka20002")]
    pauses = [later - sooner for sooner, later in pairwise(calls)][1:4]
    assert all(pause >= least for pause, least in zip(pauses, BACKING_OFF, strict=True))


@pytest.mark.parametrize("code", [5, 1700, 1701, 1702])
def test_too_many_calls_said_in_an_answer_is_waited_out(
    client: KiwoomClient, fake: FakeKiwoom, code: int
) -> None:
    fake.break_("ka20002", "code", times=2, seconds=code, header=f"[{code}:유량 초과]")
    assert source_of(client).sweep(SESSION).data.bars.height == 350
    assert len(fake.of("ka20002")) == len(WHOLE) + 2


def test_429_to_the_end_is_rate_limited_and_not_the_breakers_business(fake: FakeKiwoom) -> None:
    fake.break_("ka10081", "status", times=99, seconds=429)
    guards = memory_guards()
    with client_of(fake, guards, threshold=1) as client, pytest.raises(RateLimited) as error:
        source_of(client).history_of("000010", SESSION, SESSION)
    assert "kiwoom ka10081 000010 page 1: refused for too many calls (HTTP 429)" in str(error.value)
    assert len(fake.of("ka10081")) == 4
    assert isinstance(guards.breaker, MemoryBreaker)
    assert guards.breaker.states["kiwoom"].failures == 0


@pytest.mark.parametrize(
    ("code", "held"),
    [
        (5, "kiwoom ka20002"),
        (1700, "kiwoom ka20002"),
        (1701, "kiwoom"),
        (1702, "kiwoom"),
    ],
)
def test_too_many_of_one_kind_stop_no_other_kind(fake: FakeKiwoom, code: int, held: str) -> None:
    fake.break_("ka20002", "code", seconds=5, header=f"[{code}:유량 초과]")
    guards = memory_guards()
    slow = {"attempts": 1, "backoff": 30.0, "longest_backoff": 30.0, "queue": 60.0}
    with client_of(fake, guards, **slow) as client, pytest.raises(RateLimited):
        source_of(client).sweep(SESSION)
    assert isinstance(guards.limiter, MemoryLimiter)
    now = time.monotonic()
    buckets = guards.limiter.buckets.items()
    assert {name for name, bucket in buckets if bucket.next_at > now + 10} == {held}


def test_429_is_told_with_its_return_code(fake: FakeKiwoom) -> None:
    fake.burst = 0.0
    with (
        client_of(fake, attempts=1) as client,
        pytest.raises(RateLimited, match=r"HTTP 429, return code 5 \[1700\]"),
    ):
        source_of(client).sweep(SESSION)


def test_retry_after_is_honoured(client: KiwoomClient, fake: FakeKiwoom) -> None:
    fake.break_("ka10081", "status", seconds=429, header="1")
    source_of(client).history_of("000010", SESSION, SESSION)
    refused, answered = fake.of("ka10081")
    assert answered.at - refused.at >= 1.0


def test_a_retry_after_beyond_all_patience_is_not_waited_for(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    fake.break_("ka10081", "status", times=99, seconds=429, header="3600")
    with pytest.raises(RateLimited):
        source_of(client).history_of("000010", SESSION, SESSION)
    assert len(fake.of("ka10081")) == 1


def test_a_provider_down_for_a_while_is_left_alone_then_probed_once(fake: FakeKiwoom) -> None:
    fake.break_("ka10081", "status", times=5, seconds=500)
    with client_of(fake, attempts=2, threshold=4, cool_down=0.5) as client:
        source = source_of(client)
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match="HTTP 500"):
                source.history_of("000010", SESSION, SESSION)
        for _ in range(3):
            with pytest.raises(SourceUnavailable, match="not asked, kiwoom has failed too often"):
                source.history_of("000010", SESSION, SESSION)
        assert len(fake.of("ka10081")) == 4
        time.sleep(0.6)
        with pytest.raises(SourceUnavailable, match=r"HTTP 500|not asked"):  # the probe fails
            source.history_of("000010", SESSION, SESSION)
        assert len(fake.of("ka10081")) == 5
        time.sleep(0.6)
        assert source.history_of("000010", SESSION, SESSION).height == 1  # the next succeeds
        assert source.history_of("000010", SESSION, SESSION).height == 1


def test_a_minute_of_500s_costs_few_calls_evenly_spaced_and_the_next_sweep_is_whole(
    fake: FakeKiwoom,
) -> None:
    for tr in ("ka10099", "ka20002"):
        fake.break_(tr, "status", times=10**6, seconds=500)
    down, cool_down = 1.5, 0.25  # a minute and ten seconds, shortened
    with client_of(fake, attempts=4, threshold=4, cool_down=cool_down) as client:
        source = source_of(client)
        until = time.monotonic() + down
        while time.monotonic() < until:
            with pytest.raises(SourceUnavailable, match=r"ka10099.*(HTTP 500|not asked)"):
                source.sweep(SESSION)
            time.sleep(0.01)
        failed = [call.at for call in fake.of("ka10099")]
        assert fake.of("ka20002") == []
        probes = failed[3:]  # the fourth opened the breaker
        assert all(later - sooner >= cool_down for sooner, later in pairwise(probes))
        fake.faults.clear()
        fake.calls.clear()
        time.sleep(cool_down)
        assert source.sweep(SESSION).data.bars.height == 350
    assert sweep_calls(fake) == WHOLE
    assert fake.refused() == 0


def test_nobody_there_is_unavailable(market: Any) -> None:
    with FakeKiwoom(market) as gone:
        pass
    with client_of(gone) as client, pytest.raises(SourceUnavailable, match="kiwoom au10001"):
        source_of(client).sweep(SESSION)


def test_no_name_to_be_found_is_unavailable(fake: FakeKiwoom) -> None:
    fake.url = "http://kiwoom.invalid"
    with (
        client_of(fake, attempts=2) as client,
        pytest.raises(SourceUnavailable, match="kiwoom au10001: ConnectError"),
    ):
        source_of(client).sweep(SESSION)


def test_a_queue_too_long_is_not_waited_in(fake: FakeKiwoom) -> None:
    guards = memory_guards()
    guards.limiter.hold("kiwoom ka10099", 60, per_second=1, burst=1)
    with client_of(fake, guards) as client, pytest.raises(RateLimited, match="ka10099"):
        source_of(client).sweep(SESSION)
    assert not fake.of("ka10099")


def test_no_error_and_no_log_shows_a_key_or_token(
    fake: FakeKiwoom, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.break_("ka10099", "status", times=1, seconds=500)
    fake.break_("ka20002", "malformed", times=99)
    with client_of(fake) as client, pytest.raises(SourceUnavailable) as error:
        source_of(client).sweep(SESSION)
    shown = str(error.value) + repr(error.value.__cause__) + "".join(capfd.readouterr())
    assert "ka20002" in shown
    for secret in ("app-key-of-the-test", "secret-key-of-the-test", "token-1"):
        assert secret not in shown
