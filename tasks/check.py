"""Checking what was collected, together with what is stored, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from db import Database
from logs import get as logger
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import DailyBars
from settings import Settings
from tasks.checks import MEAN_OF, Check, check_sessions
from tasks.step import step
from tasks.windows import window_start


@dataclass(frozen=True)
class Verdict:
    """The checks of all sessions asked for."""

    checks: Sequence[Check]

    def refused(self, session: date) -> str:
        """Why a session may not be published, with figures; empty when it may."""
        return "; ".join(
            f"{c.name}: {c.detail}" for c in self.checks if c.session == session and not c.ok
        )

    def keeping(self, data: MarketData, published: Sequence[date]) -> MarketData:
        """The data less the bars of refused sessions that are not published all the same."""
        bad = [c.session for c in self.checks if not c.ok and c.session not in published]
        bars = data.bars.filter(~pl.col("session").is_in(bad))
        return replace(data, bars=DailyBars.cast(bars))


@step("check", timeout=300)
def check(
    db: Database,
    data: MarketData | None,
    sessions: Sequence[date],
    *,
    calendar: TradingCalendar,
    settings: Settings,
) -> Verdict:
    """Check the bars of `sessions`, the last of which is the one to publish."""
    start = window_start(calendar, sessions[0], MEAN_OF + 5)
    stored = db.read_market_data(start, sessions[-1], net_buying_from=sessions[-1])
    bars: pl.DataFrame = stored.bars
    flags: pl.DataFrame = stored.flags
    if data is not None:
        fresh = data.bars.filter(pl.col("session") >= start)
        kept = bars.join(fresh, on=["session", "ticker"], how="anti")
        bars = pl.concat([kept, fresh.select(kept.columns)])
        flags = pl.concat([flags, data.flags]).unique()
    checks = check_sessions(bars, flags, sessions, calendar=calendar, settings=settings)
    for found in checks:
        if not found.ok:
            logger().warning(
                "check failed", of=found.session.isoformat(), check=found.name, seen=found.detail
            )
    return Verdict(checks)
