"""A session's net buying as it is known now."""

from __future__ import annotations

from datetime import date

import dataframely as dy
import polars as pl

from db import Database
from logs import get as logger
from market.schemas import NetBuying
from sources.protocol import History, LiveSource
from tasks.source_artifact import noted
from tasks.step import step

FIGURES = [
    f"{who}_{unit}"
    for who in ("foreign", "institution", "individual")
    for unit in ("won", "shares")
]


@step("net buying", timeout=1800)
def net_buying_step(db: Database, source: History | None, session: date) -> int:
    """Store the whole market's net buying of a closed session; gives of how many stocks it's known.

    A version that says the same as the newest one stored isn't stored again.

    Raises:
        SourceUnavailable, BadMarketData: nothing was stored.
    """
    known = _newest(db, session)
    fresh = _collected(db, source, session)
    if fresh is not None:
        said = fresh.join(
            known, on=["ticker", *FIGURES, "provisional"], nulls_equal=True, how="anti"
        )
        with db.transaction() as tx:
            stored = tx.net_buying.store(NetBuying.cast(said))
        logger().info("net buying stored", rows=stored.stored, unchanged=fresh.height - said.height)
        known = pl.concat([known, fresh.select(known.columns)])
    return known["ticker"].n_unique()


def _collected(
    db: Database, source: History | None, session: date
) -> dy.DataFrame[NetBuying] | None:
    if source is None:
        return None
    if isinstance(source, LiveSource):
        with noted(db, f"{source.name} net buying"):
            return source.net_buying(session)
    return source.history(session, session).net_buying


def _newest(db: Database, session: date) -> pl.DataFrame:
    stored = db.read_market_data(session, session, net_buying_from=session).net_buying
    return stored.sort("known_at").unique("ticker", keep="last", maintain_order=True)
