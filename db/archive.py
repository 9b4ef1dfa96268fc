"""PostgreSQL's own archives: a database's tables in one file, and back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from errors import DatabaseError

_HOURS = 6 * 3600.0


def dump(
    url: str, file: Path, programs: Path, schemas: Iterable[str] = (), *, empty: str | None = None
) -> None:
    """Write the schemas (all of them by default) as they are at one moment into `file`.

    Args:
        programs: the folder of PostgreSQL's `bin`, as new as the server or newer.
        schemas: with their tables, functions and sequences; one that isn't there is an error.
        empty: a pattern of tables whose rows are left out.

    Raises:
        DatabaseError: in pg_dump's words; `file` may be half written.
    """
    chosen = [f"--schema={schema}" for schema in schemas]
    _run(
        [
            str(programs / "bin" / "pg_dump"),
            *("--format=custom", "--no-owner", "--no-acl", "--lock-wait-timeout=60s"),
            *("--strict-names", f"--file={file}", *chosen),
            *([f"--exclude-table-data={empty}"] if empty else []),
        ],
        url,
    )


def load(url: str, file: Path, programs: Path, schemas: Iterable[str] = ()) -> None:
    """Put an archive's contents into the database, in one transaction.

    With `schemas` only what is in those, and they must be there.

    Raises:
        DatabaseError: in pg_restore's words; nothing was changed.
    """
    _run(
        [
            str(programs / "bin" / "pg_restore"),
            *("--single-transaction", "--exit-on-error", "--no-owner", "--no-acl"),
            *(f"--schema={schema}" for schema in schemas),
            *("--dbname=", str(file)),
        ],
        url,
    )


def rows_of(file: Path, programs: Path, table: str) -> list[str]:
    """The lines an archive holds of the tables of that name, without touching a database.

    Raises:
        DatabaseError: the file is no archive.
    """
    told = _run(
        [str(programs / "bin" / "pg_restore"), "--data-only", f"--table={table}", "-f-", str(file)]
    )
    lines, inside = [], False
    for line in told.splitlines():
        if line.startswith("COPY "):
            inside = True
        elif line == r"\.":
            inside = False
        elif inside:
            lines.append(line)
    return lines


def _run(command: Sequence[str], url: str | None = None) -> str:
    secret, target = _connection(url) if url else ({}, None)
    if target is not None:
        command = [f"--dbname={target}" if part == "--dbname=" else part for part in command]
        if not any(part.startswith("--dbname=") for part in command):
            command = [*command, f"--dbname={target}"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C", **secret},
            timeout=_HOURS,
        )
    except subprocess.TimeoutExpired:
        raise DatabaseError(f"{Path(command[0]).name} took longer than six hours") from None
    except OSError as error:
        raise DatabaseError(f"{command[0]} can't be run: {error.strerror}") from None
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise DatabaseError(words, remedy="see if the disk is full and the database answers")
    return done.stdout


def _connection(url: str) -> tuple[dict[str, str], str]:
    """The password by the environment, where other users of the machine can't read it."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    return {"PGPASSWORD": str(password)} if password else {}, make_conninfo("", **parts)
