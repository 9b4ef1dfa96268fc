"""Listening for NOTIFY: the database says that something happened, never what."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import psycopg
from sqlalchemy import text

from db.database import Database
from db.engine import TCP, our_errors
from db.repositories.events import CHANNEL


async def wakes(
    database: Database,
    *,
    alone_as: str | None = None,
    on_waiting: Callable[[], None] = lambda: None,
) -> AsyncGenerator[None, None]:
    """Once when listening has begun, then for every notification, over one connection.

    Whatever was committed before a wake can be read after it.

    Args:
        alone_as: listen only once nobody else listens to this market under that name; the
            connection holds the right, so it ends with it.
        on_waiting: called when somebody else has it.

    Raises:
        DatabaseUnavailable: the connection can't be made, or was lost.
    """
    with our_errors():
        connection = await psycopg.AsyncConnection.connect(
            database.url,
            autocommit=True,
            application_name="closebell-listener",
            connect_timeout=5,
            **TCP,
        )
        async with connection:
            if alone_as is not None:
                await _alone(connection, alone_as, on_waiting)
            await connection.execute(f"LISTEN {CHANNEL}")
            yield
            async for _ in connection.notifies():
                yield


async def _alone(
    connection: psycopg.AsyncConnection, name: str, on_waiting: Callable[[], None]
) -> None:
    key = "(hashtextextended(%s || ' ' || current_schema(), 0))"
    cursor = await connection.execute(f"SELECT pg_try_advisory_lock{key}", [name])
    row = await cursor.fetchone()
    if row is None or not row[0]:
        on_waiting()
        await connection.execute(f"SELECT pg_advisory_lock{key}", [name])


def is_alone(database: Database, name: str) -> bool:
    """Whether a process listens to this market under that name now."""
    key = "(hashtextextended(:name || ' ' || current_schema(), 0))"
    with our_errors(), database.connection() as connection:
        free = connection.scalar(
            text(f"SELECT pg_try_advisory_xact_lock_shared{key}"), {"name": name}
        )
        connection.rollback()
    return not free
