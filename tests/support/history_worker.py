"""A process that fetches stocks one by one and keeps them, slowly enough to be killed.

Arguments: database URL, server URL.
"""

from __future__ import annotations

import sys
from datetime import date, datetime

from fake_kiwoom import APP_KEY, SECRET_KEY

import logs
import settings
from db.database import Database
from db.parts import StoredParts
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from sources.kiwoom.source import KiwoomSource, open_kiwoom
from tasks.sources import guards_of

LAST = date(2026, 11, 20)


class Spoken(StoredParts):
    """Says how many stocks are kept."""

    number = 0

    def keep(self, source: str, ticker: str, first: date, last: date, content: bytes) -> None:
        super().keep(source, ticker, first, last, content)
        self.number += 1
        print(f"kept {self.number}", flush=True)  # noqa: T201


def main(database_url: str, server_url: str) -> None:
    logs.configure("error")
    database = Database(database_url)
    calendar = TradingCalendar()
    config = settings.Settings(
        kiwoom_app_key=APP_KEY,
        kiwoom_secret_key=SECRET_KEY,
        kiwoom_base_url=server_url,
        kiwoom_calls_per_second=20,
        kiwoom_total_per_second=100,
    )
    clock = FixedClock(datetime(2026, 11, 20, 20, 30, tzinfo=SEOUL))
    with open_kiwoom(config, guards_of(database)) as client:
        source = KiwoomSource(client, calendar, clock, Spoken(database), max_missing=0.01)
        first = calendar.sessions(date(2025, 9, 1), LAST)[-260]
        source.history(first, LAST)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
