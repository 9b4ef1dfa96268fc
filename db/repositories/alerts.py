"""Alerts: what was judged, what waits to be sent, what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from db.bulk import lock
from db.models import AlertMessage, AlertProgress, AlertState, Breaker, ScanRun, Signal
from db.models.alerts import MESSAGE_STATUSES
from db.models.base import table_of
from db.repositories.lists_before import end_before

_OF_A_SCAN = ("scanner", "session", "as_of", "reason")
_PENDING = ("waiting", "sending")
STUCK = 6
"""A message that so many attempts, over some twenty minutes, didn't get there counts as failed."""


@dataclass(frozen=True)
class PendingMessage:
    """A message about to be sent; `repeat`: perhaps it arrived before."""

    id: int
    key: str
    notices: list[dict[str, Any]]
    attempts: int
    repeat: bool
    created_at: datetime


class AlertsRepository:
    """Nothing here is shown by the API's lists, so nothing of it is announced."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def judged_up_to(self) -> int | None:
        """The newest event judged, None before the first time; one unit of work at a time."""
        lock(self._connection, "alerts")
        return self.position()

    def position(self) -> int | None:
        """The newest event judged, None before the first time."""
        return self._connection.scalar(select(AlertProgress.event_id))

    def advance(self, event_id: int) -> None:
        """Note that the events up to this one were judged."""
        new = upsert(AlertProgress).values(id=1, event_id=event_id)
        self._connection.execute(
            new.on_conflict_do_update(index_elements=["id"], set_={"event_id": event_id})
        )

    def states(self, rule: str) -> dict[str, str]:
        """What a rule remembers: subject to state."""
        query = select(AlertState.subject, AlertState.state).where(AlertState.rule == rule)
        return {subject: state for subject, state in self._connection.execute(query)}

    def remember(self, rule: str, states: Mapping[str, str]) -> None:
        """Replace what a rule remembers."""
        self._connection.execute(delete(AlertState).where(AlertState.rule == rule))
        rows = [{"rule": rule, "subject": s, "state": state} for s, state in states.items()]
        if rows:
            self._connection.execute(insert(AlertState), rows)

    def queue(self, recipient: str, notices: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Have notices sent, in one message with those that still wait for a first attempt."""
        waiting = (
            select(AlertMessage.id)
            .where(
                AlertMessage.recipient == recipient,
                AlertMessage.status == "waiting",
                AlertMessage.attempts == 0,
            )
            .order_by(AlertMessage.id.desc())
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if (number := self._connection.scalar(waiting)) is not None:
            more = literal([dict(notice) for notice in notices], JSONB)
            grown = AlertMessage.notices.op("||")(more)
            where = AlertMessage.id == number
            self._connection.execute(update(AlertMessage).where(where).values(notices=grown))
            return
        row = {
            "key": f"msg_{secrets.token_hex(16)}",
            "recipient": recipient,
            "notices": list(notices),
            "next_at": now,
            "created_at": now,
        }
        self._connection.execute(insert(AlertMessage).values(row))

    def next_due(self) -> datetime | None:
        """When the next message is to be sent."""
        query = select(func.min(AlertMessage.next_at)).where(AlertMessage.status.in_(_PENDING))
        return self._connection.scalar(query)

    def due_recipients(self, now: datetime) -> list[str]:
        """Those for whom a message is to be sent."""
        query = (
            select(AlertMessage.recipient)
            .where(AlertMessage.status.in_(_PENDING), AlertMessage.next_at <= now)
            .distinct()
        )
        return list(self._connection.scalars(query))

    def begin(self, recipient: str, now: datetime) -> PendingMessage | None:
        """Take the oldest message due for a recipient; from the commit on it counts as sent or not.

        One left in the middle by a process that died is taken again, as a repeat.
        """
        table = table_of(AlertMessage)
        oldest = (
            select(table)
            .where(
                table.c.recipient == recipient,
                table.c.status.in_(_PENDING),
                table.c.next_at <= now,
            )
            .order_by(table.c.id)
            .limit(1)
            .with_for_update()
        )
        row = self._connection.execute(oldest).mappings().first()
        if row is None:
            return None
        self._set(
            AlertMessage.id == row["id"],
            status="sending",
            attempts=row["attempts"] + 1,
            unsure=True,
        )
        names = ("id", "key", "notices", "created_at")
        return PendingMessage(
            **{name: row[name] for name in names},
            attempts=row["attempts"] + 1,
            repeat=row["unsure"],
        )

    def sent(self, number: int, now: datetime) -> None:
        """The recipient took it."""
        self._set(AlertMessage.id == number, status="sent", unsure=False, error=None, ended_at=now)

    def put_off(self, number: int, error: str, at: datetime, *, unsure: bool) -> None:
        """The recipient didn't take it; try again at `at`."""
        where = AlertMessage.id == number
        self._set(where, status="waiting", unsure=unsure, error=error, next_at=at)

    def failed(self, number: int, error: str, now: datetime) -> None:
        """The recipient didn't take it, and won't be asked again."""
        self._set(AlertMessage.id == number, status="failed", error=error, ended_at=now)

    def recent(self, limit: int) -> list[dict[str, Any]]:
        """The newest messages, newest first, with all columns."""
        query = select(table_of(AlertMessage)).order_by(AlertMessage.id.desc()).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def counts(self) -> dict[str, int]:
        """How many messages there are of each status.

        A failed one, which one that is STUCK is too, counts until a later one reached the same
        recipient.
        """
        later = table_of(AlertMessage).alias("later")
        made_good = exists().where(
            later.c.recipient == AlertMessage.recipient,
            later.c.id > AlertMessage.id,
            later.c.status == "sent",
        )
        stuck = AlertMessage.status.in_(_PENDING) & (AlertMessage.attempts >= STUCK) & ~made_good
        status = case((stuck, "failed"), else_=AlertMessage.status).label("shown")
        query = (
            select(status, func.count())
            .where((AlertMessage.status != "failed") | ~made_good)
            .group_by(status)
        )
        found = {status: count for status, count in self._connection.execute(query)}
        return {status: found.get(status, 0) for status in MESSAGE_STATUSES}

    def forget(self, before: datetime) -> int:
        """Delete messages that ended before; gives how many."""
        old = delete(AlertMessage).where(AlertMessage.ended_at < before)
        return self._connection.execute(old).rowcount

    def grades_before(self, scanner: str, session: date, slot: str) -> dict[str, str]:
        """Ticker to grade, in the list that the session before this slot's ended with."""
        end = end_before(scanner, session, slot).subquery()
        query = (
            select(Signal.ticker, Signal.grade)
            .join(end, tuple_(end.c.session, end.c.as_of) == tuple_(Signal.session, Signal.as_of))
            .where(Signal.scanner == scanner, Signal.status != "withdrawn")
        )
        return {ticker: grade for ticker, grade in self._connection.execute(query)}

    def failing_scans(self, since: date) -> list[dict[str, Any]]:
        """The last run of each scanner, of sessions from `since` on, where it failed."""
        last = (
            select(*(getattr(ScanRun, name) for name in (*_OF_A_SCAN, "status")))
            .ext(distinct_on(ScanRun.scanner))
            .where(ScanRun.session >= since)
            .order_by(ScanRun.scanner, ScanRun.id.desc())
            .subquery()
        )
        query = select(*(last.c[name] for name in _OF_A_SCAN)).where(last.c.status == "failed")
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def was_scanned(self, scanner: str, session: date, slot: str) -> bool:
        """Whether a scanner did its scan for this slot, or for a later one of the session."""
        done = exists().where(
            ScanRun.scanner == scanner,
            ScanRun.session == session,
            ScanRun.as_of >= slot,
            ScanRun.status != "failed",
        )
        return bool(self._connection.scalar(select(done)))

    def breakers(self) -> list[dict[str, Any]]:
        """Every provider's breaker: name, open_until, last_error."""
        query = select(Breaker.name, Breaker.open_until, Breaker.last_error).order_by(Breaker.name)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def _set(self, where: ColumnElement[bool], **values: Any) -> None:
        self._connection.execute(update(AlertMessage).where(where).values(**values))
