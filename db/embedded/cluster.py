"""The database's files: made once by initdb, their settings written before each start."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from db.embedded.binaries import MAJOR, bundled
from db.embedded.owner import Owner, creator_for
from errors import DatabaseError, DatabaseUnavailable

ROLE = "closebell"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}


def version_of(cluster: Path) -> str:
    """The major version of the PostgreSQL that made these files; ours where there are none yet.

    Raises:
        DatabaseError: they are no database, or of a version that isn't bundled any more.
    """
    if not cluster.exists():
        return MAJOR
    try:
        found = (cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise DatabaseError(
            f"{cluster} isn't a PostgreSQL database: {error.strerror}",
            remedy="restore it, or move it away to start anew",
        ) from None
    if found not in {MAJOR, *bundled()}:
        raise DatabaseError(
            f"{cluster} was made by PostgreSQL {found}; this closebell has {MAJOR}",
            remedy="carry it over with the closebell that made it (closebell db backup there,"
            " closebell db restore here), or choose another CLOSEBELL_DATA_DIR",
        )
    return found


def data_argument(cluster: Path, owner: Owner) -> str:
    """How the server finds its files, which are its working folder.

    Started by root for another user it can't walk down a path whose parents are closed to that
    user, and nobody shall open them; /proc/self/cwd leads there all the same.
    """
    if owner.is_me or not sys.platform.startswith("linux"):
        return str(cluster)
    return "/proc/self/cwd"


def create(cluster: Path, binaries: Path, owner: Owner, options: Mapping[str, str]) -> None:
    """Make the files beside their place and move them there when they are whole.

    Raises:
        DatabaseUnavailable: initdb failed; its words are in the detail.
    """
    for leftover in cluster.parent.glob("new-*"):
        shutil.rmtree(leftover)
    creator = creator_for(owner)
    half = Path(tempfile.mkdtemp(prefix="new-", dir=cluster.parent))
    try:
        creator.own(half)
        done = creator.run(
            [
                *(str(binaries / "bin" / "initdb"), "-D", data_argument(half, creator)),
                *("-U", ROLE, "-A", "peer", "-E", "UTF8"),
                *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(["--no-sync"] if options.get("fsync") == "off" else []),
            ],
            cwd=half,
        )
        if done.returncode:
            raise DatabaseUnavailable(
                f"initdb failed: {(done.stderr or done.stdout).strip()[-500:]}",
                remedy="see if the disk is full; `closebell doctor` shows the data folder",
            )
        with (half / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude = 'closebell.conf'\n")
        _hand_over(half, owner)
        half.rename(cluster)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def configure(cluster: Path, owner: Owner, options: Mapping[str, str]) -> None:
    """Write the settings, and who may connect: the owner and root, through the socket."""
    settings = {**_SETTINGS, **options}
    users = {name for name in (owner.name, "root") if name}
    _write(cluster / "closebell.conf", owner, (f"{k} = '{v}'" for k, v in settings.items()))
    _write(cluster / "pg_hba.conf", owner, ["local all all peer map=closebell"])
    _write(cluster / "pg_ident.conf", owner, (f'closebell "{u}" all' for u in sorted(users)))


def _write(path: Path, owner: Owner, lines: Iterable[str]) -> None:
    handle, new = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines) + "\n")
    owner.own(Path(new))
    os.replace(new, path)


def _hand_over(folder: Path, owner: Owner) -> None:
    owner.own(folder)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            owner.own(Path(place, name))
