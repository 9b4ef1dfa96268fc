"""What must hold for all processes and machines together: call rates, breaker, tokens.

Kept outside of the process; db/ implements these. Every change is one atomic step by the
store's own clock, so that no process's clock matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class RateLimiter(Protocol):
    """Gives out starting times for calls, evenly spaced, a bucket a name."""

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
        """Take the next free place: the seconds to wait before the call, 0 for at once.

        The place is `not_before` seconds from now at the soonest. None, and no place taken, when
        it would be more than `longest` seconds. Calls, `retry` calls among them, and seconds
        waited are counted.
        """
        ...

    def hold(self, name: str, seconds: float, *, per_second: float, burst: int) -> None:
        """No place before `seconds` from now, and no burst then: patience was asked for."""
        ...


class CircuitBreaker(Protocol):
    """Stops calling a provider that keeps failing, then lets exactly one probe through."""

    def refuses(self, name: str) -> float:
        """The seconds for which calls are refused; 0 if the next may be made. Changes nothing."""
        ...

    def enter(self, name: str, *, probe_for: float) -> tuple[int, float]:
        """A permit to call and 0, or 0 and the seconds for which calls are refused.

        After the cool-down one caller gets a permit as the probe; the rest are refused until it
        reports, or for `probe_for` seconds if it never does.
        """
        ...

    def succeeded(self, name: str, permit: int) -> None:
        """The provider answered: close. A permit from before the breaker moved changes nothing."""
        ...

    def failed(
        self, name: str, permit: int, *, threshold: int, cool_down: float, reason: str
    ) -> None:
        """It didn't: open for `cool_down` seconds at `threshold` in a row, or if it was a probe."""
        ...


class TokenStore(Protocol):
    """Access tokens, issued by one process at a time. `number` grows with each token."""

    def read(self, key: str, *, ahead: float) -> tuple[str, int] | None:
        """The token and its number, if it lives for more than `ahead` seconds.

        Less is enough for a token that had little left when issued: half of that. (Kiwoom may
        answer with the token it gave before.)
        """
        ...

    def claim(self, key: str, *, ahead: float, rejected: int | None, lease: float) -> int | None:
        """The right to issue a token for `lease` seconds, or None.

        Given only if `read` has none for `ahead`, or it is the number `rejected`, and nobody
        else holds the right.
        """
        ...

    def store(self, key: str, claim: int, token: str, expires_at: datetime) -> bool:
        """Keep a token issued under `claim`; False if that right had been lost meanwhile."""
        ...

    def give_up(self, key: str, claim: int) -> None:
        """Hand back the right to issue, unused."""
        ...


@dataclass(frozen=True)
class Guards:
    """The three together, as a source is given them."""

    limiter: RateLimiter
    breaker: CircuitBreaker
    tokens: TokenStore
