"""What the scanners found: runs, signals, market gates."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Created, Id, Json, Ticker, Whole

STATUSES = ("open", "watch", "filled", "target", "stopped", "expired", "withdrawn")
CHANGES = ("new", "upgraded", "carried", "downgraded")


def one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    """The column holds one of these words."""
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, words))})", name=column)


def _slot() -> Mapped[str]:
    """'HH:MM', 'close' or 'final': in the C collation they sort in the order of the day."""
    return mapped_column(Text(collation="C"))


class ScanRun(Base):
    """One scanner over one session, published or not; `grades` and `left_out` are counts."""

    __tablename__ = "scan_runs"
    __table_args__ = (Index(None, "scanner", "session", "as_of"),)

    id: Mapped[Id]
    scanner: Mapped[str]
    session: Mapped[date]
    as_of: Mapped[str] = _slot()
    preliminary: Mapped[bool]
    status: Mapped[str]
    rules_hash: Mapped[str]
    rules_version: Mapped[str]
    source: Mapped[str]
    net_buying_session: Mapped[date | None]
    scanned: Mapped[Whole]
    grades: Mapped[Json]
    left_out: Mapped[Json]
    checks_accepted: Mapped[bool]
    reason: Mapped[str | None]
    seconds: Mapped[float]
    flow_run_id: Mapped[str | None]
    created_at: Mapped[Created]


class Signal(Base):
    """A scanner's verdict on one stock in one session and slot. Never deleted."""

    __tablename__ = "signals"
    __table_args__ = (
        UniqueConstraint("scanner", "session", "as_of", "ticker"),
        Index(None, "ticker", "session"),
        one_of("status", STATUSES),
        one_of("change", CHANGES),
    )

    id: Mapped[Id]
    scanner: Mapped[str]
    session: Mapped[date]
    as_of: Mapped[str] = _slot()
    ticker: Mapped[Ticker]
    preliminary: Mapped[bool]
    score: Mapped[float]
    out_of: Mapped[float]
    grade: Mapped[str]
    entry: Mapped[Whole | None]
    target: Mapped[Whole | None]
    stop: Mapped[Whole | None]
    parts: Mapped[Json]
    reasons: Mapped[Json]
    flags: Mapped[Json]
    close: Mapped[Whole]
    day_change: Mapped[float | None]
    value20: Mapped[Whole | None]
    market_cap: Mapped[Whole | None]
    net_buying_session: Mapped[date | None]
    position_size: Mapped[float | None]
    status: Mapped[str]
    change: Mapped[str]
    rules_hash: Mapped[str]
    run_id: Mapped[Whole] = mapped_column(ForeignKey(ScanRun.id))
    created_at: Mapped[Created]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MarketGate(Base):
    """The state of the whole market in one session and slot."""

    __tablename__ = "market_gates"
    __table_args__ = (UniqueConstraint("session", "as_of"),)

    id: Mapped[Id]
    session: Mapped[date]
    as_of: Mapped[str] = _slot()
    preliminary: Mapped[bool]
    level: Mapped[float | None]
    status: Mapped[str | None]
    kospi_status: Mapped[str | None]
    kosdaq_status: Mapped[str | None]
    kospi_close: Mapped[float | None]
    kospi_change_pct: Mapped[float | None]
    kosdaq_close: Mapped[float | None]
    kosdaq_change_pct: Mapped[float | None]
    sectors: Mapped[Json]
    parts: Mapped[Json]
    rules_hash: Mapped[str]
    run_id: Mapped[Whole] = mapped_column(ForeignKey(ScanRun.id))
    created_at: Mapped[Created]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
