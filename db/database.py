"""The database: opened once, worked with in transactions that are whole or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import partial

from sqlalchemy import Connection, Engine, QueuePool

import tracing
from db.embedded import embedded_server
from db.engine import (
    BULK,
    READER,
    WRITER,
    Limits,
    Pool,
    in_schema,
    make_engine,
    our_errors,
    parse_url,
)
from db.freshness import Freshness, read_freshness
from db.reading import read_market_data
from db.repositories import Repositories
from db.schema import SCHEMAS, Market, SchemaStatus, create_schema, migrate, schema_status
from market.data import MarketData
from settings import Settings


class Database:
    """One PostgreSQL, ours or another's. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        market: Market = "real",
        *,
        pool: Pool = Pool(),  # noqa: B008  (frozen)
        reading: Limits = READER,
    ) -> None:
        """`url` as libpq takes it; the markets are schemas of their own, out of each other's sight.

        Args:
            reading: what a `reader` may take.

        Raises:
            SettingsError: it is no PostgreSQL URL.
        """
        self._schema = SCHEMAS[market]
        self._base = parse_url(url)
        self._url = in_schema(self._base, self._schema)
        self._engine = make_engine(self._url, pool)
        self._reading_limits = reading
        self._reading: Engine = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @property
    def url(self) -> str:
        """For libpq and its kin. May hold a password: never print it."""
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def shown_url(self) -> str:
        """For people: the password is hidden."""
        return self._url.set(drivername="postgresql").render_as_string(hide_password=True)

    def url_as(self, role: str) -> str:
        """The same database, both markets in sight, for another role without a password."""
        url = self._base.set(drivername="postgresql", username=role)
        return url.render_as_string(hide_password=False)

    @property
    def checked_out(self) -> int:
        """How many connections are in use at this moment."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def close(self) -> None:
        """Give all connections back to the server."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Repositories]:
        """A unit of work: committed at the end, events last; undone on any error.

        Raises:
            DatabaseError: nothing was committed. Errors of the caller rise as they are.
        """
        with (
            tracing.span("unit of work"),
            our_errors(),
            self._connected(self._engine, WRITER) as connection,
        ):
            work = Repositories(connection)
            yield work
            work.events.flush()
            connection.commit()

    @contextmanager
    def reader(self) -> Iterator[Repositories]:
        """Reads that all see one state of the database; writes are refused.

        Raises:
            DatabaseError: the reads failed.
        """
        with (
            tracing.span("reads"),
            our_errors(),
            self._connected(self._reading, self._reading_limits) as connection,
        ):
            yield Repositories(connection)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A bare connection, for what concerns the database itself; nothing is committed."""
        with self._connected(self._engine, WRITER) as connection:
            yield connection

    def read_market_data(
        self,
        first: date,
        last: date,
        known_by: datetime | None = None,
        *,
        details_from: date | None = None,
        net_buying_from: date | None = None,
        news: bool = False,
    ) -> MarketData:
        """Everything stored of the sessions `first` to `last`, both included, in no order.

        Args:
            known_by: leave out net buying and news that were known later.
            details_from: no traded value, listed shares and market capitalisation before it.
            net_buying_from: no net buying before this session (the panel needs only a few).
            news: whether a news source is configured; if not, `news` is None.

        Raises:
            DatabaseError: the reads failed.
        """
        with our_errors():
            return read_market_data(
                partial(self._connected, self._reading, BULK),
                first,
                last,
                known_by,
                details_from=details_from,
                net_buying_from=net_buying_from,
                news=news,
            )

    def freshness(self) -> Freshness:
        """The newest session of each kind of data, and how many rows it has."""
        with our_errors(), self._connected(self._reading, self._reading_limits) as connection:
            return read_freshness(connection)

    def status(self) -> SchemaStatus:
        """Which version the tables are of."""
        with our_errors(), self._connected(self._reading, self._reading_limits) as connection:
            return schema_status(connection)

    def upgrade(self, revision: str = "head") -> SchemaStatus:
        """Bring the tables to this program's version; nothing to do when they are.

        Raises:
            DatabaseError: nothing was changed.
        """
        with our_errors(), self._connected(self._engine, WRITER) as connection:
            create_schema(connection, self._schema)
            migrate(connection, revision)
            connection.commit()
        return self.status()

    @contextmanager
    def _connected(
        self, engine: Engine, limits: Limits, snapshot: str | None = None
    ) -> Iterator[Connection]:
        """A connection given back in every case; cut off if it was interrupted in the middle.

        With `snapshot` it sees the state that another transaction exported under that name.
        """
        with engine.connect() as connection:
            try:
                if snapshot is not None:
                    connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                limits.apply(connection)
                yield connection
            except Exception:
                connection.rollback()
                raise
            except BaseException:
                connection.invalidate()
                raise


@contextmanager
def open_database(
    settings: Settings,
    on_message: Callable[[str], None] = lambda _: None,
    *,
    market: Market = "real",
    check: bool = True,
) -> Iterator[Database]:
    """The database of these settings: CLOSEBELL_DATABASE_URL, else the embedded one.

    The embedded one is started if nobody has, and its tables are kept up to date.

    Args:
        on_message: told what is waited for, in words for a person.
        market: the real one, or the built-in sample.
        check: refuse another's database whose tables are of another version.

    Raises:
        SettingsError: the URL is wrong.
        DatabaseUnavailable: it can't be reached or started.
        SchemaOutdated: `closebell db upgrade` is due.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            database = Database(settings.database_url.get_secret_value(), market)
        else:
            database = Database(
                stack.enter_context(embedded_server(settings.data_dir, on_message)), market
            )
        stack.callback(database.close)
        if check:
            _check(database, ours=settings.database_url is None)
        yield database


def _check(database: Database, *, ours: bool) -> None:
    status = database.status()
    if ours and not status.up_to_date and not status.newer:
        database.upgrade()
    else:
        status.require()
