"""The sample market within a session: each stock on its way from the open to the close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

import dataframely as dy
import polars as pl

from errors import SourceUnavailable
from market.calendar import SessionHours, TradingCalendar
from market.data import MarketData
from market.prices import round_nearest_expr
from market.schemas import INSTANT, DailyBars, IndexBars, NetBuying
from sources.protocol import Listed
from sources.replay.played import Snapshot
from sources.sample import ORIGIN, SampleSource

# (share of the session that has passed, share of its volume traded by then); the closing
# auction brings the rest. As in market hours of ten real sessions of March 2026.
TRADED: Final = ((0.0, 0.0), (0.077, 0.12), (0.154, 0.25), (0.308, 0.43), (0.462, 0.57),
                 (0.615, 0.68), (0.769, 0.80), (0.974, 0.95))  # fmt: skip
AUCTION: Final = TRADED[-1][0]
TOTALS: Final = ("volume", "value")


class SimulatedMarket:
    """Prices go in straight lines from the open over low and high to the close, by each stock's
    own times; what is shown at a moment depends on nothing that comes later."""

    def __init__(self, calendar: TradingCalendar, source: SampleSource, last: date) -> None:
        self._calendar = calendar
        self._source = source
        self._last = last
        self._day = lru_cache(maxsize=2)(self._read)

    @property
    def sessions(self) -> list[date]:
        """All of the sample market up to the newest that is over."""
        return self._calendar.sessions(ORIGIN, self._last)

    def listed(self, session: date) -> Listed:
        """What is listed in `session`."""
        data = self._day(session)
        return Listed(data.instruments, data.flags)

    def at(self, session: date, moment: datetime) -> Snapshot:
        """The market at `moment`.

        Raises:
            SourceUnavailable: the session hasn't opened.
        """
        hours = self._calendar.hours(session)
        if moment <= hours.open:
            raise SourceUnavailable(f"sample market: {session} opens at {hours.open:%H:%M}")
        data = self._day(session)
        if moment >= hours.close:
            return Snapshot(moment, _seen(data.bars, moment), data.index_bars)
        passed = _passed(hours, moment)
        traded = pl.col("volume") > 0

        def price(name: str, halted: str) -> pl.Expr:
            tick = round_nearest_expr(pl.col(name)).clip("low", "high")
            return pl.when(traded).then(tick).otherwise(halted).cast(pl.Int64)

        bars = _on_the_way(data.bars, "ticker", passed).select(
            "session",
            "ticker",
            "open",
            "volume",
            "value",
            "base",
            "listed_shares",
            "adjusted",
            "source",
            high=price("top", "high"),
            low=price("bottom", "low"),
            close=price("now", "close"),
        )
        so_far = ((pl.col(name) * _traded(passed)).ceil().cast(pl.Int64) for name in TOTALS)
        bars = bars.with_columns(
            *so_far,
            market_cap=pl.col("listed_shares") * pl.col("close"),
            collected_at=pl.lit(moment.astimezone(UTC), INSTANT),
        ).select(DailyBars.column_names())
        index = _on_the_way(
            data.index_bars.with_columns(pl.col("index").cast(pl.String)), "index", passed
        ).select(
            "session",
            "index",
            "open",
            high=pl.col("top").round(2),
            low=pl.col("bottom").round(2),
            close=pl.col("now").round(2),
            volume=(pl.col("volume") * _traded(passed)).ceil().cast(pl.Int64),
            value=(pl.col("value") * _traded(passed)).ceil().cast(pl.Int64),
        )
        return Snapshot(moment, DailyBars.validate(bars), IndexBars.validate(index, cast=True))

    def history(self, first: date, last: date) -> MarketData:
        """The sample market's own."""
        return self._source.history(first, last)

    def net_buying(
        self, session: date, tickers: Iterable[str] | None, moment: datetime
    ) -> dy.DataFrame[NetBuying]:
        """The day's own, by the share traded so far until it was published."""
        hours = self._calendar.hours(session)
        found: pl.DataFrame = self._day(session).net_buying
        if tickers is not None:
            found = found.filter(pl.col("ticker").is_in(list(tickers)))
        known = found.filter(pl.col("known_at") <= moment.astimezone(UTC))
        if known.height or moment <= hours.open:
            return NetBuying.cast(known)
        share = 1.0 if moment >= hours.close else _traded(_passed(hours, moment))
        figures = [name for name in found.columns if name.endswith(("_won", "_shares"))]
        return NetBuying.cast(
            found.with_columns(
                *((pl.col(name) * share).cast(pl.Int64) for name in figures),
                known_at=pl.lit(moment.astimezone(UTC), INSTANT),
                provisional=pl.lit(True),
            )
        )

    def _read(self, session: date) -> MarketData:
        data = self._source.history(session, session)
        return replace(data, bars=DailyBars.cast(data.bars.sort("ticker")))


def _seen(bars: pl.DataFrame, moment: datetime) -> dy.DataFrame[DailyBars]:
    when = pl.lit(moment.astimezone(UTC), INSTANT)
    return DailyBars.cast(bars.with_columns(collected_at=when))


def _passed(hours: SessionHours, moment: datetime) -> float:
    return (moment - hours.open) / (hours.close - hours.open)


def _traded(passed: float) -> float:
    """The share of the session's volume traded by then; nothing trades before the auction ends."""
    now = min(passed, AUCTION)
    for (start, low), (end, high) in pairwise(TRADED):
        if now <= end:
            return low + (high - low) * (now - start) / (end - start)
    return TRADED[-1][1]


def _on_the_way(bars: pl.DataFrame, name: str, passed: float) -> pl.DataFrame:
    """The bars with `now`, and with `top` and `bottom` reached so far.

    Half of them reach their low first; both extremes come at times of their own.
    """
    draw = pl.col(name).hash(seed=1)
    first = 0.05 + (draw % 1000) / 1000 * 0.35
    second = 0.50 + (draw // 1000 % 1000) / 1000 * 0.40
    low_first = draw // 1_000_000 % 2 == 0
    one = pl.when(low_first).then("low").otherwise("high")
    other = pl.when(low_first).then("high").otherwise("low")
    t = min(passed, AUCTION)

    def line(start: pl.Expr, end: pl.Expr, since: pl.Expr, until: pl.Expr) -> pl.Expr:
        return start + (end - start) * ((t - since) / (until - since)).clip(0.0, 1.0)

    opened, zero = pl.col("open"), pl.lit(0.0)
    end = pl.lit(1.0)
    return (
        bars.with_columns(one=one, other=other, first=first, second=second)
        .with_columns(
            now=pl.when(t < pl.col("first"))
            .then(line(opened, pl.col("one"), zero, pl.col("first")))
            .when(t < pl.col("second"))
            .then(line(pl.col("one"), pl.col("other"), pl.col("first"), pl.col("second")))
            .otherwise(line(pl.col("other"), pl.col("close"), pl.col("second"), end)),
            at_one=pl.when(t >= pl.col("first")).then("one"),
            at_other=pl.when(t >= pl.col("second")).then("other"),
        )
        .with_columns(
            top=pl.max_horizontal("open", "now", "at_one", "at_other"),
            bottom=pl.min_horizontal("open", "now", "at_one", "at_other"),
        )
    )
