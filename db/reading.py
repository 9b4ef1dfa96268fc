"""Bulk reads: PostgreSQL to Arrow to Polars, only what is needed, cast in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl
from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
from sqlalchemy import DateTime, Select, case, cast, func, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from db.models import (
    Collection,
    DailyBar,
    IndexBar,
    InstrumentFlagSet,
    InstrumentVersion,
    Listing,
    NetBuyingRow,
    NewsItem,
)
from db.models.base import table_of
from db.packed import packed, unpacked
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying, News

_STATEMENT_TIMEOUT = "120s"
_DETAILS = ("value", "listed_shares", "market_cap")

Query: TypeAlias = Select[*tuple[Any, ...]]


def read_market_data(
    url: str,
    first: date,
    last: date,
    known_by: datetime | None,
    *,
    details_from: date | None,
    net_buying_from: date | None,
    news: bool,
) -> MarketData:
    """See `Database.read_market_data`. Two connections, since one keeps one core busy."""
    middle = first + (last - first) / 2
    later = middle + timedelta(days=1)
    items = _news(first, last, known_by) if news else _news(first, last, known_by).limit(0)
    with _reading(url) as one, _reading(url, _export(one)) as two, ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(_fetch_all, two, [*_bars(first, middle, details_from)])
        bars = _fetch_all(one, [*_bars(later, last, details_from)])
        collections, versions, flag_sets, flow, index_bars, found_news = _fetch_all(
            one,
            [
                select(*table_of(Collection).c),
                _instruments(last),
                _flag_sets(last),
                _net_buying(max(first, net_buying_from or first), last, known_by),
                _between(table_of(IndexBar), first, last),
                items,
            ],
        )
        bars = [*waiting.result(), *bars]
    return MarketData(
        bars=DailyBars.cast(_whole_bars(bars, collections)),
        instruments=Instruments.cast(versions),
        flags=InstrumentFlags.cast(_flags(flag_sets)),
        net_buying=NetBuying.cast(flow),
        index_bars=IndexBars.cast(index_bars),
        news=News.cast(found_news) if news else None,
    )


@contextmanager
def _reading(url: str, snapshot: str | None = None) -> Iterator[Any]:
    """A cursor in a transaction that sees one state, or the state another one sees."""
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot is not None:
            cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        cursor.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
        # Two connections share the cores already; workers besides would only get in the way.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield cursor


def _export(cursor: Any) -> str:
    cursor.execute("SELECT pg_export_snapshot()")
    return str(cursor.fetchone()[0])


def _fetch_all(cursor: Any, queries: Iterable[Query]) -> list[pl.DataFrame]:
    return [_fetch(cursor, query) for query in queries]


def _fetch(cursor: Any, query: Query) -> pl.DataFrame:
    """Parameters are written into the statement: bound ones would keep the driver off COPY."""
    compiled = query.compile(
        dialect=PGDialect_psycopg(paramstyle="named"),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    cursor.execute(str(compiled))
    frame = pl.from_arrow(cursor.fetch_arrow_table())
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a query gives a table")
    return frame


def _bars(first: date, last: date, details_from: date | None) -> Iterator[Query]:
    """Whole sessions, packed; every column costs time, so `adjusted` travels as a sign."""
    table = table_of(DailyBar)
    marked = case((table.c.adjusted, -table.c.collection_id), else_=table.c.collection_id)
    unsent = ("session", "ticker", "collection_id", "adjusted", *_DETAILS)
    plain = [*(c for c in table.c if c.name not in unsent), marked.label("marked")]
    detailed = [table.c[name] for name in _DETAILS]
    split = min(max(first, details_from or first), last + timedelta(days=1))
    for columns, start, end in (
        (plain, first, split - timedelta(days=1)),
        ([*plain, *detailed], split, last),
    ):
        within = table.c.session.between(start, end)
        yield select(table.c.session, *packed(columns)).where(within).group_by(table.c.session)


def _whole_bars(parts: list[pl.DataFrame], collections: pl.DataFrame) -> pl.DataFrame:
    return (
        pl.concat([unpacked(part, ("base", *_DETAILS)) for part in parts], how="diagonal")
        .with_columns(id=pl.col("marked").abs().cast(pl.Int32), adjusted=pl.col("marked") < 0)
        .pipe(_collected, collections)
        .drop("id", "marked")
    )


def _collected(bars: pl.DataFrame, collections: pl.DataFrame) -> pl.DataFrame:
    """source and collected_at of each bar; most often all were collected at once."""
    if collections.height != 1:
        return bars.join(collections, on="id")
    once = collections.row(0, named=True)
    return bars.with_columns(
        source=pl.lit(once["source"]), collected_at=pl.lit(once["collected_at"])
    )


def _net_buying(first: date, last: date, known_by: datetime | None) -> Query:
    query = _between(table_of(NetBuyingRow), first, last)
    return query if known_by is None else query.where(NetBuyingRow.known_at <= known_by)


def _news(first: date, last: date, known_by: datetime | None) -> Query:
    """What was seen by the end of `last`; what was seen long before `first` counts no more."""
    reach = func.timezone("Asia/Seoul", cast(first - timedelta(days=31), DateTime))
    end = func.timezone("Asia/Seoul", cast(last + timedelta(days=1), DateTime))
    query = select(*table_of(NewsItem).c).where(NewsItem.seen_at >= reach, NewsItem.seen_at < end)
    return query if known_by is None else query.where(NewsItem.seen_at <= known_by)


def _between(table: Any, first: date, last: date) -> Query:
    return select(*table.c).where(table.c.session.between(first, last))


def _instruments(last: date) -> Query:
    version = InstrumentVersion
    return (
        select(
            version.ticker,
            version.since,
            version.name,
            version.market,
            version.kind,
            func.coalesce(version.sector, Listing.sector).label("sector"),
            # A code may be given out again: what was listed later or gone earlier is another.
            case((Listing.listed <= version.since, Listing.listed)).label("listed"),
            case((Listing.delisted > version.seen, Listing.delisted)).label("delisted"),
        )
        .outerjoin(Listing, Listing.ticker == version.ticker)
        .where(version.since <= last)
    )


def _flag_sets(last: date) -> Query:
    table = table_of(InstrumentFlagSet)
    return select(table.c.ticker, table.c.since, table.c.flags).where(table.c.since <= last)


def _flags(sets: pl.DataFrame) -> pl.DataFrame:
    """Versions of flag sets as one row a flag, from when it was set until it wasn't."""
    following = pl.col("since").shift(-1).over("ticker")
    each = (
        sets.sort("ticker", "since")
        .with_columns(until=following, flag=pl.col("flags").str.split(" "))
        .explode("flag")
        .filter(pl.col("flag") != "")
        .sort("ticker", "flag", "since")
    )
    goes_on = pl.col("since").eq_missing(pl.col("until").shift().over("ticker", "flag"))
    return (
        each.with_columns(run=(~goes_on).cum_sum())
        .group_by("run", maintain_order=True)
        .agg(pl.col("ticker", "flag", "since").first(), pl.col("until").last())
        .drop("run")
    )
