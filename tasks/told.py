"""A session's bars as a source told them right after its close, whatever corrected them since."""

from __future__ import annotations

from datetime import UTC, timedelta

import dataframely as dy
import polars as pl

from db import Database
from market.calendar import SessionHours
from market.schemas import DailyBars
from tasks.reconcile import FIELDS


def told(
    db: Database, source: str, hours: SessionHours, within: timedelta
) -> dy.DataFrame[DailyBars]:
    """Its bars as `source` told them, with that source's name; empty if it didn't.

    The official figures take the place of those they correct, which stay in the corrections: they
    are put back here. Figures that were only filled in (the value traded) stay as they are.

    Args:
        within: after the close; what was collected later may show another price.
    """
    until = (hours.close + within).astimezone(UTC)
    with db.reader() as tx:
        collected_at = tx.bars.collected_from(source, hours.close, until)
        trace = tx.corrections.of(hours.session)
    if collected_at is None:
        return DailyBars.create_empty()
    late = (pl.col("source") == source) & (pl.col("collected_at") > until)
    bars = db.read_market_data(hours.session, hours.session).bars.filter(~late)
    own = trace.filter(old_source=source).unique(["ticker", "field"], keep="first")
    for name in FIELDS:
        old = own.filter(field=name).select("ticker", old="old")
        bars = (
            bars.join(old, on="ticker", how="left")
            .with_columns(pl.coalesce("old", name).alias(name))
            .drop("old")
        )
    return DailyBars.cast(
        bars.with_columns(source=pl.lit(source), collected_at=pl.lit(collected_at.astimezone(UTC)))
    )
