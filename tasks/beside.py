"""What is collected beside the prices: it may fail without the scan, but not unnoticed."""

from __future__ import annotations

from datetime import date

from db import Database
from errors import ClosebellError, outward
from logs import get as logger
from market.calendar import TradingCalendar
from market.clock import Clock
from settings import Settings
from sources.protocol import History, LiveSource, NewsSource
from tasks.news import NEWS_DAYS
from tasks.sources import INVENTED, open_news
from tasks.step import step


@step("collect beside", timeout=900, retries=0)
def collect_beside(
    db: Database,
    source: History | None,
    session: date,
    *,
    settings: Settings,
    calendar: TradingCalendar,
    clock: Clock,
) -> list[str]:
    """Read the news up to now, and the net buying of the session before if it isn't stored.

    Returns:
        What failed, in words for the run's notes; the parts that need it are missing then.
    """
    if source is not None and source.name in INVENTED:
        return []
    notes = read_news(db, settings, clock)
    if isinstance(source, LiveSource):
        notes += _net_buying_before(db, source, calendar.previous(session))
    return notes


def read_news(db: Database, settings: Settings, clock: Clock) -> list[str]:
    """Store what was published since the last reading, a week at most, seen now.

    Returns:
        A note on each source that failed.
    """
    today = clock.now().date()
    notes = []
    with open_news(settings, db, clock) as sources:
        for source in sources:
            try:
                _read(db, source, today)
            except ClosebellError as error:
                notes.append(degraded(db, source.name, "the news part", error))
    return notes


def degraded(db: Database, name: str, part: str, error: ClosebellError) -> str:
    """Note that a secondary source failed; gives the words for the run's notes."""
    logger().warning("a source is degraded", source=name, error=error.detail)
    with db.transaction() as tx:
        tx.sources.failed(name, outward(error))
    return f"{name} is degraded, {part} is missing: {outward(error)}"


def _read(db: Database, source: NewsSource, today: date) -> None:
    with db.reader() as tx:
        before = tx.sources.get(source.name)
    start = today - NEWS_DAYS
    covers_from = start
    if before and before.covers_from and before.covers_to and before.covers_to >= start:
        start, covers_from = before.covers_to, before.covers_from
    found = source.news(start, today)
    with db.transaction() as tx:
        stored = tx.news.store(found)
        tx.sources.succeeded(source.name, covers_from=covers_from, covers_to=today)
    logger().info("news read", source=source.name, since=str(start), items=stored.new)


def _net_buying_before(db: Database, source: LiveSource, session: date) -> list[str]:
    """Net buying of the last session but the one that is scanned, which scores with it."""
    stored = db.read_market_data(session, session, net_buying_from=session)
    if not stored.net_buying.is_empty():
        return []
    name = f"{source.name} net buying"
    try:
        found = source.net_buying(session)
    except ClosebellError as error:
        return [degraded(db, name, "what counts net buying", error)]
    with db.transaction() as tx:
        tx.net_buying.store(found)
        tx.sources.succeeded(name)
    return []
