"""Backup of both markets into one file, and restore into a database that has no tables yet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, text

from db.archive import dump, load, rows_of
from db.database import open_database
from db.embedded.binaries import find_binaries
from db.engine import our_errors
from db.migrations import HEAD
from db.schema import SCHEMAS, Market
from errors import BadFile, DatabaseError, SchemaOutdated
from settings import Settings

MARKETS: tuple[Market, ...] = ("real", "sample")
_SECRET = "*.access_tokens"  # worth nothing tomorrow, and nobody else's business today


@dataclass(frozen=True)
class Backup:
    """A backup file: `tables` of both markets in `size` bytes."""

    file: Path
    tables: int
    size: int


def back_up(
    settings: Settings, file: Path, on_message: Callable[[str], None] = lambda _: None
) -> Backup:
    """Write everything stored as it is at one moment, while others work on.

    Providers' access tokens are left out. The file is for this user's eyes only (0600); it is
    there when it is whole, or not at all.

    Raises:
        BadFile: the file is there already, or can't be written.
        DatabaseError: nothing was written.
    """
    file = file.expanduser().absolute()
    if file.exists():
        raise BadFile(f"{file} is there already", remedy="choose another name")
    tables: dict[str, int] = {}
    try:
        handle, half = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as error:
        raise BadFile(f"{file} can't be written: {error.strerror}") from None
    os.close(handle)
    try:
        for market in MARKETS:
            with open_database(settings, on_message, market=market, check=False) as db:
                if db.status().current is None:
                    continue
                with our_errors(), db.connection() as connection:
                    names = inspect(connection).get_table_names(schema=SCHEMAS[market])
                tables[SCHEMAS[market]] = len(names)
        if not tables:
            raise DatabaseError("nothing is stored yet, so there is nothing to back up")
        count = sum(tables.values())
        on_message(f"writing {count} tables")
        with open_database(settings, on_message, check=False) as db:
            dump(db.url, Path(half), find_binaries(), tables, empty=_SECRET)
        os.link(half, file)  # unlike rename, refuses where somebody else was quicker
    except FileExistsError:
        raise BadFile(f"{file} is there already", remedy="choose another name") from None
    finally:
        os.unlink(half)
    return Backup(file, count, file.stat().st_size)


def restore(
    settings: Settings, file: Path, on_message: Callable[[str], None] = lambda _: None
) -> Backup:
    """Put a backup into a database without closebell's tables, and bring them up to date.

    Raises:
        BadFile: it is no backup of closebell's.
        SchemaOutdated: a newer closebell made it.
        DatabaseError: the database has tables already, or the restore failed; nothing was changed.
    """
    file = file.expanduser().absolute()
    programs = find_binaries()
    try:
        size = file.stat().st_size
        versions = rows_of(file, programs, "alembic_version")
    except (OSError, DatabaseError) as error:
        raise BadFile(f"{file} is no backup that can be read: {error}") from None
    if not versions:
        raise BadFile(f"{file} is no backup of closebell's")
    if max(versions) > HEAD:
        raise SchemaOutdated(
            f"{file} was made by a newer closebell (tables of version {max(versions)})",
            remedy="install the newer closebell",
        )
    for market in MARKETS:
        with open_database(settings, on_message, market=market, check=False) as db:
            if db.status().current is not None:
                raise DatabaseError(
                    f"the database at {db.shown_url} has tables of closebell already",
                    remedy="restore into another CLOSEBELL_DATA_DIR, or an empty database",
                )
    on_message("restoring")
    with open_database(settings, on_message, check=False) as db:
        with our_errors(), db.connection() as connection:
            for schema in SCHEMAS.values():
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            connection.commit()
        load(db.url, file, programs, SCHEMAS.values())
        with our_errors(), db.connection() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
    tables = 0
    for market in MARKETS:
        with open_database(settings, on_message, market=market, check=False) as db:
            if db.status().current is None:
                continue
            db.upgrade()
            with our_errors(), db.connection() as connection:
                tables += len(inspect(connection).get_table_names(schema=SCHEMAS[market]))
    return Backup(file, tables, size)
