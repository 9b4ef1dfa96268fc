"""Real bars as traded with a long past: 2024-25 directly followed by early 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import realdata
from paths import Market

from market.asof import Slot
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, Instruments, Schedule

PAST = date(2025, 6, 16)  # the session after it was saved while the market was open
LAST = date(2026, 2, 20)  # then sessions are missing


def spliced_market(real_data: Path, tickers: list[str], slot: Slot = Slot.CLOSE) -> Market:
    """All sessions to PAST count as traded; the next one is 2026-01-02, with its own base.

    So every stock has one more ex-rights day at the joint, beside the real ones after it, and
    enough rows before the 2026 figures (values, net buying in won) for every window.
    """
    past = realdata.adjusted_market(real_data, last=PAST, tickers=tickers)
    recent = realdata.raw_market(real_data, last=LAST, tickers=tickers)
    before = pl.col("close").shift(1).over("ticker", order_by="session")
    bars = past.bars.with_columns(adjusted=pl.lit(False), base=before.fill_null(pl.col("close")))
    first = bars["session"].min()
    assert isinstance(first, date)
    data = MarketData(
        bars=DailyBars.validate(pl.concat([bars, recent.bars])),
        instruments=Instruments.validate(
            recent.instruments.with_columns(since=pl.lit(first, pl.Date))
        ),
        flags=recent.flags,
        net_buying=recent.net_buying,
        index_bars=IndexBars.validate(pl.concat([past.index_bars, recent.index_bars])),
    )
    moments = pl.concat(
        [realdata.schedule_of(replace(data, bars=part.bars), slot) for part in (past, recent)]
    )
    return Market(data, Schedule.validate(moments), {})
