"""Whom the server runs as: PostgreSQL refuses to be root, and its files must be its user's."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import DatabaseUnavailable

_OWN_USERS = range(47_000, 48_000)  # above people (useradd), below systemd's and subordinate ids
_USE_URL = "run closebell as an ordinary user, or set CLOSEBELL_DATABASE_URL"


@dataclass(frozen=True)
class Owner:
    """The user the server's files belong to, and its processes run as."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def name(self) -> str | None:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return None

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a session of its own so that Ctrl-C isn't its business.

        The folder is entered before the user changes, so its parents may be closed to the user.
        """
        return subprocess.run(
            command,
            cwd=cwd,
            env={"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            umask=0o077,
            start_new_session=True,
            user=None if self.is_me else self.uid,
            group=None if self.is_me else self.gid,
            extra_groups=None if self.is_me else [],
        )

    def own(self, path: Path) -> None:
        """Give one file or folder to this user; nothing to do unless we are root."""
        if not self.is_me:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def owner_for(folder: Path) -> Owner:
    """Who owns, or shall own, the server kept in `folder`.

    An ordinary user: that user. Root: whoever the server or the data folder belongs to; where
    that is root, a user of closebell's own that has no name and no other process.

    Raises:
        DatabaseUnavailable: the folder is another user's, or no user is free.
    """
    me = os.geteuid()
    if me != 0:
        for held in _owners(folder / "cluster", folder):
            if held.uid != me:
                raise DatabaseUnavailable(
                    f"{folder} belongs to {held.name or 'the closebell of root'}",
                    remedy="run closebell as that user, or choose another CLOSEBELL_DATA_DIR",
                )
        return Owner(me, os.getegid())
    for held in _owners(folder / "cluster", folder, folder.parent):
        if held.uid != 0:
            return held
    for uid in _OWN_USERS:
        if Owner(uid, uid).name is None:
            return Owner(uid, uid)
    raise DatabaseUnavailable("no free user to run PostgreSQL as", remedy=_USE_URL)


def creator_for(owner: Owner) -> Owner:
    """Who runs initdb: it insists on a user that has a name, which the server doesn't.

    Raises:
        DatabaseUnavailable: there is none.
    """
    if owner.name is not None:
        return owner
    if owner.is_me:
        raise DatabaseUnavailable(
            f"PostgreSQL can't be set up by user {owner.uid}, who isn't in /etc/passwd",
            remedy="give the user a name, or set CLOSEBELL_DATABASE_URL",
        )
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise DatabaseUnavailable(
            "PostgreSQL can't be set up as root where there is no user nobody", remedy=_USE_URL
        ) from None
    return Owner(nobody.pw_uid, nobody.pw_gid)


def _owners(*places: Path) -> Iterator[Owner]:
    for place in places:
        try:
            found = place.stat()
        except (FileNotFoundError, PermissionError):
            continue
        yield Owner(found.st_uid, found.st_gid)
