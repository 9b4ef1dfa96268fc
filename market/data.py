"""The market's data as they cross from sources and db to the scanners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import dataframely as dy

from market.schemas import (
    DailyBars,
    IndexBars,
    InstrumentFlags,
    Instruments,
    NetBuying,
    News,
)


@dataclass(frozen=True)
class MarketData:
    """Frames over a range of sessions. `news` is None when no news source is configured.

    From the session `flags_from` on `flags` are all designations; before it, or with None anywhere,
    a stock that isn't among them may have some. What is stored always has all that are known.
    `news_of` are the stocks whose news is known where it was asked for by name; None: all are.
    """

    bars: dy.DataFrame[DailyBars]
    instruments: dy.DataFrame[Instruments]
    flags: dy.DataFrame[InstrumentFlags]
    net_buying: dy.DataFrame[NetBuying]
    index_bars: dy.DataFrame[IndexBars]
    news: dy.DataFrame[News] | None = None
    news_of: frozenset[str] | None = None
    flags_from: date | None = None


def nothing() -> MarketData:
    """No rows of anything."""
    return MarketData(
        bars=DailyBars.create_empty(),
        instruments=Instruments.create_empty(),
        flags=InstrumentFlags.create_empty(),
        net_buying=NetBuying.create_empty(),
        index_bars=IndexBars.create_empty(),
    )
