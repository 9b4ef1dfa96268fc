"""Per stock: traded rows, segments, adjusted prices, net buying as known, who is left out."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl
from reference.common import LOOKBACK, deviation, ge, gt, mean

from market.data import MarketData

MAX_MISSING = 5
MAX_HALT = 20
FAILED_ADJUSTMENT = 0.31
MIN_ROWS = 60
SESSIONS_AFTER_LISTING = 5

Net = dict[str, float | None]


@dataclass
class Row:
    """One traded bar: adjusted prices and volume, and what stays as traded."""

    session: date
    index: int  # position of the session in the schedule
    open: float
    high: float
    low: float
    close: float
    volume: float
    cumulative: float  # adjusted = traded x cumulative
    traded_close: int
    value: int
    value_estimated: bool
    base: float | None  # as traded
    change: float | None
    net_live: Net | None = None  # known at this session's own as-of
    net_settled: Net | None = None  # known at the next session's as-of
    history: int = 0  # traded rows of the stock in the last LOOKBACK sessions, segments aside


@dataclass(repr=False)
class Segment:
    rows: list[Row] = field(default_factory=list)

    @cached_property
    def band_width(self) -> list[float | None]:
        """4 x sd20 / sma20 of the close at each row."""
        closes = [r.close for r in self.rows]
        widths: list[float | None] = []
        for i in range(len(closes)):
            window = closes[max(0, i - 19) : i + 1]
            widths.append(4 * deviation(window) / mean(window) if len(window) == 20 else None)
        return widths

    @cached_property
    def swing_highs(self) -> list[int]:
        """Rows higher than the five before and not lower than the five after."""
        highs = [r.high for r in self.rows]
        return [
            i
            for i in range(5, len(highs) - 5)
            if all(gt(highs[i], before) for before in highs[i - 5 : i])
            and all(ge(highs[i], after) for after in highs[i + 1 : i + 6])
        ]


@dataclass
class View:
    """What a scanner may look at when it scores the row t: nothing newer, nothing too old."""

    segment: Segment
    t: int

    @cached_property
    def start(self) -> int:
        rows, oldest = self.segment.rows, self.row.index - LOOKBACK + 1
        i = self.t
        while i > 0 and rows[i - 1].index >= oldest:
            i -= 1
        return i

    @property
    def row(self) -> Row:
        return self.segment.rows[self.t]

    @property
    def n(self) -> int:
        return self.t - self.start + 1

    def back(self, w: int) -> Row | None:
        """The row w rows before t."""
        return self.segment.rows[self.t - w] if self.n > w else None

    def last(self, column: str, w: int, *, shift: int = 0) -> list[float] | None:
        """The w values that end `shift` rows before t, or None where there are fewer."""
        end = self.t - shift + 1
        if end - w < self.start:
            return None
        return [getattr(r, column) for r in self.segment.rows[end - w : end]]

    def sma(self, column: str, w: int, *, shift: int = 0) -> float | None:
        values = self.last(column, w, shift=shift)
        return None if values is None else mean(values)

    def last_net(self, count: int) -> tuple[list[Row], list[Net]] | None:
        """The `count` sessions that end at q, with their net buying; None where one is missing."""
        rows = self.segment.rows
        if self.row.net_live is not None:
            q = self.t
        elif self.n > 1 and rows[self.t - 1].net_settled is not None:
            q = self.t - 1
        else:
            return None
        if q - count + 1 < self.start:
            return None
        used = rows[q - count + 1 : q + 1]
        nets = [r.net_live if r is self.row else r.net_settled for r in used]
        known = [net for net in nets if net is not None]
        return (used, known) if len(known) == count else None


@dataclass(repr=False)
class Panel:
    """All stocks; `places` says where in which segment a stock's row of a session is.

    `unusable` are stored rows that aren't traded or whose prices contradict each other.
    """

    sessions: list[date]
    as_of: dict[date, datetime]
    places: dict[tuple[date, str], View]
    unusable: dict[tuple[date, str], str]
    listed: dict[date, set[str]]
    _instruments: dict[str, list[dict[str, Any]]]
    _flags: dict[str, list[dict[str, Any]]]

    def instrument(self, ticker: str, session: date) -> dict[str, Any] | None:
        rows = [r for r in self._instruments.get(ticker, []) if r["since"] <= session]
        return rows[-1] if rows else None

    def flags(self, ticker: str, session: date) -> set[str]:
        return {
            r["flag"]
            for r in self._flags.get(ticker, [])
            if r["since"] <= session and (r["until"] is None or session < r["until"])
        }

    def why_left_out(self, ticker: str, session: date, *, trading: bool) -> str | None:
        """The reason, or None for a stock that is scanned."""
        instrument = self.instrument(ticker, session)
        view = self.places.get((session, ticker))
        flags = self.flags(ticker, session)
        if instrument is None:
            return "unknown_instrument"
        if instrument["kind"] != "common":
            return str(instrument["kind"])
        if instrument["market"] == "KONEX":
            return "konex"
        for flag in ("administrative", "liquidation", "halted"):
            if flag in flags:
                return flag
        if view is None:
            return self.unusable.get((session, ticker), "no_data")
        if instrument["listed"] is not None and instrument["listed"] >= self.sessions[0]:
            since = sum(instrument["listed"] <= s <= session for s in self.sessions)
            if since <= SESSIONS_AFTER_LISTING:
                return "new_listing"
        if view.row.history < MIN_ROWS:
            return "short_history"
        for flag in ("caution", "single_price", "risk"):
            if trading and flag in flags:
                return flag
        return None

    def eligible(self, session: date, *, trading: bool) -> Iterator[tuple[str, View]]:
        for ticker in sorted(self.listed[session]):
            if self.why_left_out(ticker, session, trading=trading) is None:
                yield ticker, self.places[session, ticker]


def build(data: MarketData, schedule: pl.DataFrame) -> Panel:
    moments = sorted(schedule.iter_rows())
    sessions = [session for session, _ in moments]
    as_of = dict(moments)
    stored: dict[str, list[dict[str, Any]]] = defaultdict(list)
    listed: dict[date, set[str]] = {s: set() for s in sessions}
    unusable = {}
    for bar in data.bars.sort("ticker", "session").to_dicts():
        listed[bar["session"]].add(bar["ticker"])
        place = bar["session"], bar["ticker"]
        if bar["volume"] == 0 or bar["open"] == 0:
            unusable[place] = "halted"
        if _ordered(bar):
            stored[bar["ticker"]].append(bar)
        else:
            unusable[place] = "bad_prices"
    live, settled = _net_buying(data.net_buying, sessions, as_of)
    instruments = _by_ticker(data.instruments.sort("ticker", "since"))
    places = {}
    for ticker, bars in stored.items():
        segments = _segments(bars, {s: i for i, s in enumerate(sessions)})
        traded = [row.index for segment in segments for row in segment.rows]
        for segment in segments:
            for i, row in enumerate(segment.rows):
                row.history = sum(row.index - LOOKBACK < j <= row.index for j in traded)
                row.net_live = live.get((ticker, row.session))
                row.net_settled = settled.get((ticker, row.session))
                places[row.session, ticker] = View(segment, i)
    for ticker, rows in instruments.items():
        for s in sessions:
            now = [r for r in rows if r["since"] <= s]
            if now and _on_the_list(now[-1], s):
                listed[s].add(ticker)
    return Panel(sessions, as_of, places, unusable, listed, instruments, _by_ticker(data.flags))


def _by_ticker(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in frame.to_dicts():
        groups[row["ticker"]].append(row)
    return groups


def _on_the_list(instrument: dict[str, Any], session: date) -> bool:
    listed, delisted = instrument["listed"], instrument["delisted"]
    return (listed is None or listed <= session) and (delisted is None or session < delisted)


def _ordered(bar: dict[str, Any]) -> bool:
    """Open, high, low and close in order, but for two won or 0.1 %."""
    if bar["volume"] == 0 or bar["open"] == 0:
        return True
    prices = [bar[name] for name in ("open", "high", "low", "close")]
    return all(
        off <= max(2, 0.001 * bar["close"])
        for off in (max(prices) - bar["high"], bar["low"] - min(prices))
    )


def _segments(bars: list[dict[str, Any]], index: dict[date, int]) -> list[Segment]:
    cumulative = [1.0] * len(bars)
    for i in range(len(bars) - 1, 0, -1):
        bar, before = bars[i], bars[i - 1]
        consecutive = index[bar["session"]] - index[before["session"]] == 1
        factor = 1.0
        if consecutive and not bar["adjusted"] and bar["base"] is not None:
            factor = bar["base"] / before["close"]
        cumulative[i - 1] = cumulative[i] * factor
    segments: list[Segment] = []
    halted = 0
    for bar, factor in zip(bars, cumulative, strict=True):
        if bar["volume"] == 0 or bar["open"] == 0:
            halted += 1
            continue
        row = _row(bar, index[bar["session"]], factor)
        previous = segments[-1].rows[-1] if segments else None
        if previous is not None:
            missing = row.index - previous.index - 1 - halted
            moved = row.close / previous.close - 1
            failed = bar["adjusted"] and halted > 0 and gt(abs(moved), FAILED_ADJUSTMENT)
            if missing > MAX_MISSING or halted > MAX_HALT or failed:
                previous = None
        if previous is None:
            segments.append(Segment())
        elif bar["adjusted"]:
            row.base = previous.traded_close
            row.change = row.close / previous.close - 1
        segments[-1].rows.append(row)
        halted = 0
    return segments


def _row(bar: dict[str, Any], index: int, factor: float) -> Row:
    prices = [bar[name] for name in ("open", "high", "low", "close")]
    base = None if bar["adjusted"] else bar["base"]
    estimated = bar["value"] is None
    return Row(
        session=bar["session"],
        index=index,
        open=bar["open"] * factor,
        high=max(prices) * factor,
        low=min(prices) * factor,
        close=bar["close"] * factor,
        volume=bar["volume"] / factor,
        cumulative=factor,
        traded_close=bar["close"],
        value=bar["close"] * bar["volume"] if estimated else bar["value"],
        value_estimated=estimated,
        base=base,
        change=None if base is None else bar["close"] / base - 1,
    )


def _net_buying(
    frame: pl.DataFrame, sessions: list[date], as_of: dict[date, datetime]
) -> tuple[dict[tuple[str, date], Net], dict[tuple[str, date], Net]]:
    """Newest version at the session's own as-of, and at the next session's."""
    versions: dict[tuple[str, date], list[dict[str, Any]]] = defaultdict(list)
    for row in frame.sort("known_at").to_dicts():
        versions[row["ticker"], row["session"]].append(row)
    live, settled = {}, {}
    for (ticker, session), rows in versions.items():
        at = bisect_right(sessions, session)
        for moment, into in (
            (as_of.get(session), live),
            (as_of[sessions[at]] if at < len(sessions) else None, settled),
        ):
            known = [r for r in rows if moment is not None and r["known_at"] <= moment]
            if known:
                into[ticker, session] = known[-1]
    return live, settled
