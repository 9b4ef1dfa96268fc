"""A Kiwoom source talking to the fake server, patient in proportion to its speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from memory_guards import memory_guards

from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.source import KiwoomSource

SESSION = date(2026, 11, 20)
AFTER_CLOSE = time(15, 31, 30)

# A second of waiting and failing, shortened as the server's seconds are.
QUICK = Limits(
    connect=2.0,
    read=1.0,
    attempt=2.0,
    total=10.0,
    queue=5.0,
    backoff=0.03,
    longest_backoff=0.2,
    cool_down=0.3,
)


@contextmanager
def client_of(
    fake: FakeKiwoom, guards: Guards | None = None, **limits: Any
) -> Iterator[KiwoomClient]:
    """A client at the pace the server bears."""
    access = Access(fake.url, APP_KEY, SECRET_KEY, fake.per_second, 1, fake.per_second * 5)
    with Client("kiwoom", guards or memory_guards(), replace(QUICK, **limits)) as http:
        yield KiwoomClient(http, access)


def source_of(
    client: KiwoomClient, at: time = AFTER_CLOSE, *, max_missing: float = 0.01
) -> KiwoomSource:
    """The source at a time of SESSION."""
    clock = FixedClock(datetime.combine(SESSION, at, SEOUL))
    return KiwoomSource(client, TradingCalendar(), clock, max_missing=max_missing)
