"""Single stocks as readers ask for them: search, last price, chart, net buying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from sqlalchemy import CTE, Connection, Select, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.models import (
    Collection,
    DailyBar,
    InstrumentFlagSet,
    InstrumentVersion,
    LastPrice,
    Listing,
    NetBuyingRow,
    ScanRun,
    Signal,
)
from db.models.base import table_of
from market.clock import SEOUL
from market.hangul import initials_pattern

_BARS: dict[str, Any] = {
    "session": pl.Date,
    "ticker": pl.String,
    "open": pl.Int64,
    "high": pl.Int64,
    "low": pl.Int64,
    "close": pl.Int64,
    "volume": pl.Int64,
    "base": pl.Int64,
    "market_cap": pl.Int64,
    "adjusted": pl.Boolean,
}
_LAST = ("price", "change_rate", "volume", "at")


class Stocks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def search(
        self,
        text: str | None,
        limit: int,
        *,
        market: str | None = None,
        sector: str | None = None,
        after: str = "",
    ) -> list[dict[str, Any]]:
        """Stocks as they were last seen, by ticker, from after a ticker on.

        Args:
            text: what the ticker begins with or the name contains; initial consonants stand for
                any syllable that begins with them (ㅅㅅ finds 삼성).
        """
        newest = _newest_versions().subquery()
        query = select(*newest.c).where(newest.c.ticker > after)
        if text:
            pattern = initials_pattern(text)
            query = query.where(
                or_(
                    newest.c.ticker.startswith(text.upper(), autoescape=True),
                    newest.c.name.icontains(text, autoescape=True),
                    *([newest.c.name.regexp_match(pattern)] if pattern else []),
                )
            )
        if market is not None:
            query = query.where(newest.c.market == market)
        if sector is not None:
            query = query.where(newest.c.sector == sector)
        return self._rows(query.order_by(newest.c.ticker).limit(limit))

    def get(self, ticker: str) -> dict[str, Any] | None:
        """A stock as it was last seen, with `flags` as words between spaces; None: unknown."""
        found = self._rows(_newest_versions().where(InstrumentVersion.ticker == ticker))
        return found[0] if found else None

    def quotes(self, tickers: Sequence[str]) -> list[dict[str, Any]]:
        """Each stock's last price: of the session that is on, else its newest bar's.

        A bar's columns within the newest ten sessions, and when it was collected; where a newer
        price is known it stands in close and volume, with its base price and session.
        """
        sessions = _last_sessions(10)
        last = [table_of(LastPrice).c[name].label(f"last_{name}") for name in _LAST]
        query = (
            select(*table_of(DailyBar).c, Collection.collected_at, *last)
            .ext(distinct_on(DailyBar.ticker))
            .join(sessions, sessions.c.session == DailyBar.session)
            .outerjoin(Collection, Collection.id == DailyBar.collection_id)
            .outerjoin(LastPrice, LastPrice.ticker == DailyBar.ticker)
            .where(DailyBar.ticker.in_(tickers))
            .order_by(DailyBar.ticker, DailyBar.session.desc())
        )
        return [_priced(row) for row in self._rows(query)]

    def bars(self, ticker: str, sessions: int) -> pl.DataFrame:
        """A stock's bars of the newest sessions that are stored, as traded, oldest first."""
        newest = _last_sessions(sessions)
        query = (
            select(*(table_of(DailyBar).c[name] for name in _BARS))
            .join(newest, newest.c.session == DailyBar.session)
            .where(DailyBar.ticker == ticker)
            .order_by(DailyBar.session)
        )
        rows = [tuple(row) for row in self._connection.execute(query)]
        return pl.DataFrame(rows, schema=_BARS, orient="row")

    def net_buying(self, ticker: str, sessions: int) -> list[dict[str, Any]]:
        """The newest version of a stock's net buying in the newest sessions, oldest first."""
        newest = _last_sessions(sessions)
        query = (
            select(*table_of(NetBuyingRow).c)
            .ext(distinct_on(NetBuyingRow.session))
            .join(newest, newest.c.session == NetBuyingRow.session)
            .where(NetBuyingRow.ticker == ticker)
            .order_by(NetBuyingRow.session, NetBuyingRow.known_at.desc())
        )
        return self._rows(query)

    def smart_money(self, ticker: str) -> dict[str, Any] | None:
        """The smart-money part of the stock's vcp signal in the newest slot scanned, if it is one.

        The scores of stocks that aren't signals are not stored.
        """
        newest = (
            select(ScanRun.session, ScanRun.as_of)
            .where(ScanRun.scanner == "vcp", ScanRun.status == "completed")
            .order_by(ScanRun.session.desc(), ScanRun.as_of.desc())
            .limit(1)
            .subquery()
        )
        query = (
            select(Signal.parts["smart_money"])
            .join(newest, (newest.c.session == Signal.session) & (newest.c.as_of == Signal.as_of))
            .where(Signal.scanner == "vcp", Signal.ticker == ticker, Signal.status != "withdrawn")
        )
        part: dict[str, Any] | None = self._connection.scalar(query)
        return part

    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(query).mappings()]


def _priced(row: dict[str, Any]) -> dict[str, Any]:
    price, rate, volume, at = (row.pop(f"last_{name}") for name in _LAST)
    if at is None or at.astimezone(SEOUL).date() <= row["session"]:
        return row
    base = None if rate is None else round(price / (1 + rate / 100))
    priced = {"close": price, "base": base, "volume": volume, "collected_at": at}
    return row | priced | {"session": at.astimezone(SEOUL).date()}


def _newest_versions() -> Select[Any]:
    version, flags = InstrumentVersion, InstrumentFlagSet
    newest_flags = (
        select(flags.flags)
        .where(flags.ticker == version.ticker)
        .order_by(flags.since.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            version.ticker,
            version.name,
            version.market,
            func.coalesce(version.sector, Listing.sector).label("sector"),
            version.kind,
            Listing.delisted,
            newest_flags.label("flags"),
        )
        .ext(distinct_on(version.ticker))
        .outerjoin(Listing, Listing.ticker == version.ticker)
        .order_by(version.ticker, version.since.desc())
    )


def _last_sessions(count: int) -> CTE:
    """The newest sessions with bars; one look-up in the key each, however many years are stored."""
    found = select(func.max(DailyBar.session).label("session"), literal(1).label("n")).cte(
        "last_sessions", recursive=True
    )
    before = (
        select(func.max(DailyBar.session))
        .where(DailyBar.session < found.c.session)
        .scalar_subquery()
    )
    return found.union_all(
        select(before, found.c.n + 1).where(found.c.session.is_not(None), found.c.n < count)
    )
