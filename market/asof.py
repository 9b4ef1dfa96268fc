"""The as-of slot: the moment of a session that a scan's data stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from market.calendar import SessionHours

# The after-market runs until 20:00 since 2026-09-14, so figures that are final at 20:10 on an
# ordinary day are so 4 h 40 min after the regular close; an exam day moves everything.
FINAL_AFTER_CLOSE = timedelta(hours=4, minutes=40)


@dataclass(frozen=True)
class Slot:
    """`close`, `final`, or a time of the day in Asia/Seoul as `HH:MM`; its text is its name."""

    name: str

    CLOSE: ClassVar[Slot]
    FINAL: ClassVar[Slot]

    def __post_init__(self) -> None:
        if self.name not in ("close", "final") and not re.fullmatch(
            r"([01]\d|2[0-3]):[0-5]\d", self.name
        ):
            raise ValueError(f"no as-of slot: {self.name!r} (close, final, or a time as HH:MM)")

    @property
    def in_session(self) -> bool:
        """Whether it is a time of the day, before the close."""
        return self not in (Slot.CLOSE, Slot.FINAL)

    @classmethod
    def at(cls, moment: datetime) -> Slot:
        """The slot of a moment (aware, Asia/Seoul): its time to the minute."""
        return cls(f"{moment:%H:%M}")

    @classmethod
    def parse(cls, text: str) -> Slot:
        """The slot a text names.

        Raises:
            ValueError: it is neither close, final nor a time as HH:MM.
        """
        return cls(text.strip().lower())

    def __str__(self) -> str:
        return self.name

    def moment(self, hours: SessionHours) -> datetime:
        """When that slot falls in a session (aware, Asia/Seoul)."""
        if self == Slot.CLOSE:
            return hours.close
        if self == Slot.FINAL:
            return hours.close + FINAL_AFTER_CLOSE
        return datetime.combine(hours.session, time.fromisoformat(self.name), hours.close.tzinfo)


Slot.CLOSE = Slot("close")
Slot.FINAL = Slot("final")
