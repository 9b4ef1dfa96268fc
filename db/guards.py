"""Call rates, circuit breakers and access tokens that hold for every process and machine.

Each change is one UPDATE … RETURNING in a transaction of its own, by the database's clock: under
the row's lock PostgreSQL looks at the row again, so that of any number of callers each gets its
own place, one the probe, one the right to issue a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Executable,
    Row,
    and_,
    case,
    cast,
    extract,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from db.database import Database
from db.engine import our_errors
from db.models.base import table_of
from db.models.guards import AccessToken, Breaker, CallRate
from db.repositories.events import Events

NOW = func.clock_timestamp()
AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class RateCounts:
    """What was counted of a provider, or of one kind of its calls. `waited` in seconds."""

    name: str
    calls: int
    retries: int
    waited: float
    last_call: datetime | None


@dataclass(frozen=True)
class BreakerState:
    """`open_until` is None while the provider is asked as usual."""

    name: str
    failures: int
    open_until: datetime | None
    last_success: datetime | None
    last_failure: datetime | None
    last_error: str | None


class StoredGuards:
    """What sources/http asks before each call: its limiter, breaker and token store in one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # The rate limiter: next_at is when the next call may start at an even pace; up to burst - 1
    # calls may run ahead of it.

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
        """Seconds to wait for the next free place from `not_before` on; None if over `longest`."""
        step = 1 / per_second
        ahead = _seconds(CallRate.next_at - NOW) - (burst - 1) * step
        wait = func.greatest(ahead, not_before, 0.0)
        statement = (
            update(CallRate)
            .where(CallRate.name == name, wait <= longest)
            .values(
                next_at=func.greatest(CallRate.next_at, NOW + _interval(not_before))
                + _interval(step),
                calls=CallRate.calls + 1,
                retries=CallRate.retries + int(retry),
                waited=CallRate.waited + wait,
                last_call=NOW + _interval(wait),
            )
            .returning(_seconds(CallRate.last_call - NOW))
        )
        row = self._change(statement, CallRate, name=name)
        return None if row is None else max(0.0, float(row[0]))

    def hold(self, name: str, seconds: float, *, per_second: float, burst: int) -> None:
        """No place before `seconds` from now, and no burst then."""
        until = NOW + _interval(seconds + (burst - 1) / per_second)
        statement = (
            update(CallRate)
            .where(CallRate.name == name)
            .values(next_at=func.greatest(CallRate.next_at, until))
            .returning(CallRate.name)
        )
        self._change(statement, CallRate, name=name)

    # The circuit breaker.

    def refuses(self, name: str) -> float:
        """The seconds for which calls are refused; 0 if the next may be made."""
        until = func.greatest(Breaker.open_until, Breaker.probe_until)
        left = _seconds(until - NOW)
        query = select(left).where(Breaker.name == name, Breaker.open_until.is_not(None))
        rows = self._read(query)
        return max(0.0, float(rows[0][0])) if rows else 0.0

    def enter(self, name: str, *, probe_for: float) -> tuple[int, float]:
        """A permit and 0, or 0 and the seconds for which calls are refused."""
        closed = Breaker.open_until.is_(None)
        may_probe = and_(Breaker.open_until <= NOW, _over(Breaker.probe_until))
        statement = (
            update(Breaker)
            .where(Breaker.name == name, or_(closed, may_probe))
            .values(
                permit=Breaker.permit + case((closed, 0), else_=1),
                probe_until=case((closed, None), else_=NOW + _interval(probe_for)),
            )
            .returning(Breaker.permit)
        )
        row = self._change(statement, Breaker, name=name)
        if row is not None:
            return int(row[0]), 0.0
        return 0, max(0.1, self.refuses(name))

    def succeeded(self, name: str, permit: int) -> None:
        """Close, unless the permit is from before the breaker moved."""
        was = (
            select(Breaker.name, Breaker.open_until)
            .where(Breaker.name == name)
            .with_for_update()
            .subquery()
        )
        statement = (
            update(Breaker)
            .where(Breaker.name == was.c.name, Breaker.permit == permit)
            .values(failures=0, open_until=None, probe_until=None, last_success=NOW)
            .returning(was.c.open_until.is_not(None))
        )
        self._change(statement, tell=lambda row: bool(row[0]))

    def failed(
        self, name: str, permit: int, *, threshold: int, cool_down: float, reason: str
    ) -> None:
        """Count a failure; open at `threshold` in a row, or if it was the probe."""
        opens = or_(Breaker.open_until.is_not(None), Breaker.failures + 1 >= threshold)
        statement = (
            update(Breaker)
            .where(Breaker.name == name, Breaker.permit == permit)
            .values(
                failures=Breaker.failures + 1,
                open_until=case((opens, NOW + _interval(cool_down)), else_=None),
                probe_until=None,
                permit=Breaker.permit + case((opens, 1), else_=0),
                last_failure=NOW,
                last_error=reason,
            )
            .returning(Breaker.failures == threshold)
        )
        self._change(statement, tell=lambda row: bool(row[0]))

    # Access tokens.

    def read(self, key: str, *, ahead: float) -> tuple[str, int] | None:
        """The token and its number, if it lives for more than `ahead` seconds."""
        query = select(AccessToken.token, AccessToken.number).where(
            AccessToken.key == key, _lives(ahead)
        )
        rows = self._read(query)
        return (str(rows[0][0]), int(rows[0][1])) if rows else None

    def claim(self, key: str, *, ahead: float, rejected: int | None, lease: float) -> int | None:
        """The right to issue a token for `lease` seconds, or None."""
        refused = AccessToken.number == rejected if rejected is not None else false()
        statement = (
            update(AccessToken)
            .where(
                AccessToken.key == key,
                _over(AccessToken.claimed_until),
                or_(_lives(ahead).is_not(True), refused),
            )
            .values(claim=AccessToken.claim + 1, claimed_until=NOW + _interval(lease))
            .returning(AccessToken.claim)
        )
        row = self._change(statement, AccessToken, key=key)
        return None if row is None else int(row[0])

    def store(self, key: str, claim: int, token: str, expires_at: datetime) -> bool:
        """Keep a token issued under `claim`; False if that right had been lost meanwhile."""
        statement = (
            update(AccessToken)
            .where(AccessToken.key == key, AccessToken.claim == claim)
            .values(
                token=token,
                expires_at=expires_at,
                issued_at=NOW,
                number=AccessToken.number + 1,
                claimed_until=None,
            )
            .returning(AccessToken.number)
        )
        return self._change(statement) is not None

    def give_up(self, key: str, claim: int) -> None:
        """Hand back the right to issue, unused."""
        statement = (
            update(AccessToken)
            .where(AccessToken.key == key, AccessToken.claim == claim)
            .values(claimed_until=None)
            .returning(AccessToken.claim)
        )
        self._change(statement)

    # What people are shown.

    def rates(self) -> list[RateCounts]:
        """What was counted, by name."""
        columns = table_of(CallRate).c
        query = select(
            columns.name, columns.calls, columns.retries, columns.waited, columns.last_call
        ).order_by(columns.name)
        return [RateCounts(**row._mapping) for row in self._read(query)]

    def breakers(self) -> list[BreakerState]:
        """Every provider's breaker, by name."""
        columns = table_of(Breaker).c
        query = select(
            columns.name,
            columns.failures,
            columns.open_until,
            columns.last_success,
            columns.last_failure,
            columns.last_error,
        ).order_by(columns.name)
        return [BreakerState(**row._mapping) for row in self._read(query)]

    def _change(
        self,
        statement: Executable,
        model: type[Any] | None = None,
        *,
        tell: Callable[[AnyRow], bool] = lambda _: False,
        **key: str,
    ) -> AnyRow | None:
        """Run an UPDATE; if none of its `model` answered, see that the row is there, run again.

        Args:
            tell: whether listeners are told of a changed row: breakers that open and close.
        """
        with our_errors(), self._database.connection() as connection:
            row = connection.execute(statement).first()
            if row is None and model is not None:
                connection.execute(insert(model).values(**key).on_conflict_do_nothing())
                row = connection.execute(statement).first()
            if row is not None and tell(row):
                events = Events(connection)
                events.changed("sources")
                events.flush()
            connection.commit()
            return row

    def _read(self, query: Executable) -> Sequence[AnyRow]:
        with our_errors(), self._database.connection() as connection:
            return connection.execute(query).all()


def _seconds(span: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(extract("epoch", span), Double)


def _interval(seconds: float | ColumnElement[float]) -> ColumnElement[Any]:
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _over(until: Any) -> ColumnElement[bool]:
    return or_(until.is_(None), until <= NOW)


def _lives(ahead: float) -> ColumnElement[bool]:
    """For more than `ahead` seconds, or half of what it had when issued if that is less."""
    half = _seconds(AccessToken.expires_at - AccessToken.issued_at) / 2
    enough = _interval(func.least(float(ahead), half))
    return and_(AccessToken.token.is_not(None), AccessToken.expires_at > NOW + enough)
