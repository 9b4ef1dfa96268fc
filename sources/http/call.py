"""What a call is: its name in errors, its limits, its answer and how reading it may end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from settings import Settings


@dataclass(frozen=True)
class Rate:
    """At most `per_second` calls under `name`, `burst` of them at once."""

    name: str
    per_second: float
    burst: int = 1


@dataclass(frozen=True)
class Call:
    """One request to a provider, named for errors, logs and counters.

    `rates` go from the widest, that of the provider, to the narrowest, that of this kind of call.
    """

    provider: str
    name: str
    subject: str = ""
    rates: tuple[Rate, ...] = ()

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.name, self.subject) if part)


@dataclass(frozen=True)
class Request:
    """What is sent. Headers, parameters and body may hold secrets: none is ever logged."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Reply:
    """What came back, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Limits:
    """How patient a client is; all times in seconds.

    `attempt` bounds one attempt from looking up the name to the last byte, however slowly they
    come. After `total` no other attempt is begun; `queue` bounds each attempt's wait for a place
    in the call rate, which counts for `total` but isn't cut short by it. So a call may take
    `total`, a last `queue` and a last `attempt` at most.
    """

    connect: float = 5.0
    read: float = 15.0
    attempt: float = 30.0
    total: float = 90.0
    queue: float = 120.0
    attempts: int = 4
    backoff: float = 1.2
    longest_backoff: float = 20.0
    threshold: int = 8
    cool_down: float = 30.0
    largest_body: int = 64 * 1024 * 1024

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings http_… and breaker_… give."""
        return cls(
            connect=settings.http_connect_seconds,
            read=settings.http_read_seconds,
            attempt=settings.http_attempt_seconds,
            total=settings.http_total_seconds,
            queue=settings.http_queue_seconds,
            attempts=settings.http_attempts,
            threshold=settings.breaker_failures,
            cool_down=settings.breaker_seconds,
        )


class TryAgain(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Unusable(TryAgain):
    """The provider failed: no answer, or none that can be read."""


class Throttled(TryAgain):
    """The provider is well, but wants fewer calls; `after` is the pause it asked for.

    `of_all`: fewer of all kinds together; else only of the kind that was refused.
    """

    def __init__(self, reason: str, *, after: float | None = None, of_all: bool = False) -> None:
        super().__init__(reason, after=after)
        self.of_all = of_all
