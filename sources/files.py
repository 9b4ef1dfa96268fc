"""Reading market data out of Parquet and CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

import dataframely as dy
import polars as pl

from market.calendar import TradingCalendar
from market.schemas import DailyBars, IndexBars, NetBuying
from sources.files_attributes import ATTRIBUTE_ROWS, FILES, read_attributes
from sources.files_bars import ADJUSTED, MARCAP, RAW, read_bars
from sources.files_formats import FileKind, recognise
from sources.files_index import read_index_bars
from sources.files_net_buying import read_net_buying
from sources.files_observations import OBSERVATIONS, observe
from sources.files_reading import read_table
from sources.files_rejects import nothing_rejected

BARS = {"marcap": MARCAP, "daily_raw": RAW, "daily_adjusted": ADJUSTED}


@dataclass(frozen=True)
class FileContent:
    """What a file holds. Frames of another kind than the file's are empty.

    `bars` and `net_buying` are sorted by session and ticker. `observations` are stretches of
    sessions (ticker, since, last_seen, name, market, kind, sector) over which an instrument
    stayed the same; `flags` (ticker, flag, since, until) the stretches under a flag, None
    when the file can't tell; `attributes` (ticker, name, market, kind, sector, listed,
    delisted) facts without a session. `rejected` (row from 1, reason, content as JSON) are
    the rows that broke a rule; `ignored` counts, by reason, rows of things not kept here.
    """

    kind: FileKind
    rows_read: int
    bars: dy.DataFrame[DailyBars] = field(default_factory=DailyBars.create_empty)
    net_buying: dy.DataFrame[NetBuying] = field(default_factory=NetBuying.create_empty)
    index_bars: dy.DataFrame[IndexBars] = field(default_factory=IndexBars.create_empty)
    observations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OBSERVATIONS))
    flags: pl.DataFrame | None = None
    attributes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ATTRIBUTE_ROWS))
    rejected: pl.DataFrame = field(default_factory=nothing_rejected)
    ignored: Mapping[str, int] = field(default_factory=dict)


def read_file(
    path: Path,
    *,
    calendar: TradingCalendar,
    net_buying_known_at: time,
    collected_at: datetime,
) -> FileContent:
    """Read one file, whichever kind it is, and part its good rows from the bad.

    `net_buying_known_at` is the time of the day (Asia/Seoul) from which a session's net buying
    counts as known; `collected_at` (aware) is stored with every bar, and a session that wasn't
    over by then is refused.

    Raises:
        BadFile: it can't be read, is empty, or has the columns of no known kind (NotImportable:
            of a kind that is known and isn't imported).
    """
    if collected_at.tzinfo is None:
        raise ValueError("collected_at has no time zone")
    table = read_table(path)
    file = str(path)
    kind = recognise(table.columns, file)
    if kind in BARS:
        return _bars(kind, table, file, calendar, collected_at)
    if kind == "index_bars":
        index, rejected, ignored = read_index_bars(table, file, calendar=calendar, now=collected_at)
        return FileContent(
            kind,
            table.height,
            index_bars=IndexBars.cast(index),
            rejected=rejected,
            ignored=ignored,
        )
    if kind in FILES:
        attributes, ignored = read_attributes(table, file, FILES[kind])
        return FileContent(kind, table.height, attributes=attributes, ignored=ignored)
    net_buying, rejected = read_net_buying(
        table,
        file,
        kind,
        calendar=calendar,
        known_from=net_buying_known_at,
        now=collected_at,
    )
    return FileContent(kind, table.height, net_buying=NetBuying.cast(net_buying), rejected=rejected)


def _bars(
    kind: FileKind,
    table: pl.DataFrame,
    file: str,
    calendar: TradingCalendar,
    collected_at: datetime,
) -> FileContent:
    names = BARS[kind]
    bars, rejected = read_bars(
        table,
        file,
        names,
        calendar=calendar,
        collected_at=collected_at,
        source="marcap" if kind == "marcap" else "file",
    )
    tells_flags = names.dept is not None and names.dept in table.columns
    observations, flags = observe(bars, tells_flags=tells_flags)
    return FileContent(
        kind,
        table.height,
        bars=DailyBars.cast(bars),
        observations=observations,
        flags=flags,
        rejected=rejected,
    )
