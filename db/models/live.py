"""The session that is on: last prices, snapshots of the whole market, shares of a day's volume."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Ticker, Whole


class LastPrice(Base):
    """A stock's last price, in won; `change_rate` is percent, `volume` the session's so far."""

    __tablename__ = "last_prices"

    ticker: Mapped[Ticker] = mapped_column(primary_key=True)
    price: Mapped[Whole]
    change_rate: Mapped[float | None]
    volume: Mapped[Whole | None]
    at: Mapped[datetime]
    source: Mapped[str]


class IndexPrice(Base):
    """An index at its last value; `change_pct` is percent."""

    __tablename__ = "index_prices"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    change_pct: Mapped[float | None]
    at: Mapped[datetime]


class MarketSnapshot(Base):
    """The bars and indices of a session as they stood `at`: Arrow IPC, compressed.

    Never a final bar: those come of the close. Nothing asks for a single stock of it.
    """

    __tablename__ = "snapshots"

    session: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str]
    bars: Mapped[bytes] = mapped_column(LargeBinary)
    index_bars: Mapped[bytes] = mapped_column(LargeBinary)


class VolumeShare(Base):
    """The share of a day's volume traded by a minute, the median over `stocks` stocks.

    `minute` counts from the open, on the scale of a session of 390 minutes.
    """

    __tablename__ = "volume_shares"

    session: Mapped[date] = mapped_column(primary_key=True)
    minute: Mapped[float] = mapped_column(primary_key=True)
    share: Mapped[float]
    stocks: Mapped[Whole]
