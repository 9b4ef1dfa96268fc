"""Bulk reads: whole sessions, packed, only what is needed, to Polars."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    Select,
    case,
    func,
    select,
)
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
from db.packed import Packing
from db.packed_bars import DETAILS, packed_query, packing, unpacked_sessions
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying, News

Query: TypeAlias = Select[*tuple[Any, ...]]
Rows: TypeAlias = list[tuple[Any, ...]]
Connect: TypeAlias = Callable[[str | None], AbstractContextManager[Connection]]
"""Opens a transaction that reads: its own state of the database, or an exported one's."""


def read_market_data(
    connect: Connect,
    first: date,
    last: date,
    known_by: datetime | None,
    *,
    details_from: date | None,
    net_buying_from: date | None,
    news: bool,
) -> MarketData:
    """See `Database.read_market_data`. Two connections, since one keeps one core busy."""
    split = min(max(first, details_from or first), last + timedelta(days=1))
    before = split - timedelta(days=1)
    plain, detailed, flow = packing(details=False), packing(details=True), _net_buying()
    bought: ColumnElement[bool] = NetBuyingRow.session.between(
        max(first, net_buying_from or first), last
    )
    if known_by is not None:
        bought = bought & (NetBuyingRow.known_at <= known_by)
    index_bars = select(*table_of(IndexBar).c).where(IndexBar.session.between(first, last))
    tables = {
        "collections": select(*table_of(Collection).c),
        "instruments": _instruments(last),
        "flags": _flag_sets(last),
        "index_bars": index_bars,
        "news": _news(last, known_by) if news else _news(last, known_by).limit(0),
    }
    with connect(None) as connection:
        changed = unpacked_sessions(connection, first, last)
        newer = bisect_left(changed, split)
        old = [packed_query(first, before, details=False), *_packing(plain, changed[:newer])]
        recent = [packed_query(split, last, details=True), *_packing(detailed, changed[newer:])]
        # The longest first.
        rows = _fetched(
            connection,
            connect,
            {"bought": [flow.query(bought)], "old": old, "recent": recent}
            | {name: [query] for name, query in tables.items()},
        )
    sessions = [plain.unpacked(rows["old"]), detailed.unpacked(rows["recent"])]
    found = {name: _frame(rows[name], query) for name, query in tables.items()}
    return MarketData(
        bars=DailyBars.cast(_whole_bars(sessions, found["collections"])),
        instruments=Instruments.cast(found["instruments"]),
        flags=InstrumentFlags.cast(_flags(found["flags"])),
        net_buying=NetBuying.cast(flow.unpacked(rows["bought"])),
        index_bars=IndexBars.cast(found["index_bars"]),
        news=News.cast(found["news"]) if news else None,
    )


def _fetched(
    one: Connection, connect: Connect, queries: Mapping[str, Sequence[Query]]
) -> dict[str, Rows]:
    """The rows of each name's queries, all of the state of the database that `one` sees."""
    waiting = deque((name, query) for name, some in queries.items() for query in some)
    rows: dict[str, Rows] = {name: [] for name in queries}

    def work(connection: Connection) -> None:
        # Two connections share the cores already; workers besides would only get in the way.
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        raw: Any = connection.connection.driver_connection
        while waiting:
            try:
                name, query = waiting.popleft()
            except IndexError:  # the other one took the last
                return
            with raw.cursor(binary=True) as cursor:
                rows[name].extend(cursor.stream(_as_text(query)))

    with ThreadPoolExecutor(1) as thread:
        snapshot = one.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        with connect(snapshot) as two:
            other = thread.submit(work, two)
            try:
                work(one)
            finally:
                waiting.clear()
                other.exception()
            other.result()
    return rows


def _packing(how: Packing, sessions: Sequence[date]) -> list[Query]:
    """The bars of sessions that aren't packed, in two halves, for the two connections."""
    middle = len(sessions) // 2
    halves = [half for half in (sessions[:middle], sessions[middle:]) if half]
    return [how.query(DailyBar.session.in_(half)) for half in halves]


def _as_text(query: Query) -> str:
    """The statement with its parameters written into it."""
    return str(
        query.compile(
            dialect=PGDialect_psycopg(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
    )


def _frame(rows: Rows, query: Query) -> pl.DataFrame:
    schema = {column.name: _type_of(column.type) for column in query.selected_columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _type_of(kind: Any) -> pl.DataType | type[pl.DataType]:
    match kind:
        case Boolean():
            return pl.Boolean
        case Date():
            return pl.Date
        case DateTime():
            return pl.Datetime("us", "UTC")
        case Double():
            return pl.Float64
        case Integer():
            return pl.Int64
        case _:
            return pl.String


def _net_buying() -> Packing:
    table = table_of(NetBuyingRow)
    keys = [table.c.session, table.c.source]
    return Packing(
        table, keys, [c for c in table.c if c.name not in ("session", "ticker", "source")]
    )


def _whole_bars(parts: Sequence[pl.DataFrame], collections: pl.DataFrame) -> pl.DataFrame:
    """All bars, with the source and collected_at of each."""
    bars = pl.concat([part for part in parts if part.height] or parts, how="diagonal")
    number, end = bars["marked"].abs(), pl.col("id").max() + 1
    by_number = collections.select(id=pl.int_range(end.fill_null(0))).join(
        collections, on="id", how="left", maintain_order="left"
    )
    missing = [name for name in DETAILS if name not in bars.columns]
    return bars.with_columns(
        *[pl.lit(None, pl.Int64).alias(name) for name in missing],
        adjusted=bars["marked"] < 0,
        source=by_number["source"].gather(number),
        collected_at=by_number["collected_at"].gather(number),
    ).drop("marked")


def _news(last: date, known_by: datetime | None) -> Query:
    seen_on = func.date(func.timezone("Asia/Seoul", NewsItem.seen_at))
    query = select(*table_of(NewsItem).c).where(seen_on <= last)
    return query if known_by is None else query.where(NewsItem.seen_at <= known_by)


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
