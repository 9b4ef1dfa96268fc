"""The guards in memory, for tests of what stands on them; the real ones are in db/."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sources.http.guards import Guards


@dataclass
class Bucket:
    next_at: float = 0.0
    calls: int = 0
    retries: int = 0
    waited: float = 0.0


@dataclass
class MemoryLimiter:
    buckets: dict[str, Bucket] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(
        self,
        name: str,
        *,
        per_second: float,
        burst: int,
        longest: float,
        not_before: float = 0.0,
        retry: bool = False,
    ) -> float | None:
        with self.lock:
            bucket = self.buckets.setdefault(name, Bucket())
            now = time.monotonic()
            step = 1 / per_second
            wait = max(0.0, not_before, bucket.next_at - (burst - 1) * step - now)
            if wait > longest:
                return None
            bucket.next_at = max(bucket.next_at, now + not_before) + step
            bucket.calls += 1
            bucket.retries += retry
            bucket.waited += wait
            return wait

    def hold(self, name: str, seconds: float, *, per_second: float, burst: int) -> None:
        with self.lock:
            bucket = self.buckets.setdefault(name, Bucket())
            until = time.monotonic() + seconds + (burst - 1) / per_second
            bucket.next_at = max(bucket.next_at, until)


@dataclass
class State:
    permit: int = 1
    failures: int = 0
    open_until: float | None = None
    probe_until: float | None = None
    last_error: str | None = None


@dataclass
class MemoryBreaker:
    states: dict[str, State] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refuses(self, name: str) -> float:
        with self.lock:
            state = self.states.setdefault(name, State())
            until = max(state.open_until or 0.0, state.probe_until or 0.0)
            return max(0.0, until - time.monotonic()) if state.open_until is not None else 0.0

    def enter(self, name: str, *, probe_for: float) -> tuple[int, float]:
        with self.lock:
            state = self.states.setdefault(name, State())
            now = time.monotonic()
            if state.open_until is None:
                return state.permit, 0.0
            until = max(state.open_until, state.probe_until or 0.0)
            if until > now:
                return 0, until - now
            state.probe_until = now + probe_for
            state.permit += 1
            return state.permit, 0.0

    def succeeded(self, name: str, permit: int) -> None:
        with self.lock:
            state = self.states[name]
            if state.permit == permit:
                state.failures, state.open_until, state.probe_until = 0, None, None

    def failed(
        self, name: str, permit: int, *, threshold: int, cool_down: float, reason: str
    ) -> None:
        with self.lock:
            state = self.states[name]
            if state.permit != permit:
                return
            state.failures += 1
            state.last_error = reason
            if state.open_until is not None or state.failures >= threshold:
                state.open_until = time.monotonic() + cool_down
                state.probe_until = None
                state.permit += 1


LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Kept:
    token: str | None = None
    number: int = 0
    issued_at: datetime = LONG_AGO
    expires_at: datetime = LONG_AGO
    claim: int = 0
    claimed_until: float = 0.0


@dataclass
class MemoryTokens:
    kept: dict[str, Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, key: str, *, ahead: float) -> tuple[str, int] | None:
        with self.lock:
            return self._read(self.kept.setdefault(key, Kept()), ahead)

    def claim(self, key: str, *, ahead: float, rejected: int | None, lease: float) -> int | None:
        with self.lock:
            kept = self.kept.setdefault(key, Kept())
            usable = self._read(kept, ahead) is not None and kept.number != rejected
            if usable or kept.claimed_until > time.monotonic():
                return None
            kept.claim += 1
            kept.claimed_until = time.monotonic() + lease
            return kept.claim

    def store(self, key: str, claim: int, token: str, expires_at: datetime) -> bool:
        with self.lock:
            kept = self.kept[key]
            if kept.claim != claim:
                return False
            kept.token, kept.expires_at, kept.issued_at = token, expires_at, datetime.now(UTC)
            kept.number += 1
            kept.claimed_until = 0.0
            return True

    def give_up(self, key: str, claim: int) -> None:
        with self.lock:
            if self.kept[key].claim == claim:
                self.kept[key].claimed_until = 0.0

    @staticmethod
    def _read(kept: Kept, ahead: float) -> tuple[str, int] | None:
        left = (kept.expires_at - datetime.now(UTC)).total_seconds()
        issued_with = (kept.expires_at - kept.issued_at).total_seconds()
        if kept.token is None or left <= min(ahead, issued_with / 2):
            return None
        return kept.token, kept.number


def memory_guards() -> Guards:
    return Guards(MemoryLimiter(), MemoryBreaker(), MemoryTokens())
