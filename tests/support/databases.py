"""Databases for tests: emptied between tests, and Debian's PostgreSQL beside the embedded one."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from db.database import Database
from db.models import Base

DEBIAN = Path("/usr/lib/postgresql/15/bin")


@contextmanager
def emptied(url: str) -> Iterator[Database]:
    """The database at `url`, its tables up to date and empty."""
    with psycopg.connect(url) as connection:
        tables = sql.SQL(", ").join(map(sql.Identifier, Base.metadata.tables))
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def migrated(url: str) -> Iterator[str]:
    """The URL, once its tables are up to date."""
    database = Database(url)
    try:
        database.upgrade()
    finally:
        database.close()
    yield url


@contextmanager
def debian_postgres(folder: Path) -> Iterator[str]:
    """Debian's PostgreSQL 15 over a new cluster in `folder`, which its user can reach."""
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, user)
        shutil.chown(cluster, user)

    def run(*command: str) -> None:
        other = user if os.geteuid() == 0 else None
        subprocess.run(command, check=True, capture_output=True, user=other, cwd=folder, timeout=60)

    run(str(DEBIAN / "initdb"), "-D", str(cluster), "-U", "closebell", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    control = (str(DEBIAN / "pg_ctl"), "-D", str(cluster), "-w", "-l", str(folder / "log"))
    run(*control, "-o", options, "start")
    try:
        yield f"postgresql://closebell@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")
