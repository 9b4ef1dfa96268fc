"""Import with validation against a bare COPY of the same rows into the same empty keyed table."""

from __future__ import annotations

from datetime import date
from statistics import median

import polars as pl
from sqlalchemy import text
from support.storage import SESSIONS_A_YEAR, bars, fresh_database, machine, seconds, weekdays

from db.bulk import copy_in
from db.database import Database
from market.schemas import DailyBars

ROUNDS = 3
COLLECTION = {"source", "collected_at"}


def empty(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(text("TRUNCATE daily_bars, collections"))
        connection.commit()


def bare_copy(database: Database, rows: pl.DataFrame) -> None:
    with database.connection() as connection:
        copy_in(connection, "daily_bars", rows)
        connection.commit()


def validated(database: Database, frame: pl.DataFrame) -> None:
    good, _ = DailyBars.filter(frame)
    with database.transaction() as tx:
        tx.bars.store(good)


def main() -> None:
    frame = bars(weekdays(date(2025, 12, 30), SESSIONS_A_YEAR * 3 // 2))
    rows = frame.drop(COLLECTION).with_columns(collection_id=pl.lit(1))
    copied, stored, again = [], [], []
    with fresh_database() as database:
        for _ in range(ROUNDS):
            empty(database)
            copied.append(seconds(lambda: bare_copy(database, rows)))
            empty(database)
            stored.append(seconds(lambda: validated(database, frame)))
            again.append(seconds(lambda: validated(database, frame)))
    print(f"{frame.height:,} rows; {machine()}; median of {ROUNDS}")
    for name, took in (("bare COPY", copied), ("import", stored), ("the same again", again)):
        print(f"  {name:<15}{median(took):6.2f} s  {frame.height / median(took):>12,.0f} rows/s")
    print(f"  import reaches {median(copied) / median(stored):.0%} of bare COPY (at least 50 %)")


if __name__ == "__main__":
    main()
