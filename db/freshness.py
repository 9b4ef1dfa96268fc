"""How recent the stored data are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import InstrumentedAttribute

from db.models import DailyBar, IndexBar, InstrumentVersion, NetBuyingRow, ScanRun


@dataclass(frozen=True)
class Newest:
    """The oldest and newest session stored, and the rows of the newest."""

    first: date
    session: date
    rows: int


@dataclass(frozen=True)
class Freshness:
    """None where nothing is stored."""

    bars: Newest | None
    net_buying: Newest | None
    index_bars: Newest | None
    instruments: int
    scans: dict[str, date]
    """Each scanner's newest completed session."""


def read_freshness(connection: Connection) -> Freshness:
    """Costs the same with one year stored as with thirty."""
    scans = connection.execute(
        select(ScanRun.scanner, func.max(ScanRun.session))
        .where(ScanRun.status == "completed")
        .group_by(ScanRun.scanner)
    )
    return Freshness(
        bars=_newest(connection, DailyBar.session),
        net_buying=_newest(connection, NetBuyingRow.session),
        index_bars=_newest(connection, IndexBar.session),
        instruments=connection.scalar(select(func.count(InstrumentVersion.ticker.distinct()))) or 0,
        scans={scanner: session for scanner, session in scans},
    )


def _newest(connection: Connection, column: InstrumentedAttribute[date]) -> Newest | None:
    first, last = connection.execute(select(func.min(column), func.max(column))).one()
    if last is None:
        return None
    rows = connection.scalar(select(func.count()).where(column == last))
    return Newest(first, last, rows or 0)
