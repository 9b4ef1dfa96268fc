"""The market's data as they cross from sources and db to the scanners."""

from __future__ import annotations

from dataclasses import dataclass

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

    `news_of` are the stocks whose news is known where it was asked for by name; None: all are.
    """

    bars: dy.DataFrame[DailyBars]
    instruments: dy.DataFrame[Instruments]
    flags: dy.DataFrame[InstrumentFlags]
    net_buying: dy.DataFrame[NetBuying]
    index_bars: dy.DataFrame[IndexBars]
    news: dy.DataFrame[News] | None = None
    news_of: frozenset[str] | None = None
