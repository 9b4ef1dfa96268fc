"""What is listed in a session, and under which designations, before it opens."""

from __future__ import annotations

from datetime import date

from db import Database
from logs import get as logger
from sources.protocol import Listed, LiveSource
from tasks.observations import of_market
from tasks.source_artifact import noted
from tasks.step import step


@step("listing", timeout=300)
def listing_step(db: Database, source: LiveSource, session: date) -> Listed:
    """Store the instruments and designations of `session`, and give them.

    Raises:
        SourceUnavailable, BadMarketData: nothing was stored.
    """
    with noted(db, source.name):
        listed = source.instruments(session)
    with db.transaction() as tx:
        stored = tx.instruments.observe(of_market(listed, session))
    logger().info("listing stored", stocks=listed.instruments.height, changed=stored.stored)
    return listed
