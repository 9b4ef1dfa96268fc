"""Sources: how each is doing, and the parts that were fetched of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import Breaker, CallRate, FetchedPart, SourceState
from db.models.base import table_of

NOW = func.clock_timestamp()


@dataclass(frozen=True)
class SourceReport:
    """What is known of a source: its configuration, its last uses, its calls.

    `missing` is what it needs to be configured (None: it is). `waited` is seconds of waiting for
    places in the call rate; `breaker` is closed, open, or half-open while a probe is out.
    """

    name: str
    missing: str | None
    degraded: bool
    last_success: datetime | None
    last_failure: datetime | None
    last_error: str | None
    covers_from: date | None
    covers_to: date | None
    calls: int
    retries: int
    waited: float
    breaker: str
    open_until: datetime | None

    @property
    def configured(self) -> bool:
        """Whether it could be asked."""
        return self.missing is None

    @property
    def state(self) -> str:
        """In a word: ok, degraded, not configured, or not asked yet."""
        if not self.configured:
            return "not configured"
        if self.degraded or self.breaker != "closed":
            return "degraded"
        return "ok" if self.last_success else "not asked yet"


class Sources:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def configured(self, name: str, missing: str | None) -> None:
        """Note whether a source can be asked; `missing` is what it lacks."""
        if missing is None:
            self._note(name, missing=None)
        else:
            self._note(name, missing=missing, degraded=False)

    def succeeded(self, name: str, **covered: date) -> None:
        """Note that it gave what was asked for.

        Args:
            covered: `covers_from` and `covers_to`, the days of which nothing was missed.
        """
        self._note(name, missing=None, degraded=False, last_success=NOW, **covered)

    def failed(self, name: str, error: str, *, needed: bool = True) -> None:
        """Note that it didn't, with its words; degraded if runs need it."""
        self._note(name, degraded=needed, last_failure=NOW, last_error=error)

    def reports(self) -> list[SourceReport]:
        """Every source that was ever configured, asked or looked for, by name."""
        states = table_of(SourceState).c
        found = {
            row.name: row
            for row in self._connection.execute(
                select(
                    states.name,
                    states.missing,
                    states.degraded,
                    states.last_success,
                    states.last_failure,
                    states.last_error,
                    states.covers_from,
                    states.covers_to,
                )
            )
        }
        counts = self._counts()
        breakers = self._breakers()
        return [
            SourceReport(
                **row._mapping,
                calls=counts.get(name, (0, 0, 0.0))[0],
                retries=counts.get(name, (0, 0, 0.0))[1],
                waited=counts.get(name, (0, 0, 0.0))[2],
                breaker=breakers.get(name, ("closed", None))[0],
                open_until=breakers.get(name, ("closed", None))[1],
            )
            for name, row in sorted(found.items())
        ]

    def get(self, name: str) -> SourceReport | None:
        """One of them."""
        return next((one for one in self.reports() if one.name == name), None)

    def forget_parts(self, first: date, last: date) -> None:
        """Let go of what was fetched stock by stock of these sessions: it is stored now."""
        within = (FetchedPart.first >= first, FetchedPart.last <= last)
        self._connection.execute(delete(FetchedPart).where(*within))

    def _note(self, name: str, **values: Any) -> None:
        changed = {**values, "updated_at": func.now()}
        statement = insert(SourceState).values(name=name, **values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_=changed)
        )

    def _counts(self) -> dict[str, tuple[int, int, float]]:
        """Calls, retries, seconds waited. The wait for a kind of calls holds that of all."""
        provider = func.split_part(CallRate.name, " ", 1)
        whole = CallRate.name == provider
        query = select(
            provider,
            func.coalesce(func.sum(CallRate.calls).filter(whole), 0),
            func.coalesce(func.sum(CallRate.retries).filter(whole), 0),
            func.greatest(
                func.coalesce(func.sum(CallRate.waited).filter(whole), 0.0),
                func.coalesce(func.sum(CallRate.waited).filter(~whole), 0.0),
            ),
        ).group_by(provider)
        return {
            name: (int(calls), int(retries), float(waited))
            for name, calls, retries, waited in self._connection.execute(query)
        }

    def _breakers(self) -> dict[str, tuple[str, datetime | None]]:
        now = func.clock_timestamp()
        query = select(
            Breaker.name,
            Breaker.open_until,
            Breaker.open_until.is_not(None),
            Breaker.open_until <= now,
        )
        return {
            name: ("half-open" if over else "open" if is_open else "closed", until)
            for name, until, is_open, over in self._connection.execute(query)
        }
