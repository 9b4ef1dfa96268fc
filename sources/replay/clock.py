"""The clock that a replay goes by."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from market.clock import SEOUL


class ReplayClock:
    """A clock that starts at `begin` (aware) and runs `speed` times as fast as the world.

    With speed 0 it stands still until it is waited for, and waiting takes no time.
    """

    def __init__(
        self,
        begin: datetime,
        speed: float,
        *,
        elapsed: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if begin.tzinfo is None:
            raise ValueError(f"{begin} has no time zone")
        if speed < 0:
            raise ValueError("a replay doesn't run backwards")
        self._begin = begin.astimezone(SEOUL)
        self._speed = speed
        self._elapsed = elapsed
        self._sleep = sleep
        self._started = elapsed()

    def restart(self) -> datetime:
        """Begin anew: what was prepared until now took no time. Gives the moment it begins at."""
        self._started = self._elapsed()
        return self._begin

    def now(self) -> datetime:
        """The moment that is played (aware, Asia/Seoul)."""
        return self._begin + timedelta(seconds=(self._elapsed() - self._started) * self._speed)

    def wait_until(self, moment: datetime) -> None:
        """Come back when it is `moment` (aware), at once if it is over."""
        left = (moment - self.now()).total_seconds()
        if left <= 0:
            return
        if self._speed == 0:
            self._begin = moment.astimezone(SEOUL)
        else:
            self._sleep(left / self._speed)
