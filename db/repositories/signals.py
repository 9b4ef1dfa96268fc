"""Signals: published whole per scanner, session and slot; never deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    any_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from db.bulk import insert_missing, lock, staged, update_differing
from db.models import Outcome, ScanRun, Signal
from db.models.base import table_of
from db.repositories.events import Events
from db.repositories.lists_before import ENDS, list_before, lists_before
from db.repositories.signal_frames import read_columns, to_frame, to_rows

_KEY = ["scanner", "session", "as_of", "ticker"]
_ATTRIBUTES = ["status", "change", "rules_hash", "run_id"]
_PENDING = ("open", "watch")


@dataclass(frozen=True)
class Changes:
    """What publishing did to the signals of the sessions it was given."""

    new: int
    changed: int
    withdrawn: int
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.withdrawn)


class Signals:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def replace(
        self,
        scanner: str,
        slot: str,
        runs: Mapping[date, int],
        frame: pl.DataFrame,
        *,
        rules_hash: str,
        preliminary: bool = False,
        status: Literal["open", "watch"] = "open",
    ) -> Changes:
        """Make the frame's rows the signals of the sessions in `runs`, many or one.

        A signal that is the same writes nothing; one no longer found is withdrawn; one found
        again is `status` again, or what became of it meanwhile. What later steps recorded on a
        signal stays.

        Args:
            runs: session to run id, each added before as completed; sessions without a row in the
                frame have no signals.
            frame: the signals frame of a scan; rows of other sessions are left aside.
        """
        lock(self._connection, f"signals:{scanner}:{slot}")
        rows = to_rows(scanner, slot, runs, frame, rules_hash, preliminary, status)
        with staged(self._connection, table_of(Signal), rows) as new:
            changed = self._update(new, status)
            withdrawn = self._withdraw(scanner, slot, runs, new)
            added = self._connection.execute(insert_missing(table_of(Signal), new, _KEY)).rowcount
        self._compare_with_previous(scanner, slot, runs)
        done = Changes(added, changed, withdrawn, rows.height - added - changed)
        if done:
            self._events.changed("signals")
        return done

    def find(
        self,
        *,
        scanners: Collection[str] | None = None,
        session: date | None = None,
        slot: str | None = None,
        ticker: str | None = None,
        withdrawn: bool = False,
    ) -> pl.DataFrame:
        """Signals, best first; by default of each scanner's newest slot of its latest session.

        With `ticker`: that stock's, of all sessions, newest first. Columns: those of the table,
        and `name` and `market` as they were in the session; parts, reasons and flags are JSON text.
        """
        query = select(*read_columns())
        if scanners is not None:
            query = query.where(Signal.scanner.in_(scanners))
        if not withdrawn:
            query = query.where(Signal.status != "withdrawn")
        if ticker is not None:
            query = query.where(Signal.ticker == ticker)
        if ticker is None or session is not None:
            query = query.where(
                tuple_(Signal.scanner, Signal.session, Signal.as_of).in_(
                    newest_slots(session, slot)
                )
            )
        best: list[ColumnElement[Any]] = [
            (Signal.score / Signal.out_of).desc(),
            Signal.out_of.desc(),
            Signal.value20.desc().nulls_last(),
        ]
        order = best if ticker is None else [Signal.session.desc(), Signal.as_of.desc(), *best]
        return to_frame(self._connection.execute(query.order_by(*order, Signal.ticker)))

    def followed(self, since: date) -> list[str]:
        """Tickers of signals not over yet, of `since` or later: held ones first, then the newest.

        Of every list, not of each scanner's last alone: what was bought days ago, or stands only
        in the closing bet of yesterday, is among them.
        """
        query = (
            select(Signal.ticker)
            .where(Signal.status.in_((*_PENDING, "filled")), Signal.session >= since)
            .group_by(Signal.ticker)
            .order_by(
                func.bool_or(Signal.status == "filled").desc(),
                func.max(Signal.session).desc(),
                func.max(Signal.score / Signal.out_of).desc(),
                Signal.ticker,
            )
        )
        return list(self._connection.execute(query).scalars())

    def _update(self, new: Table, status: str) -> int:
        table = table_of(Signal)
        found_again = table.c.status == "withdrawn"
        statement = update_differing(
            table,
            new,
            _KEY,
            _ATTRIBUTES,
            also=found_again,
            overrides={
                "status": case(
                    (found_again, func.coalesce(_followed(table), status)), else_=table.c.status
                ),
                "change": table.c.change,
            },
        )
        return self._connection.execute(statement).rowcount

    def _withdraw(self, scanner: str, slot: str, runs: Mapping[date, int], new: Table) -> int:
        """By the run that no longer found it: that changed the list too."""
        still_found = exists().where(new.c.session == Signal.session, new.c.ticker == Signal.ticker)
        ids = literal(list(runs.values()), ARRAY(BigInteger))
        by = func.unnest(_dates(runs), ids).table_valued("session", "run_id").render_derived()
        statement = (
            update(Signal)
            .values(
                status="withdrawn",
                run_id=by.c.run_id,
                updated_at=func.now(),
            )
            .where(
                Signal.scanner == scanner,
                Signal.as_of == slot,
                Signal.session == by.c.session,
                Signal.status.in_(_PENDING),
                ~still_found,
            )
        )
        return self._connection.execute(statement).rowcount

    def _compare_with_previous(self, scanner: str, slot: str, runs: Mapping[date, int]) -> None:
        """Say what each signal is against the same stock's of the list before.

        What follows the given sessions is compared anew too, since what it follows has changed.
        """
        if slot in ENDS:
            for each in ENDS:
                self._compare_ends(scanner, each, _dates(runs))
            return
        for session in runs:
            self._compare_within(scanner, session, slot)

    def _compare_ends(self, scanner: str, slot: str, sessions: ColumnElement[list[date]]) -> None:
        steps = lists_before(scanner, slot).subquery()
        now, then = aliased(Signal), aliased(Signal)
        compared = (
            select(now.id, _verdict(now, then))
            .join(steps, steps.c.session == now.session)
            .outerjoin(then, _same(now, then, steps.c.before, steps.c.before_slot))
            .where(now.scanner == scanner, now.as_of == slot)
            .where(or_(now.session == any_(sessions), steps.c.before == any_(sessions)))
            .subquery()
        )
        self._set_change(compared)

    def _compare_within(self, scanner: str, session: date, slot: str) -> None:
        before = self._connection.execute(list_before(scanner, session, slot)).first()
        now, then = aliased(Signal), aliased(Signal)
        day, as_of = (before.session, before.as_of) if before else (None, None)
        compared = (
            select(now.id, _verdict(now, then))
            .outerjoin(then, _same(now, then, literal(day, Date), literal(as_of, Text)))
            .where(now.scanner == scanner, now.session == session, now.as_of == slot)
            .subquery()
        )
        self._set_change(compared)

    def _set_change(self, compared: Subquery) -> None:
        self._connection.execute(
            update(Signal)
            .values(change=compared.c.verdict)
            .where(Signal.id == compared.c.id, Signal.change != compared.c.verdict)
            .execution_options(synchronize_session=False)
        )


def _same(
    now: type[Signal],
    then: type[Signal],
    session: ColumnElement[Any],
    slot: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Whether `then` is the same stock's signal of that session and slot."""
    return and_(
        then.scanner == now.scanner,
        then.session == session,
        then.as_of == slot,
        then.ticker == now.ticker,
        then.status != "withdrawn",
    )


