"""Which news are known; imported by commands that need no Prefect."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from db.repositories import Repositories
from tasks.sources import NEWS

NEWS_DAYS: Final = timedelta(days=7)  # the reach of the scanners' rule news_days


def news_known(tx: Repositories, first: date, last: date, *, working: bool = True) -> bool:
    """Whether a source of news has been read without a gap over these days.

    `working`: and answers now, without which today's may be missing; history isn't changed by that.
    """
    return any(
        report.configured
        and not (working and report.degraded)
        and report.covers_from is not None
        and report.covers_to is not None
        and report.covers_from <= first
        and last <= report.covers_to
        for name in NEWS
        if (report := tx.sources.get(name))
    )
