"""What routes work with; made once an application and handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.answers import Answer, Answers
from api.dashboard import Dashboard
from api.guard import Doorkeeper
from api.keys import Keyring
from api.metrics import Metrics
from api.notifier import Notifier
from api.reading import Reading
from db.repositories import Repositories
from market.calendar import SessionHours, TradingCalendar
from market.clock import Clock
from settings import Settings

Slots: TypeAlias = Callable[[SessionHours], Iterable[tuple[datetime, str]]]
"""When in a session which flow is due; the API may not know the flows themselves."""


@dataclass(frozen=True)
class RoundTrip:
    """What buying and selling again costs; null: not known."""

    percent: float | None = None
    slippage_ticks: float | None = None


Costs: TypeAlias = Callable[[date], RoundTrip]
"""What a sale in that session costs with its purchase, as the settings say."""


@dataclass(frozen=True)
class Services:
    """Nothing of it is global."""

    settings: Settings
    clock: Clock
    calendar: TradingCalendar
    reading: Reading
    answers: Answers
    keyring: Keyring
    doorkeeper: Doorkeeper
    notifier: Notifier
    metrics: Metrics
    dashboard: Dashboard
    slots: Slots
    costs: Costs

    async def keep(self, request: HTTPConnection, work: Callable[[Repositories], Answer]) -> Whole:
        """What `work` reads, kept under the request's address until something changes."""
        scope = request.scope

        async def made() -> Answer:
            return replace(await self.reading(work), route=scope["route"].path)

        key = (scope["path"], scope["query_string"])
        return Whole(await self.answers.make(key, made))


class Whole(Response):
    """An answer already made of bytes; FastAPI needn't look at it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await self._answer.send(scope, send)


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that the request came to."""
    services: Services = connection.app.state.services
    return services


Room = Annotated[Services, Depends(services_of)]
