"""Taking files into the database: each one whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from db import Database
from db.repositories.imports import NewImport
from errors import NotImportable
from market.calendar import TradingCalendar
from market.clock import Clock
from settings import Settings
from sources.files import FileContent, read_file
from tasks.observations import of_stretches


@dataclass(frozen=True)
class Imported:
    """The fate of every row of some files; `skipped`: files that were left alone, and why."""

    files: int = 0
    rows_read: int = 0
    rows_stored: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            self.files + other.files,
            self.rows_read + other.rows_read,
            self.rows_stored + other.rows_stored,
            self.rows_unchanged + other.rows_unchanged,
            self.rows_rejected + other.rows_rejected,
            dict(Counter(self.rejected) + Counter(other.rejected)),
            dict(Counter(self.ignored) + Counter(other.ignored)),
            {**self.skipped, **other.skipped},
        )


def import_files(
    db: Database,
    paths: Sequence[Path],
    *,
    calendar: TradingCalendar,
    clock: Clock,
    settings: Settings,
    may_skip: Collection[Path] = (),
    progress: Callable[[Path, Imported | None], None] = lambda _path, _done: None,
) -> Imported:
    """Read, validate and store files, one transaction a file; the same file again changes nothing.

    Args:
        may_skip: those of `paths` that are left alone where their format isn't imported.
        progress: told each file before (None) and after it was taken in.

    Raises:
        NotImportable: another of `paths` is of such a format.
        BadFile: a file that can't be read or is of no known kind; files before it are stored.
        DatabaseError: the file wasn't stored.
    """
    total = Imported()
    for path in paths:
        progress(path, None)
        try:
            content = read_file(
                path,
                calendar=calendar,
                net_buying_known_at=settings.net_buying_known_at,
                collected_at=clock.now(),
            )
        except NotImportable as error:
            if path not in may_skip:
                raise
            done = Imported(skipped={str(path): error.detail.removeprefix(f"{path}: ")})
        else:
            done = _store(db, path, content)
        progress(path, done)
        total += done
    return total


def _store(db: Database, path: Path, content: FileContent) -> Imported:
    sha256 = _sha256(path)
    with db.transaction() as tx:
        stored = tx.bars.store(content.bars)
        stored += tx.net_buying.store(content.net_buying)
        stored += tx.index_bars.store(content.index_bars)
        if content.observations.height:
            tx.instruments.observe(of_stretches(content.observations, content.flags))
        if content.attributes.height:
            stored += tx.instruments.complete(content.attributes)
        done = Imported(
            files=1,
            rows_read=content.rows_read,
            rows_stored=stored.stored,
            rows_unchanged=stored.unchanged,
            rows_rejected=content.rejected["row"].n_unique(),
            rejected=_by_reason(content.rejected),
            ignored=dict(content.ignored),
        )
        if done.rows_stored or not tx.imports.known(sha256, done.rows_rejected):
            tx.imports.add(
                NewImport(
                    file=path.name,
                    sha256=sha256,
                    rows_read=done.rows_read,
                    rows_stored=done.rows_stored,
                    rows_unchanged=done.rows_unchanged,
                    rows_rejected=done.rows_rejected,
                ),
                content.rejected,
            )
    return done


def _by_reason(rejected: pl.DataFrame) -> dict[str, int]:
    counts = rejected.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return dict(counts.iter_rows())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
