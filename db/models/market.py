"""What was collected: bars, net buying, instruments, news."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Id, Ticker, Whole


class Collection(Base):
    """One collecting of bars: from where and when. Bars point here instead of repeating it."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("source", "collected_at"),)

    id: Mapped[Id] = mapped_column(Integer)
    source: Mapped[str]
    collected_at: Mapped[datetime]


class DailyBar(Base):
    """One stock in one session, as traded, in won and shares; see market.schemas.DailyBars."""

    __tablename__ = "daily_bars"

    session: Mapped[date] = mapped_column(primary_key=True)
    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    open: Mapped[Whole]
    high: Mapped[Whole]
    low: Mapped[Whole]
    close: Mapped[Whole]
    volume: Mapped[Whole]
    value: Mapped[Whole | None]
    base: Mapped[Whole | None]
    listed_shares: Mapped[Whole | None]
    market_cap: Mapped[Whole | None]
    collection_id: Mapped[int]  # no foreign key: checking it would double the time of a bulk write
    adjusted: Mapped[bool]


class PackedBars(Base):
    """All bars of one session, a column in one value (db.packed): reading a year takes a tenth.

    `ticker` is null where they changed since; triggers see to that, whoever changed them.
    """

    __tablename__ = "packed_bars"

    session: Mapped[date] = mapped_column(primary_key=True)
    ticker: Mapped[str | None]
    open: Mapped[bytes | None]
    high: Mapped[bytes | None]
    low: Mapped[bytes | None]
    close: Mapped[bytes | None]
    volume: Mapped[bytes | None]
    value: Mapped[bytes | None]
    base: Mapped[bytes | None]
    listed_shares: Mapped[bytes | None]
    market_cap: Mapped[bytes | None]
    marked: Mapped[bytes | None]


class NetBuyingRow(Base):
    """One version of one stock's net buying in one session; a revision is another row."""

    __tablename__ = "net_buying"

    session: Mapped[date] = mapped_column(primary_key=True)
    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    known_at: Mapped[datetime] = mapped_column(primary_key=True)
    foreign_won: Mapped[Whole | None]
    institution_won: Mapped[Whole | None]
    individual_won: Mapped[Whole | None]
    foreign_shares: Mapped[Whole | None]
    institution_shares: Mapped[Whole | None]
    individual_shares: Mapped[Whole | None]
    provisional: Mapped[bool]
    source: Mapped[str]


class IndexBar(Base):
    """One index in one session, in index points."""

    __tablename__ = "index_bars"

    session: Mapped[date] = mapped_column(primary_key=True)
    index: Mapped[str] = mapped_column(primary_key=True)
    open: Mapped[float | None]
    high: Mapped[float | None]
    low: Mapped[float | None]
    close: Mapped[float]
    volume: Mapped[Whole | None]
    value: Mapped[Whole | None]


class InstrumentVersion(Base):
    """What an instrument was from session `since` on, until its next row.

    `seen` is the last session it was observed so; versions are merged by it.
    """

    __tablename__ = "instruments"

    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    seen: Mapped[date]
    name: Mapped[str]
    market: Mapped[str]
    kind: Mapped[str]
    sector: Mapped[str | None]


class InstrumentFlagSet(Base):
    """The exchange's designations of an instrument from session `since` on, until its next row.

    `flags` are words of market.schemas.FLAGS in order, separated by spaces; empty: none.
    """

    __tablename__ = "instrument_flags"

    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    seen: Mapped[date]
    flags: Mapped[str]


class Listing(Base):
    """What is known of a stock at no particular session; it may be known before any bar is.

    `listed` is its first day, `delisted` the first session on which it no longer was listed,
    `sector` holds where no version of the instrument has its own.
    """

    __tablename__ = "listings"

    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    listed: Mapped[date | None]
    delisted: Mapped[date | None]
    sector: Mapped[str | None]


class NewsItem(Base):
    """A disclosure or article about one stock, with its verdict."""

    __tablename__ = "news"
    __table_args__ = (Index(None, "seen_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    ticker: Mapped[Ticker]
    seen_at: Mapped[datetime]
    verdict: Mapped[str]
    title: Mapped[str]
    url: Mapped[str | None]
    source: Mapped[str]
