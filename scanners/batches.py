"""A market cut into batches of stocks, at a cost that doesn't depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from market.data import MarketData
from market.schemas import DailyBars, InstrumentFlags, Instruments, NetBuying, News
from scanners.universe import tickers_of


@dataclass(frozen=True)
class Batches:
    """The market by ranges of tickers, `size` of them each; may be gone through repeatedly."""

    data: MarketData
    tickers: pl.Enum
    size: int

    def __iter__(self) -> Iterator[MarketData]:
        ordered, data = self.tickers.categories, self.data
        bars, net_buying = self._sorted(data.bars), self._sorted(data.net_buying)
        for start in range(0, len(ordered), self.size):
            end = min(start + self.size, len(ordered))
            mine = pl.col("ticker").is_between(pl.lit(ordered[start]), pl.lit(ordered[end - 1]))
            yield replace(
                data,
                bars=DailyBars.cast(_taken(data.bars, bars, start, end)),
                instruments=Instruments.cast(data.instruments.filter(mine)),
                flags=InstrumentFlags.cast(data.flags.filter(mine)),
                net_buying=NetBuying.cast(_taken(data.net_buying, net_buying, start, end)),
                news=None if data.news is None else News.cast(data.news.filter(mine)),
            )

    def _sorted(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """The rows in order of their tickers, and the places of those tickers."""
        codes = frame["ticker"].cast(self.tickers, strict=False).to_physical().cast(pl.UInt32)
        codes = codes.fill_null(len(self.tickers.categories))
        order = codes.arg_sort()
        return order, codes.gather(order)


def batches_of(data: MarketData, rows: int) -> Batches:
    """Batches of about `rows` bars."""
    tickers = tickers_of(data)
    count = max(-(-len(data.bars) // max(rows, 1)), 1)
    return Batches(data, tickers, -(-len(tickers.categories) // count))


def _taken(
    frame: pl.DataFrame, ordered: tuple[pl.Series, pl.Series], start: int, end: int
) -> pl.DataFrame:
    order, codes = ordered
    low = int(codes.search_sorted(start, side="left"))
    high = int(codes.search_sorted(end - 1, side="right"))
    return frame[order[low:high]]
