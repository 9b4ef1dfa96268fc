"""The figures of settled signals, with what must be said of the data beside them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import polars as pl
import polars.selectors as cs

from db import Database
from db.repositories import Repositories
from outcomes.performance import ALL, performance
from outcomes.rules import TradeRules
from outcomes.survivorship import survivorship

DECIMALS = 6


def performance_report(
    db: Database,
    rules: TradeRules,
    *,
    scanners: Collection[str] | None = None,
    grades: Collection[str] | None = None,
    first: date | None = None,
    last: date | None = None,
) -> dict[str, Any] | None:
    """The figures of these signals as they were settled last; None where there are none.

    See `report_of`.
    """
    with db.reader() as tx:
        settled_to = tx.outcomes.settled_to()
        figures = tx.outcomes.figures(scanners=scanners, grades=grades, first=first, last=last)
        if settled_to is None or figures.is_empty():
            return None
        instruments = db.read_market_data(settled_to, settled_to).instruments
        return report_of(tx, figures, instruments, settled_to, rules)


def report_of(
    tx: Repositories,
    figures: pl.DataFrame,
    instruments: pl.DataFrame,
    settled_to: date,
    rules: TradeRules,
    period: str = ALL,
) -> dict[str, Any]:
    """period, settled_to, survivorship (a sentence), delisted_held, verdict (of Survivorship), and
    `performance` as groups.

    Args:
        figures: of the repository; at least one.
    """
    first = figures["session"].min()
    assert isinstance(first, date)
    stored = tx.bars.sessions(first, settled_to) or [first]
    bias = survivorship(tx.bars.last_seen(first, settled_to), stored, instruments)
    groups = performance(figures, rules.min_sample)
    return {
        "period": period,
        "settled_to": settled_to,
        "survivorship": bias.sentence,
        "delisted_held": bias.held,
        "verdict": bias.verdict,
        "groups": groups.with_columns(cs.float().round(DECIMALS)).to_dicts(),
    }
