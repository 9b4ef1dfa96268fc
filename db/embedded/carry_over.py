"""Carrying the embedded database over to a newer PostgreSQL: dump, restore, compare, swap."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from db.archive import dump, load
from db.embedded.binaries import MAJOR, SHELF, find_binaries, runnable_by
from db.embedded.cluster import ROLE, configure, create, version_of
from db.embedded.locks import alone, is_last, open_lock
from db.embedded.owner import Owner, owner_for
from db.embedded.process import Server
from db.embedded.reach import socket_folder
from errors import DatabaseError

_HALF, _NEW = "cluster-half", "cluster-new"  # the second is whole and compared


@dataclass(frozen=True)
class CarriedOver:
    """`old` holds the files as they were; remove it when the new ones have proved themselves."""

    before: str
    after: str
    old: Path
    rows: int


def due(data_dir: Path) -> str | None:
    """The older major version the embedded database is of; None when it is this program's."""
    cluster = data_dir / "postgresql" / "cluster"
    found = version_of(cluster)
    return None if found == MAJOR else found


def carry_over(
    data_dir: Path,
    on_message: Callable[[str], None] = lambda _: None,
    *,
    shelf: Path = SHELF,
    patience: float = 900,
) -> CarriedOver | None:
    """Move the embedded database to this program's PostgreSQL; the old files stay beside it.

    Every table's rows are counted on both sides before the new files take the place of the old.
    A crash in between leaves the old database, or the finished new one.

    Returns:
        What was done; None when there was nothing to do.

    Raises:
        DatabaseError: another closebell uses the database, or a step failed; nothing changed.
    """
    folder = data_dir.absolute() / "postgresql"
    cluster = folder / "cluster"
    owner = owner_for(folder)
    with alone(folder / "start.lock", owner, patience, on_message):
        users = open_lock(folder / "users.lock", owner)
        try:
            if not is_last(users):
                raise DatabaseError(
                    "another closebell is using the database", remedy="stop it, then try again"
                )
            finish(folder)
            before = version_of(cluster)
            if before == MAJOR:
                return None
            try:
                rows = _rebuild(folder, owner, before, shelf, patience, on_message)
            finally:
                shutil.rmtree(folder / _HALF, ignore_errors=True)
            old = folder / f"cluster-{before}"
            finish(folder)
        finally:
            os.close(users)
    return CarriedOver(before, MAJOR, old, rows)


def finish(folder: Path) -> None:
    """Swap a finished new cluster in, where a crash kept us from it."""
    cluster, new = folder / "cluster", folder / _NEW
    if not new.exists():
        return
    if cluster.exists():
        cluster.rename(folder / f"cluster-{version_of(cluster)}")
    new.rename(cluster)


def _rebuild(
    folder: Path,
    owner: Owner,
    before: str,
    shelf: Path,
    patience: float,
    on_message: Callable[[str], None],
) -> int:
    cluster, half = folder / "cluster", folder / _HALF
    kept = folder / f"cluster-{before}"
    if kept.exists():
        raise DatabaseError(f"{kept} is in the way", remedy=f"move {kept} elsewhere")
    shutil.rmtree(half, ignore_errors=True)  # of a run that was killed
    newer = find_binaries()
    with tempfile.TemporaryDirectory(prefix="carry-", dir=folder) as place:
        archive = Path(place) / "archive"
        with _running(cluster, folder, owner, before, shelf, patience, on_message) as url:
            on_message(f"reading everything out of PostgreSQL {before}")
            dump(url, archive, newer)
            counted = _count(url)
        create(half, runnable_by(owner, newer, shelf), owner, {})
        with _running(half, folder, owner, MAJOR, shelf, patience, on_message) as url:
            on_message(f"writing it into PostgreSQL {MAJOR}")
            load(url, archive, newer)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ANALYZE")
            arrived = _count(url)
    if arrived != counted:
        lost = sorted(t for t in counted if arrived.get(t) != counted[t])
        raise DatabaseError(f"not every row arrived, the old database stays: {', '.join(lost)}")
    half.rename(folder / _NEW)
    return sum(counted.values())


@contextmanager
def _running(
    cluster: Path,
    folder: Path,
    owner: Owner,
    major: str,
    shelf: Path,
    patience: float,
    on_message: Callable[[str], None],
) -> Iterator[str]:
    """A server over one cluster for as long as it takes; nobody else is let in meanwhile."""
    programs = runnable_by(owner, find_binaries(major), shelf)
    configure(cluster, owner, {})
    with socket_folder(cluster) as where:
        url = f"postgresql://{ROLE}@/postgres?host={where}"
        server = Server(cluster, owner, folder / "carry-over.log", url)
        server.start(programs, patience, on_message)
        try:
            yield url
        finally:
            server.stop()


def _count(url: str) -> dict[str, int]:
    """The rows of every table."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        counted = {}
        for schema, table in tables:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
            row = connection.execute(count).fetchone()
            counted[f"{schema}.{table}"] = int(row[0]) if row else 0
    return counted
