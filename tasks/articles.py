"""News of the shortlist by name: what articles tell beside the whole market's disclosures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import dataframely as dy
import polars as pl

from db import Database
from errors import ClosebellError
from logs import get as logger
from market.clock import Clock
from market.data import MarketData
from market.schemas import News
from settings import Settings
from sources.naver.names import Names
from sources.naver.source import REACH, NaverSource
from tasks.beside import degraded
from tasks.sources import open_articles
from tasks.step import step

AT_MOST: Final = timedelta(seconds=15)
"""Of the decision's time: the net buying that is asked for next needs most of it."""


@dataclass(frozen=True)
class Asked:
    """The stocks whose articles were asked for, and what to say of it."""

    tickers: frozenset[str] = frozenset()
    notes: Sequence[str] = ()


@step("articles of the shortlist", timeout=25, retries=0)
def fetch_articles(
    db: Database,
    settings: Settings,
    tickers: Sequence[str],
    listed: Mapping[str, str],
    session: date,
    *,
    clock: Clock,
    until: datetime,
) -> Asked:
    """Store what articles tell of these stocks, best first, one call each, while there is time.

    Where a disclosure of the same verdict is known, or the same kind of event from another
    article, an article adds nothing.

    Args:
        listed: every listed stock's name.

    Returns:
        The stocks that were asked for, and what to say of them and the others.
    """
    with open_articles(settings, db, clock) as source:
        if source is None:
            return Asked()
        names = Names(listed)
        chosen = [ticker for ticker in tickers if names.askable(ticker)]
        until = min(until, clock.now() + AT_MOST)
        found, error = _asked_for(source, chosen, names, clock, until)
    told = db.read_market_data(session, session, net_buying_from=session, news=True).news
    assert told is not None
    fresh = _new(
        pl.concat([News.create_empty(), *found.values()]), told, clock.now().astimezone(UTC)
    )
    with db.transaction() as tx:
        tx.news.store(fresh)
        if found:
            tx.sources.succeeded(source.name)
    logger().info("articles read", asked=len(found), items=fresh.height)
    notes = [f"articles of {len(found)} of the best {len(tickers)}"]
    if error:
        notes.append(degraded(db, source.name, "what articles tell", error))
    elif left := len(chosen) - len(found):
        notes.append(f"no time for the articles of {left} more")
    if short := len(tickers) - len(chosen):
        notes.append(f"no articles of {short} whose name is too short or not theirs alone")
    return Asked(frozenset(found), notes)


def with_articles(db: Database, data: MarketData, session: date, asked: Asked) -> MarketData:
    """The data with what is known of news by now.

    Where no source tells the whole market's, that is the news of the stocks asked for.
    """
    if not asked.tickers:
        return data
    told = db.read_market_data(session, session, net_buying_from=session, news=True).news
    return replace(data, news=told, news_of=asked.tickers if data.news is None else None)


def names_of(data: MarketData, session: date) -> Mapping[str, str]:
    """The names in force of what is listed in `session`, by ticker."""
    gone = pl.col("delisted").is_not_null() & (pl.col("delisted") <= session)
    newest = data.instruments.filter(pl.col("since") <= session).sort("since")
    last = newest.group_by("ticker").last().filter(~gone)
    return dict(last.select("ticker", "name").iter_rows())


def _asked_for(
    source: NaverSource, tickers: Sequence[str], names: Names, clock: Clock, until: datetime
) -> tuple[Mapping[str, dy.DataFrame[News]], ClosebellError | None]:
    """What was found of each stock, as far as there was time and no error."""
    found: dict[str, dy.DataFrame[News]] = {}
    for ticker in tickers:
        if clock.now() >= until:
            break
        try:
            found[ticker] = source.news_of(ticker, names)
        except ClosebellError as error:
            return found, error
    return found, None


def _new(found: pl.DataFrame, told: pl.DataFrame, now: datetime) -> dy.DataFrame[News]:
    """Of what articles tell, what nothing known in the last seven days tells already."""
    recent = told.filter(pl.col("seen_at") > now - REACH)
    disclosed = recent.filter(pl.col("source") != NaverSource.name)
    kind = pl.col("id").str.replace(r":[^:]*$", "")  # without the day
    known = recent.select(kind=kind)
    return News.cast(
        found.join(disclosed, on=["ticker", "verdict"], how="anti")
        .with_columns(kind=kind)
        .join(known, on="kind", how="anti")
        .drop("kind")
    )
