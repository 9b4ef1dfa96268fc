"""A server that takes connections and answers nothing any more."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from db import engine
from db.database import Database
from db.engine import TCP, Limits
from errors import DatabaseUnavailable


@contextmanager
def standing_still(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("unit", ["reader", "transaction"])
def test_a_statement_ends_by_the_client_when_the_server_stands_still(
    database: Database, monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.5)
    monkeypatch.setattr("db.database.WRITER", Limits(statement=1, lock=1, idle=60))
    impatient = Database(database.url, reading=Limits(statement=1, lock=1, idle=60))

    def read() -> None:
        with getattr(impatient, unit)() as tx:
            backend = tx.events._connection.scalar(text("SELECT pg_backend_pid()"))
            with standing_still(backend):
                tx.events.last_id()

    with pytest.raises(DatabaseUnavailable, match=r"no answer in 1\.5 s"):
        read()
    monkeypatch.setattr(engine, "GRACE", 60.0)
    with impatient.reader() as tx:  # over another connection
        assert tx.events.last_id() == 0
    assert impatient.checked_out == 0
    impatient.close()


def test_a_long_statement_of_a_server_that_works_is_left_to_the_server_s_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GRACE", 5.0)
    patient = Database(database.url, reading=Limits(statement=1, lock=1, idle=60))
    with pytest.raises(Exception, match="statement timeout"), patient.reader() as tx:
        tx.events._connection.execute(text("SELECT pg_sleep(30)"))
    patient.close()


def test_connections_over_a_network_are_kept_alive_and_given_up(database: Database) -> None:
    parted = "&" if "?" in database.url else "?"
    made = Database(f"{database.url}{parted}keepalives_idle=7")
    with made.connection() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        told = driver.info.get_parameters()
    made.close()
    assert {name: int(told[name]) for name in TCP} == {**TCP, "keepalives_idle": 7}
