"""The embedded PostgreSQL from the first who needs it to the last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from db.embedded.binaries import SHELF, find_binaries, runnable_by
from db.embedded.carry_over import finish
from db.embedded.cluster import ROLE, configure, create, version_of
from db.embedded.locks import alone, is_last, open_lock, share
from db.embedded.owner import owner_for
from db.embedded.process import Server
from db.embedded.reach import socket_folder
from errors import DatabaseUnavailable


@contextmanager
def embedded_server(
    data_dir: Path,
    on_message: Callable[[str], None] = lambda _: None,
    *,
    options: Mapping[str, str] | None = None,
    binaries: Path | None = None,
    shelf: Path = SHELF,
    patience: float = 900,
) -> Iterator[str]:
    """Run PostgreSQL over `data_dir`/postgresql and give its URL.

    The first user starts it, the last one stops it, however the others ended. Only this user (and
    root) can connect, through a socket in a 0700 folder. Nothing outside `data_dir` changes, but
    for a copy of the programs below `shelf` where root runs it as a user who can't reach them.

    Args:
        on_message: told what is waited for, in words for a person.
        options: PostgreSQL settings over our own; they hold when this call starts the server.
        binaries: the folder of PostgreSQL's `bin`, `lib` and `share`; the wheel's by default.
        patience: seconds to wait for a start, crash recovery included.

    Raises:
        DatabaseUnavailable: it can't be started here; the remedy says what to do.
        DatabaseError: the files are of another PostgreSQL version.
    """
    folder = data_dir.absolute() / "postgresql"
    with ExitStack() as stack:
        try:
            url = _url(stack.enter_context(socket_folder(folder / "cluster")))
            stack.enter_context(
                _using(folder, url, on_message, options or {}, binaries, shelf, patience)
            )
        except OSError as error:
            raise DatabaseUnavailable(
                f"the database in {folder} can't be used: {error}",
                remedy="choose a CLOSEBELL_DATA_DIR that this user can write to",
            ) from error
        yield url


def _url(where: Path) -> str:
    return f"postgresql://{ROLE}@/postgres?host={where}"


@contextmanager
def _using(
    folder: Path,
    url: str,
    on_message: Callable[[str], None],
    options: Mapping[str, str],
    binaries: Path | None,
    shelf: Path,
    patience: float,
) -> Iterator[None]:
    owner = owner_for(folder)
    if not folder.is_dir():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        owner.own(folder)
    users = open_lock(folder / "users.lock", owner)
    starting = folder / "start.lock"
    cluster = folder / "cluster"
    server = Server(cluster, owner, folder / "server.log", url)
    try:
        with alone(starting, owner, patience, on_message):
            share(users)
            if not server.answers():
                finish(folder)
                version = version_of(cluster)
                programs = runnable_by(owner, binaries or find_binaries(version), shelf)
                if not cluster.exists():
                    create(cluster, programs, owner, options)
                configure(cluster, owner, options)
                server.start(programs, patience, on_message)
        try:
            yield
        finally:
            with alone(starting, owner, patience, on_message):
                if is_last(users):
                    server.stop()
    finally:
        os.close(users)
