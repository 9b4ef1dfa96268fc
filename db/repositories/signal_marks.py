"""What later steps say of signals that are published: withdrawn, and why; a word on their exit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from sqlalchemy import Connection, func, select, update

from db.bulk import lock
from db.models import Signal
from db.repositories.events import Events
from db.repositories.signals import Changes

_PENDING = ("open", "watch")


class SignalMarks:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def withdraw(
        self, scanner: str, session: date, slot: str, reasons: Mapping[str, str]
    ) -> Changes:
        """Withdraw these stocks' signals (ticker to reason) where they are still pending."""
        return self._mark(scanner, session, slot, reasons, _with, withdraw=True)

    def remark(
        self, scanner: str, session: date, slot: str, begin: str, remarks: Mapping[str, str]
    ) -> Changes:
        """Put a remark last among the reasons of these stocks' signals (ticker to remark).

        Args:
            begin: how each of them begins; earlier ones that begin so are replaced.
        """

        def replaced(reasons: list[str], remark: str) -> list[str]:
            return _with([one for one in reasons if not one.startswith(begin)], remark)

        return self._mark(scanner, session, slot, remarks, replaced, withdraw=False)

    def _mark(
        self,
        scanner: str,
        session: date,
        slot: str,
        words: Mapping[str, str],
        change: Callable[[list[str], str], list[str]],
        *,
        withdraw: bool,
    ) -> Changes:
        lock(self._connection, f"signals:{scanner}:{slot}")
        found = self._connection.execute(
            select(Signal.id, Signal.ticker, Signal.reasons, Signal.status).where(
                Signal.scanner == scanner,
                Signal.session == session,
                Signal.as_of == slot,
                Signal.status != "withdrawn",
            )
        ).all()
        marked = 0
        for number, ticker, reasons, status in found:
            if ticker not in words or (withdraw and status not in _PENDING):
                continue
            said = change(reasons, words[ticker])
            if said == reasons and not withdraw:
                continue
            values = {"reasons": said, "updated_at": func.now()}
            if withdraw:
                values["status"] = "withdrawn"
            self._connection.execute(update(Signal).values(values).where(Signal.id == number))
            marked += 1
        if marked:
            self._events.changed("signals")
        changed, withdrawn = (0, marked) if withdraw else (marked, 0)
        return Changes(0, changed, withdrawn, len(found) - marked)


def _with(reasons: list[str], word: str) -> list[str]:
    return [*reasons, word]
