"""A Kiwoom source talking to the fake server, patient in proportion to its speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from memory_guards import memory_guards

from market.calendar import TradingCalendar
from market.clock import SEOUL, Clock, FixedClock
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.source import KiwoomSource
from sources.parts import PartStore

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


@dataclass
class MemoryParts:
    """Where fetched parts are kept in tests; the real one is in db/."""

    found: dict[tuple[str, str, date, date], bytes] = field(default_factory=dict)

    def kept(self, source: str, first: date, last: date, since: datetime) -> Mapping[str, bytes]:
        del since
        return {
            ticker: content
            for (name, ticker, start, end), content in self.found.items()
            if name == source and start <= first and end >= last
        }

    def keep(self, source: str, ticker: str, first: date, last: date, content: bytes) -> None:
        self.found[source, ticker, first, last] = content


def source_of(
    client: KiwoomClient,
    at: time = AFTER_CLOSE,
    *,
    max_missing: float = 0.01,
    parts: PartStore | None = None,
    clock: Clock | None = None,
    **more: Any,
) -> KiwoomSource:
    """The source at a time of SESSION."""
    clock = clock or FixedClock(datetime.combine(SESSION, at, SEOUL))
    kept = parts or MemoryParts()
    return KiwoomSource(client, TradingCalendar(), clock, kept, max_missing=max_missing, **more)
