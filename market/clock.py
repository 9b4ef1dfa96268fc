"""The one place that knows what time it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


class Clock(Protocol):
    """Tells the time; handed to whatever needs a "now" or a "today"."""

    def now(self) -> datetime:
        """The present moment, aware, in Asia/Seoul."""
        ...

    def wait_until(self, moment: datetime) -> None:
        """Come back when it is `moment` (aware), at once if it is over."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(SEOUL)

    def wait_until(self, moment: datetime) -> None:
        time.sleep(max(0.0, (moment - self.now()).total_seconds()))


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still at `moment` (aware, any zone), for tests and replays."""

    moment: datetime

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise ValueError(f"{self.moment} has no time zone")

    def now(self) -> datetime:
        return self.moment.astimezone(SEOUL)

    def wait_until(self, moment: datetime) -> None:
        """Come back at once: it never becomes any later."""
