"""Questions that only what was collected before can answer: do figures change afterwards?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from statistics import median
from typing import Final

import polars as pl

from market.clock import SEOUL
from market.schemas import DailyBars, NetBuying
from sources.kiwoom.rows import DayBar, ListedStock, StockQuote
from sources.probing import Answer

COLLECT: Final = "closebell run end-of-day after a close"
AFTER_MARKET_ENDS: Final = time(20)
BY_EVENT: Final = 0.02  # of all stocks: a base price is set anew after a split or a rights issue


@dataclass(frozen=True)
class Stored:
    """What closebell collected.

    Args:
        bars: DailyBars of the session that is shown and the one before it, each as Kiwoom told
            it after its close, whatever corrected it since.
        net_buying: every version known of the last session closed.
        split: a stock, and the session of its newest capital change, if one is known.
    """

    bars: pl.DataFrame = field(default_factory=DailyBars.create_empty)
    net_buying: pl.DataFrame = field(default_factory=NetBuying.create_empty)
    split: tuple[str, date] | None = None

    def of(self, session: date) -> Mapping[str, tuple[int, int]]:
        """Close (won) and volume (shares) by ticker."""
        rows = self.bars.filter(pl.col("session") == session).select("ticker", "close", "volume")
        return {ticker: (close, volume) for ticker, close, volume in rows.iter_rows()}


def moved_since_close(
    stored: Stored, session: date, newest: Mapping[str, DayBar], now: datetime
) -> Answer:
    """Whether ka10081's close and volume of `session` are still those stored after the close."""
    then = stored.of(session)
    both = [(then[t], bar) for t, bar in newest.items() if t in then and bar.session == session]
    if not both:
        return Answer(
            f"no bars of {session} as they stood at its close are stored to compare with",
            None,
            f"{COLLECT}, then this after 15:40, after 20:00 and on the next morning",
        )
    closes = sum(close != bar.close for (close, _), bar in both)
    volumes = [bar.volume / volume for (_, volume), bar in both if volume]
    grown = sum(ratio != 1 for ratio in volumes)
    ratio = f" ({median(volumes):.3f} times in the middle)" if grown else ""
    change = None
    if closes:
        change = (
            "bars fetched late aren't those of the regular session: collect at the close, or from"
            " KRX"
        )
    elif now < datetime.combine(session, AFTER_MARKET_ENDS, SEOUL):
        change = "the after-market ends at 20:00: ask again after that"
    return Answer(
        f"at {now:%m-%d %H:%M}, of {len(both)} stocks of {session} {closes} closes and {grown}"
        f" volumes differ from those stored after the close{ratio}",
        closes == 0,
        change,
    )


def base_is_last_close(
    stored: Stored,
    session: date,
    before: date,
    quotes: Iterable[StockQuote],
    listed: Mapping[str, ListedStock],
) -> Answer:
    """Whether base_pric and lastPrice of `session` are the close of the session before."""
    closes = {ticker: close for ticker, (close, _) in stored.of(before).items()}
    bases = {q.ticker: q.base_given for q in quotes if q.session == session and q.ticker in closes}
    if not bases:
        return Answer(
            f"no bars of {before} as they stood at its close are stored, or no quotes of"
            f" {session} came",
            None,
            f"{COLLECT}, then this while the next session is on",
        )
    off = [ticker for ticker, base in bases.items() if base != closes[ticker]]
    lasts = {ticker: one.last_close for ticker, one in listed.items() if ticker in closes}
    others = [ticker for ticker, last in lasts.items() if last != closes[ticker]]
    well = len(off) <= max(1, BY_EVENT * len(bases))
    return Answer(
        f"{len(bases) - len(off)} of {len(bases)} base_pric (ka10095) of {session} and"
        f" {len(lasts) - len(others)} of {len(lasts)} lastPrice (ka10099) are the close of"
        f" {before}" + (f"; not {', '.join((off or others)[:3])}" if off or others else ""),
        well,
        None if well else "the base isn't the close of 15:30: daily changes are of another price",
    )
