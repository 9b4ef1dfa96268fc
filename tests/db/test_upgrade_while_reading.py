"""Tables are brought up to date while others read them."""

from __future__ import annotations

import threading

import psycopg
from psycopg import sql

from db.database import Database
from db.migrations import HEAD

FROM = "0003"
COUNT = sql.SQL("SELECT count(*) FROM {}")


def test_reads_go_on_while_the_tables_are_brought_up_to_date(postgres_url):
    database = Database(postgres_url)
    upgraded, started = threading.Event(), threading.Barrier(3)
    failures: list[str] = []
    reads = [0, 0]

    def read(number):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '2s'")  # as the API's reads have it
            connection.execute("SET statement_timeout = '10s'")
            started.wait(30)
            while not reads[number] or not upgraded.is_set():
                for table in ("daily_bars", "signals", "scan_runs", "events", "market_gates"):
                    try:
                        connection.execute(COUNT.format(sql.Identifier(table)))
                    except psycopg.Error as error:
                        failures.append(f"{table}: {error}")
                reads[number] += 1

    readers = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    try:
        assert database.upgrade("base").current is None
        assert database.upgrade(FROM).current == FROM
        for reader in readers:
            reader.start()
        started.wait(30)
        assert database.upgrade().current == HEAD
    finally:
        upgraded.set()
        for reader in readers:
            reader.join(30)
        database.upgrade()
        database.close()
    assert failures == []
    assert all(count > 0 for count in reads)