def _verdict(now: type[Signal], then: type[Signal]) -> ColumnElement[str]:
    """What a signal is, as `verdict`, against another of the same stock, which may be missing."""
    better = func.strpos("SABC", now.grade) < func.strpos("SABC", then.grade)
    return case(
        (then.id.is_(None), "new"),
        (then.grade == now.grade, "carried"),
        (better, "upgraded"),
        else_="downgraded",
    ).label("verdict")


def _followed(table: Table) -> ColumnElement[Any]:
    """Where the trade of a signal stands that was followed, withdrawn or not."""
    found = select(Outcome.status).where(Outcome.signal_id == table.c.id)
    return found.scalar_subquery()


def _dates(runs: Mapping[date, int]) -> ColumnElement[list[date]]:
    return literal(list(runs), ARRAY(Date))


def newest_slots(session: date | None, slot: str | None) -> Select[str, date, str]:
    """Each scanner's newest completed slot, within a session or slot if given."""
    query = (
        select(ScanRun.scanner, ScanRun.session, ScanRun.as_of)
        .where(ScanRun.status == "completed")
        .ext(distinct_on(ScanRun.scanner))
        .order_by(ScanRun.scanner, ScanRun.session.desc(), ScanRun.as_of.desc())
    )
    if session is not None:
        query = query.where(ScanRun.session == session)
    if slot is not None:
        query = query.where(ScanRun.as_of == slot)
    return query
