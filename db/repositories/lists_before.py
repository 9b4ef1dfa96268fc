"""Which list of signals another is compared with: what `change` and `gone` call the one before."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import Select, and_, func, select, tuple_

from db.models import ScanRun

ENDS: Final = ("close", "final")  # the slots of a whole session


def list_before(scanner: str, session: date, slot: str) -> Select[date, str]:
    """Session and slot of the list before this one; no row for the first.

    Of close and final: the same slot of the session before, or the other where it has only that
    (a back-fill knows only closes). Within a session: the scan before, whatever its slot.
    """
    before = (
        and_(ScanRun.session < session, ScanRun.as_of.in_(ENDS))
        if slot in ENDS
        else tuple_(ScanRun.session, ScanRun.as_of) < (session, slot)
    )
    nearest = ScanRun.as_of if slot == "close" else ScanRun.as_of.desc()
    return (
        select(ScanRun.session, ScanRun.as_of)
        .where(ScanRun.scanner == scanner, ScanRun.status == "completed", before)
        .order_by(ScanRun.session.desc(), nearest)
        .limit(1)
    )


def end_before(scanner: str, session: date, slot: str) -> Select[date, str]:
    """Session and slot of the list that the session before ended with; no row for the first."""
    return list_before(scanner, session, slot if slot in ENDS else "final")


def lists_before(scanner: str, slot: str) -> Select[date, date | None, str | None]:
    """`list_before` of close or final for every session at once: session, before, before_slot."""
    best = func.min(ScanRun.as_of) if slot == "close" else func.max(ScanRun.as_of)
    lists = (
        select(ScanRun.session, best.label("as_of"))
        .where(ScanRun.scanner == scanner, ScanRun.status == "completed", ScanRun.as_of.in_(ENDS))
        .group_by(ScanRun.session)
        .subquery()
    )
    return select(
        lists.c.session,
        func.lag(lists.c.session).over(order_by=lists.c.session).label("before"),
        func.lag(lists.c.as_of).over(order_by=lists.c.session).label("before_slot"),
    )
