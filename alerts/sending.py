"""What is sent, to whom, and how sending may end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.situation import Notice
from alerts.words import Text
from errors import ClosebellError


@dataclass(frozen=True)
class Outgoing:
    """One message. `key` stays the same however often it is sent; `repeat`: perhaps it arrived."""

    key: str
    notices: Sequence[Notice]
    text: Text
    repeat: bool
    created_at: datetime


class NotDelivered(ClosebellError):
    """The recipient didn't take it. `unsure`: it may have, and only the answer is missing."""

    retryable = True

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        unsure: bool = False,
        after: float | None = None,
        final: bool = False,
    ) -> None:
        """`after`: seconds it asked to be left alone; `final`: trying again changes nothing."""
        super().__init__(detail, remedy=remedy)
        self.unsure = unsure
        self.after = after
        self.final = final


class Sender(Protocol):
    """One recipient's way in."""

    async def send(self, message: Outgoing) -> None:
        """Hand the message over.

        Raises:
            NotDelivered: with a reason that holds no secret.
        """
        ...
