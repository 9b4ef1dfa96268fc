"""Which file is which: the formats that can be imported, told apart by their columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast, get_args

from errors import BadFile, NotImportable

FileKind = Literal[
    "marcap",
    "daily_raw",
    "daily_adjusted",
    "index_bars",
    "net_buying_won",
    "net_buying_shares",
    "net_buying_revisions",
    "companies",
    "sectors",
    "names",
    "delisted",
]


@dataclass(frozen=True)
class Format:
    """A format has all its `columns` and none of `without`; other columns don't matter.

    `exact` allows no others at all. A `refused` format is known and can't be imported.
    """

    name: str
    columns: frozenset[str]
    without: frozenset[str] = frozenset()
    exact: bool = False
    refused: str | None = None

    def matches(self, columns: frozenset[str]) -> bool:
        if self.exact:
            return columns == self.columns
        return self.columns <= columns and not self.without & columns


def _format(
    name: str, columns: str, *, without: str = "", exact: bool = False, refused: str | None = None
) -> Format:
    return Format(name, frozenset(columns.split()), frozenset(without.split()), exact, refused)


# The first that matches wins.
FORMATS = (
    _format(
        "intraday_snapshots",
        "snap_at code close",
        refused="intraday snapshots are replayed (source replay), not imported",
    ),
    _format(
        "sessions",
        "date",
        exact=True,
        refused="a list of sessions isn't imported; the trading calendar is built in",
    ),
    _format(
        "marcap",
        "Date Code Name Market Open High Low Close Volume Amount Changes Marcap Stocks",
    ),
    _format(
        "daily_raw",
        "date code name market open high low close volume amount marcap shares chg",
    ),
    _format(
        "daily_adjusted",
        "date code name market open high low close volume chg_pct",
        # with one of these it is an incomplete file of bars as traded, and taking those for
        # adjusted would hide every split
        without="amount marcap shares chg",
    ),
    _format("index_bars", "date code open high low close volume amount", without="name market"),
    _format("net_buying_won", "date code foreign_net_krw inst_net_krw"),
    _format("net_buying_revisions", "date code close foreign_net inst_net commit_at"),
    _format("net_buying_shares", "date code close foreign_net inst_net first_seen"),
    _format("companies", "code name market industry listingdate"),
    _format("sectors", "code name market sector_large"),
    _format("names", "code name market", exact=True),
    _format("delisted", "Symbol Name Market SecuGroup Kind ListingDate DelistingDate"),
)


def recognise(columns: Collection[str], file: str) -> FileKind:
    """Which kind of file has these columns.

    Raises:
        NotImportable: of a format that is known and refused.
        BadFile: none is known; says what it lacks of the nearest format.
    """
    found = frozenset(columns)
    for known in FORMATS:
        if known.matches(found):
            if known.refused:
                raise NotImportable(f"{file}: {known.refused}")
            assert known.name in get_args(FileKind)
            return cast(FileKind, known.name)
    raise BadFile(f"{file}: {_what_is_wrong(found)}", remedy="see `closebell import --help`")


def _what_is_wrong(found: frozenset[str]) -> str:
    importable = [f for f in FORMATS if not f.refused and not f.without & found]
    nearest = max(importable, key=lambda f: len(f.columns & found) - len(f.columns - found))
    missing = sorted(nearest.columns - found)
    if len(missing) * 2 <= len(nearest.columns):
        return f"looks like {nearest.name}, but lacks the columns {', '.join(missing)}"
    shown = ", ".join(sorted(found)[:12])
    return f"no known format has its columns ({shown}); {nearest.name} is the nearest"
