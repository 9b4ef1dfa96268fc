"""The unit of work: whole or nothing, and the connection always given back."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from db.database import Database
from db.engine import Pool, our_errors
from errors import DatabaseError, DatabaseUnavailable, SettingsError
from market.clock import SystemClock

ROOT = Path(__file__).parents[2]


class Interrupted(BaseException):
    """What a time limit raises, at any moment."""


def announce(database, topics=("scan",), then=None) -> None:
    with database.transaction() as tx:
        for topic in topics:
            tx.events.append(topic, "scan_update", {})
        tx.events.flush()
        if then is not None:
            raise then


def test_events_are_there_after_the_transaction_and_not_before(database):
    with database.transaction() as tx:
        tx.events.append("scan", "scan_update", {"n": 1})
        with database.reader() as other:
            assert other.events.after(0) == []
    with database.reader() as other:
        [event] = other.events.after(0)
    assert (event["topic"], event["kind"], event["payload"]) == ("scan", "scan_update", {"n": 1})


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Interrupted])
def test_any_error_rises_leaves_nothing_and_gives_the_connection_back(postgres_url, error):
    database = Database(postgres_url, pool=Pool(size=1, overflow=0, wait=2))
    with database.reader() as tx:
        before = tx.events.last_id()
    for _ in range(3):
        with pytest.raises(error):
            announce(database, then=error)
    assert database.checked_out == 0
    with database.reader() as tx:
        assert tx.events.after(before) == []
    database.close()


def test_a_write_that_the_database_refuses_is_our_error_and_stores_nothing(database):
    with pytest.raises(DatabaseError, match="violates not-null"):
        announce(database, topics=["scan", None])
    with database.reader() as tx:
        assert tx.events.after(0) == []
    assert database.checked_out == 0


def test_a_reader_cannot_write(database):
    with database.reader() as tx:
        tx.events.append("scan", "scan_update", {})
        with pytest.raises(DatabaseError, match="read-only"), our_errors():
            tx.events.flush()


def test_a_reader_sees_one_state_of_the_database(database):
    with database.reader() as reader:
        assert reader.events.last_id() == 0
        with database.transaction() as tx:
            tx.events.append("scan", "scan_update", {})
        assert reader.events.last_id() == 0


def test_every_transaction_has_its_time_limits(database):
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with database.connection() as connection:
        limits = [connection.scalar(text(f"SHOW {name}")) for name in names]
    assert limits == ["15min", "1min", "15min"]


def test_a_connection_the_server_closed_is_replaced(database, postgres_url):
    with database.reader() as tx:
        tx.events.last_id()
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'closebell'"
        )
    with database.reader() as tx:
        assert tx.events.last_id() == 0


def test_a_server_that_is_not_there_is_unavailable_and_retryable(tmp_path):
    database = Database(f"postgresql://closebell@/postgres?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable) as failed, database.reader():
        pass
    assert failed.value.retryable
    with pytest.raises(DatabaseUnavailable):
        database.read_market_data(date(2026, 1, 2), date(2026, 1, 2))


@pytest.mark.parametrize("url", ["mysql://secret@host/db", "not a url with secret"])
def test_a_url_of_no_postgresql_is_refused_without_showing_it(url):
    with pytest.raises(SettingsError, match="CLOSEBELL_DATABASE_URL") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_the_url_for_people_hides_the_password():
    database = Database("postgresql://user:hunter2@localhost/db")
    assert "hunter2" not in database.shown_url
    assert "hunter2" in database.url


WRITERS, EVENTS = 6, 150


def test_a_reader_by_last_id_misses_no_event_of_writers_in_any_order(database, postgres_url):
    done = threading.Event()
    seen: list[int] = []

    def write(number: int) -> None:
        own = Database(postgres_url)
        for n in range(EVENTS):
            with own.transaction() as tx:
                tx.events.append("scan", "scan_update", {"writer": number, "n": n})
                tx.runs.newest_session("vcp", "close")
        own.close()

    def read() -> None:
        own, last = Database(postgres_url), 0
        while True:
            finished = done.is_set()
            with own.reader() as tx:
                found = [event["id"] for event in tx.events.after(last)]
            seen.extend(found)
            last = max([last, *found])
            if finished and not found:
                break
        own.close()

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join(timeout=120)
    done.set()
    reader.join(timeout=60)
    assert len(seen) == WRITERS * EVENTS
    assert seen == sorted(set(seen))


KILLED = """
import os, signal, sys
import polars as pl
from datetime import date, timedelta
from db import bulk
from db.database import Database
from market.schemas import IndexBars
real = bulk.copy_in
def copy_and_die(connection, table, frame):
    real(connection, table, frame)
    raw = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy("COPY index_bars FROM STDIN (FORMAT csv)") as copy:
        copy.write("2026-01-05,KOSPI,,,,1.5,,\\n" * 1)
        os.kill(os.getpid(), signal.SIGKILL)
bulk.copy_in = copy_and_die
frame = IndexBars.cast(pl.DataFrame({
    "session": [date(2026, 1, 2)], "index": ["KOSPI"], "open": [None], "high": [None],
    "low": [None], "close": [2.5], "volume": [None], "value": [None]}))
with Database(sys.argv[1]).transaction() as tx:
    tx.events.append("scan", "scan_update", {})
    tx.events.flush()
    tx.index_bars.store(frame)
"""


def test_a_writer_killed_in_the_middle_of_a_copy_leaves_the_database_as_it_was(
    database, postgres_url
):
    done = subprocess.run([sys.executable, "-c", KILLED, postgres_url], cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with database.reader() as tx:
        assert tx.events.after(0) == []
    assert database.freshness().index_bars is None
    with database.transaction() as tx:
        tx.events.append("scan", "scan_update", {})
    with database.reader() as tx:
        assert len(tx.events.after(0)) == 1


def test_what_no_client_is_told_of_is_forgotten_early_and_nothing_else(database):
    with database.transaction() as tx:
        tx.events.append("scan", "scan_update", {})
    for _ in range(3):
        with database.transaction() as tx:
            tx.events.changed("prices")
    with database.transaction() as tx:
        kept = [(e["id"], e["topic"]) for e in tx.events.after(0)]
        assert [topic for _, topic in kept] == ["scan", "data", "data", "data"]
        assert tx.events.forget_silent(SystemClock().now() + timedelta(days=1)) == 2
    with database.reader() as tx:
        assert [(e["id"], e["topic"]) for e in tx.events.after(0)] == [kept[0], kept[3]]
        assert (tx.events.last_id(), tx.events.pruned_to()) == (kept[3][0], 0)
