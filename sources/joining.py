"""Several stretches of a market's data as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

import dataframely as dy
import polars as pl

from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying

S = TypeVar("S", bound=dy.Schema)


def joined(parts: Sequence[MarketData]) -> MarketData:
    """All of them together, in order of time; of rows with the same key the last part's stands."""
    return MarketData(
        bars=_last(DailyBars, [part.bars for part in parts]),
        instruments=_last(Instruments, [part.instruments for part in parts]),
        flags=_last(InstrumentFlags, [part.flags for part in parts]),
        net_buying=_last(NetBuying, [part.net_buying for part in parts]),
        index_bars=_last(IndexBars, [part.index_bars for part in parts]),
        flags_from=_flags_from(parts),
    )


def _flags_from(parts: Sequence[MarketData]) -> date | None:
    """Where the last stretch begins of which all designations are known."""
    known = None
    for part in reversed(parts):
        if part.flags_from is None:
            break
        known = part.flags_from
    return known


def _last(schema: type[S], frames: Sequence[pl.DataFrame]) -> dy.DataFrame[S]:
    key = schema.primary_key()
    return schema.cast(pl.concat(frames).unique(key, keep="last", maintain_order=True).sort(key))
