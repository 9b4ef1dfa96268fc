"""Listening for NOTIFY: the database says that something happened, never what."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import psycopg

from db.database import Database
from db.engine import our_errors
from db.repositories.events import CHANNEL


async def wakes(database: Database) -> AsyncGenerator[None, None]:
    """Once when listening has begun, then for every notification, over one connection.

    Whatever was committed before a wake can be read after it.

    Raises:
        DatabaseUnavailable: the connection can't be made, or was lost.
    """
    with our_errors():
        connection = await psycopg.AsyncConnection.connect(
            database.url,
            autocommit=True,
            application_name="closebell-listener",
            connect_timeout=5,
            # A peer that vanished without a word is noticed in a minute, with nothing asked of it.
            keepalives_idle=15,
            keepalives_interval=5,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield
            async for _ in connection.notifies():
                yield
