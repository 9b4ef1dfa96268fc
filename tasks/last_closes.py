"""The stored closes of a session against what the market takes as the last ones next morning."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from prefect.artifacts import create_table_artifact

from db import Database
from logs import get as logger
from tasks.reconcile import SYSTEMATIC_SHARE
from tasks.step import step

NAMED: Final = 3


@step("last closes", timeout=120)
def last_closes_step(db: Database, session: date, shown: pl.DataFrame) -> list[str]:
    """Compare the bars of `session` with this morning's last closes; leave an artifact of the rest.

    Nothing is corrected: a difference may be the broker's (an ex-rights day, a list of the day
    before) as well as ours.

    Args:
        shown: ticker, close (won).

    Returns:
        What to say of it; nothing where no bars are stored.
    """
    bars = db.read_market_data(session, session, net_buying_from=session).bars
    both = bars.select("ticker", stored="close").join(
        shown.select("ticker", shown="close"), on="ticker"
    )
    if both.is_empty():
        return []
    off = both.filter(pl.col("stored") != pl.col("shown")).sort("ticker")
    same = both.height - off.height
    logger().info("last closes compared", of=str(session), same=same, differing=off.height)
    if off.height > SYSTEMATIC_SHARE * both.height:
        return [f"this morning's last closes aren't those of {session}: {same:,} agree"]
    words = f"{same:,} of {both.height:,} closes of {session} are this morning's last closes"
    if off.is_empty():
        return [words]
    create_table_artifact(
        key="last-closes",
        table=off.to_dicts(),
        description=f"Closes of {session} that aren't this morning's last closes",
    )
    named = "; ".join(f"{t} {ours:,} is {now:,}" for t, ours, now in off.head(NAMED).iter_rows())
    return [f"{words}, not {named}"]
