"""Reading tonight's panel: 280 sessions of all stocks, out of few years stored and out of many.

As a scan reads them, kept packed by session, and as they are stored. The rival is a bare COPY of
the same rows to nowhere, which is what PostgreSQL itself needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from sqlalchemy import text
from support.storage import (
    SESSIONS_A_YEAR,
    as_bars,
    bars,
    fresh_database,
    machine,
    seconds,
    weekdays,
)

from db.database import Database

PANEL = 280
NEWEST = date(2025, 12, 30)
ROUNDS = 7


def store_years(database: Database, until: date, years: int) -> date:
    """Fill that many years backwards; gives the last day before them."""
    for year in range(years):
        sessions = weekdays(until, SESSIONS_A_YEAR)
        with database.transaction() as tx:
            tx.bars.store(as_bars(bars(sessions, seed=year)))
        until = sessions[0] - timedelta(days=1)
    with database.connection() as connection:
        connection.execute(text("ANALYZE daily_bars"))
        connection.commit()
    return until


def server_alone(database: Database, first: date) -> None:
    """COPY to nowhere; only a superuser may, which the embedded role is."""
    query = f"SELECT * FROM daily_bars WHERE session BETWEEN '{first}' AND '{NEWEST}'"  # noqa: S608
    with database.connection() as connection:
        connection.execute(text(f"COPY ({query}) TO '/dev/null' (FORMAT binary)"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--years", type=int, default=8, help="years stored at the end")
    years = arguments.parse_args().years
    sessions = weekdays(NEWEST, PANEL)
    first = sessions[0]
    print(f"{machine()}; best of {ROUNDS}")
    with fresh_database() as database:
        until, stored = store_years(database, NEWEST, 2), 2
        for more in (0, years - 2):
            until, stored = store_years(database, until, more), stored + more
            rows = database.read_market_data(first, NEWEST).bars.height
            works = (
                lambda: database.read_market_data(first, NEWEST, details_from=NEWEST),
                lambda: server_alone(database, first),
            )
            empty(database)
            stored_rows, alone = best_of(works)
            packing = seconds(lambda: pack(database, first))
            packed, again = best_of(works)
            print(
                f"  {stored:>2} years stored, {rows:,} rows read: packed {packed:.3f} s, as stored"
                f" {stored_rows:.3f} s; packing them once {packing:.3f} s; COPY to nowhere"
                f" {min(alone, again):.3f} s"
            )


def best_of(works: Sequence[Callable[[], object]]) -> list[float]:
    rounds = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def empty(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("UPDATE packed_bars SET ticker = NULL"))
        connection.commit()


def pack(database: Database, first: date) -> None:
    with database.transaction() as tx:
        tx.bars.pack(first, NEWEST)


if __name__ == "__main__":
    main()
