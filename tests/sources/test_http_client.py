"""The client itself: what it takes, how it waits, what it counts."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_open_apis import Asked, Server
from memory_guards import MemoryBreaker, MemoryLimiter, memory_guards

from errors import BadMarketData, RateLimited, SourceUnavailable
from sources.http.call import Call, Limits, Rate, Reply, Request, Throttled, Unusable
from sources.http.client import Client
from sources.http.guards import Guards

CALL = Call("somebody", "prices", "005930", (Rate("somebody", 1e9),))


@dataclass
class Scripted(Server):
    """Answers with these replies, one after the other, then with the last."""

    replies: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def reply(self, _asked: Asked) -> tuple[int, dict[str, str], bytes]:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture
def guards() -> Guards:
    return memory_guards()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(guards: Guards, slept: list[float]) -> Iterator[Client]:
    limits = Limits(attempts=3, total=30, largest_body=10_000, threshold=99)
    with Client("somebody", guards, limits, sleep=slept.append) as opened:
        yield opened


def ask(client: Client, server: Scripted, path: str = "/") -> Reply:
    return client.send(CALL, Request("GET", server.url + path), lambda reply: reply)


def test_a_compressed_answer_is_unpacked(client: Client, server: Scripted) -> None:
    packed = gzip.compress(b'{"price": "5"}')
    server.replies = [(200, {"Content-Encoding": "gzip"}, packed)]
    assert json.loads(ask(client, server).body) == {"price": "5"}


def test_a_broken_compression_is_asked_for_again(client: Client, server: Scripted) -> None:
    server.replies = [(200, {"Content-Encoding": "gzip"}, b"no gzip"), (200, {}, b"ok")]
    assert ask(client, server).body == b"ok"


def test_a_redirect_is_not_followed(client: Client, server: Scripted) -> None:
    """It could carry a key elsewhere."""
    server.replies = [(302, {"Location": server.url + "/elsewhere"}, b"")]
    assert ask(client, server).status == 302
    assert [asked.path for asked in server.asked] == ["/"]


def test_an_endless_answer_is_left(client: Client, server: Scripted) -> None:
    server.replies = [(200, {}, b"x" * 10_001)]
    with pytest.raises(BadMarketData, match="somebody prices 005930: more than 10,000 bytes"):
        ask(client, server)
    assert len(server.asked) == 1


def test_pauses_grow_with_jitter_and_stay_bounded(
    client: Client, server: Scripted, slept: list[float]
) -> None:
    server.replies = [(503, {}, b"")]
    with pytest.raises(SourceUnavailable, match=r"HTTP 503, 3 attempts"):
        ask(client, server)
    assert len(slept) == 2
    assert 0 <= slept[0] <= 1.2
    assert 0 <= slept[1] <= 2.4


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7),
        (
            {
                "Date": "Fri, 20 Nov 2026 06:00:00 GMT",
                "Retry-After": "Fri, 20 Nov 2026 06:00:09 GMT",
            },
            9,
        ),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(
    client: Client, server: Scripted, slept: list[float], headers: dict[str, str], pause: float
) -> None:
    server.replies = [(503, headers, b""), (200, {}, b"ok")]
    assert ask(client, server).body == b"ok"
    assert slept == [pause]


def test_a_pause_longer_than_all_patience_ends_the_call(
    client: Client, server: Scripted, slept: list[float]
) -> None:
    server.replies = [(429, {"Retry-After": "31"}, b"")]
    with pytest.raises(RateLimited):
        ask(client, server)
    assert slept == []
    assert len(server.asked) == 1


def test_429_holds_back_every_call_of_that_name(
    client: Client, server: Scripted, guards: Guards, slept: list[float]
) -> None:
    server.replies = [(429, {"Retry-After": "5"}, b""), (200, {}, b"ok")]
    ask(client, server)
    wait = guards.limiter.reserve("somebody", per_second=1e9, burst=1, longest=60)
    assert wait == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("asked", ["31", "3600", "9" * 14, "9" * 400])
def test_no_name_is_held_for_longer_than_callers_queue(
    client: Client, server: Scripted, guards: Guards, asked: str
) -> None:
    server.replies = [(429, {"Retry-After": asked}, b"")]
    with pytest.raises(RateLimited):
        ask(client, server)
    wait = guards.limiter.reserve("somebody", per_second=1e9, burst=1, longest=1e6)
    most = min(float(asked), client.limits.queue)
    assert most - 15 < wait <= most, "less than was asked for only by what this test took"


@pytest.mark.parametrize(("of_all", "held"), [(False, "somebody prices"), (True, "somebody")])
def test_only_what_had_too_many_calls_is_held(
    client: Client, server: Scripted, guards: Guards, of_all: bool, held: str
) -> None:
    names = ("somebody", "somebody prices")
    call = Call("somebody", "prices", "005930", tuple(Rate(name, 1e9) for name in names))
    server.replies = [(429, {"Retry-After": "500"}, b"[too many]")]

    def read(reply: Reply) -> None:
        raise Throttled(reply.body.decode(), of_all=of_all)

    with pytest.raises(RateLimited, match=r"HTTP 429, \[too many\]"):
        client.send(call, Request("GET", server.url), read)
    waits = {
        name: guards.limiter.reserve(name, per_second=1e9, burst=1, longest=1e6) for name in names
    }
    assert {name for name, wait in waits.items() if wait and wait > 1} == {held}


def test_a_name_server_that_is_silent_holds_nobody_and_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answers = threading.Event()

    def silent(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        assert answers.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    limits = Limits(connect=0.2, attempt=0.3, total=30, attempts=2, backoff=0.01)
    with Client("somebody", memory_guards(), limits) as client:
        monkeypatch.setattr(socket, "getaddrinfo", silent)
        with pytest.raises(SourceUnavailable, match=r"the name no\.where wasn't found in time"):
            client.send(CALL, Request("GET", "http://no.where/"), lambda reply: reply)
        assert asked == ["no.where"], "two attempts, one look-up"
        answers.set()


def test_an_address_that_refuses_is_followed_by_the_next(
    client: Client, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def two(host: str, *more: Any, **named: Any) -> list[Any]:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "some.where" else [host]
        return [found for one in hosts for found in real(one, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    server.replies = [(200, {}, b"ok")]
    named = Request("GET", f"http://some.where:{server.port}/")
    assert client.send(CALL, named, lambda reply: reply.body) == b"ok"


def test_an_open_breaker_refuses_without_taking_a_place(
    client: Client, server: Scripted, guards: Guards, slept: list[float]
) -> None:
    permit, _ = guards.breaker.enter("somebody", probe_for=1)
    guards.breaker.failed("somebody", permit, threshold=1, cool_down=500, reason="down")
    guards.limiter.hold("somebody", 60, per_second=1, burst=1)
    with pytest.raises(SourceUnavailable, match="not asked, somebody has failed too often"):
        ask(client, server)
    assert (slept, server.asked) == ([], [])
    assert isinstance(guards.limiter, MemoryLimiter)
    assert guards.limiter.buckets["somebody"].calls == 0


def test_an_answer_that_cant_be_read_counts_as_a_failure(
    client: Client, server: Scripted, guards: Guards
) -> None:
    server.replies = [(200, {}, b"garbage")]

    def read(_: Reply) -> None:
        raise Unusable("garbage")

    with pytest.raises(SourceUnavailable, match="somebody prices 005930: garbage, 3 attempts"):
        client.send(CALL, Request("GET", server.url), read)
    assert isinstance(guards.breaker, MemoryBreaker)
    assert guards.breaker.states["somebody"].failures == 3


def test_calls_retries_and_waits_are_counted(
    client: Client, server: Scripted, guards: Guards
) -> None:
    server.replies = [(500, {}, b""), (200, {}, b"ok"), (200, {}, b"ok")]
    ask(client, server)
    ask(client, server)
    assert isinstance(guards.limiter, MemoryLimiter)
    bucket = guards.limiter.buckets["somebody"]
    assert (bucket.calls, bucket.retries) == (3, 1)


def test_a_request_shows_no_secret() -> None:
    request = Request("GET", "https://x", {"AUTH_KEY": "s1"}, {"key": "s2"}, {"secret": "s3"})
    assert repr(request) == "Request(method='GET', url='https://x')"
