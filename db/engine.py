"""Connections: how many, how long they may take, and what their errors mean."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy
from psycopg.abc import PQGen
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from errors import ClosebellError, DatabaseError, DatabaseUnavailable, SchemaOutdated, SettingsError

RV = TypeVar("RV")
_GONE = ("08", "57P0", "53300")  # connection exceptions, shutdown, too many connections
_NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")


GRACE = 5.0
"""Seconds beyond a server's own limit, before it is given up."""
TCP: Final[Mapping[str, Any]] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
"""libpq's: a machine that vanished without a word is noticed in a minute."""


class Patient(psycopg.Connection[Any]):
    """A connection that waits for an answer of the server only so long, and is closed then."""

    patience = 30.0
    """Seconds."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """What the server answers.

        Raises:
            OperationalError: nothing, in time.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        return super().wait(self._in_time(gen), interval)

    def _in_time(self, gen: PQGen[RV]) -> PQGen[RV]:
        deadline = time.monotonic() + self.patience
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer in {self.patience:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            answer: RV = end.value
            return answer


@dataclass(frozen=True)
class Limits:
    """Seconds a role's transaction may take: one statement, a lock, doing nothing."""

    statement: int
    lock: int
    idle: int

    def apply(self, connection: Connection) -> None:
        """Hold for this transaction only, so that they also hold behind a pooler.

        A server that doesn't keep them, since it stands still, is given up a little later.
        """
        driver = connection.connection.driver_connection
        if isinstance(driver, Patient):
            driver.patience = self.statement + GRACE
        connection.execute(
            text(
                "SELECT set_config('statement_timeout', :statement, true),"
                " set_config('lock_timeout', :lock, true),"
                " set_config('idle_in_transaction_session_timeout', :idle, true),"
                " set_config('client_connection_check_interval', '2s', true)"
            ),
            {"statement": f"{self.statement}s", "lock": f"{self.lock}s", "idle": f"{self.idle}s"},
        )


WRITER = Limits(statement=900, lock=60, idle=900)
"""Bulk writes of years, and frames validated between two of them."""
READER = Limits(statement=60, lock=10, idle=60)
BULK = Limits(statement=120, lock=10, idle=120)
"""Bulk reads of years."""


SERVER = Limits(statement=10, lock=2, idle=10)
"""Somebody waits for the answer."""


@dataclass(frozen=True)
class Pool:
    """How many connections are kept, how many more at most, and seconds to wait for one."""

    size: int = 5
    overflow: int = 5
    wait: float = 30
    connect: int = 10


def parse_url(url: str, setting: str = "CLOSEBELL_DATABASE_URL") -> URL:
    """The URL as SQLAlchemy takes it, for psycopg.

    Args:
        setting: what is named when it is wrong.

    Raises:
        SettingsError: it is no PostgreSQL URL. The URL, which may hold a password, isn't shown.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is the latter
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(
            f"{setting} is no PostgreSQL URL",
            remedy="write it as postgresql://user:password@host:5432/database",
        )
    return parsed.set(drivername="postgresql+psycopg")


def in_schema(url: URL, schema: str) -> URL:
    """The URL whose connections see only the tables of this schema; `public` needs nothing."""
    if schema == "public":
        return url
    return url.update_query_dict({"options": f"-csearch_path={schema}"}, append=True)


def make_engine(url: URL, pool: Pool) -> Engine:
    """A bounded pool of connections that are tried before they are given out."""
    engine = sqlalchemy.create_engine(  # by this name, since traces may have wrapped it
        url,
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.wait,
        pool_pre_ping=True,
        connect_args={name: value for name, value in TCP.items() if name not in url.query}
        | {
            "connect_timeout": pool.connect,
            "application_name": "closebell",
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(_dialect: object, _record: object, _given: object, how: dict[str, Any]) -> Patient:
    return Patient.connect(**how)


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the libraries' errors into ours, once.

    Raises:
        DatabaseUnavailable: it can't be reached, or went away.
        SchemaOutdated: a table or column isn't there.
        DatabaseError: it refused the work.
    """
    try:
        yield
    except ClosebellError:
        raise
    except DBAPIError as error:
        original = error.orig if isinstance(error.orig, Exception) else error
        state = getattr(original, "sqlstate", None)
        lost = error.connection_invalidated or isinstance(original, psycopg.OperationalError)
        raise _ours(original, state, lost=lost) from error
    except psycopg.Error as error:
        lost = isinstance(error, psycopg.OperationalError)
        raise _ours(error, error.sqlstate, lost=lost) from error
    except PoolTimeout as error:
        raise DatabaseUnavailable(
            "no connection to the database became free", remedy="try again; fewer at a time"
        ) from error


def _ours(error: Exception, state: str | None, *, lost: bool) -> DatabaseError:
    detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if state in _NO_SUCH_TABLE_OR_COLUMN:
        return SchemaOutdated(detail, remedy="closebell db upgrade")
    if state.startswith(_GONE) if state else lost:
        return DatabaseUnavailable(
            f"the database can't be reached: {detail}",
            remedy="start it, or check CLOSEBELL_DATABASE_URL (CLOSEBELL_API_DATABASE_URL)",
        )
    return DatabaseError(detail)
