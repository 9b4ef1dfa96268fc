"""Builds markets from stories: prices as turning points, and what happened on the way.

A stock's story (all rows are traded rows; halts and holes lie between them):
    path        "0:10000 200:20000 220:16000": closes at these rows, straight lines between,
                on the last row's price scale; a bar is one point (open = high = low = close)
    volume      "0:1200000 280:300000": shares from that row on (1,000,000)
    value       the same for won (left to the scanner, close x volume)
    bars        {"295": {"open": 9900, "volume": 5}}: these fields of that row
    split       {"250": 5}: a share became five that morning; all earlier prices were five times
                higher, and the exchange's base price says so
    halt, hole  {"245": 20}: after row 245, so many halted sessions, or sessions without a row
    adjusted    true: the source has adjusted the prices and knows no base
    net_buying  [{"rows": "290-294", "foreign": won, "institution": won, "unit": "won"|"shares",
                "known_after": sessions}]: known at 18:40, so many sessions later (0)
    market, kind, sector, flags, listed (row)
All stocks end with the market's last session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import dataframely as dy
import polars as pl

from market.data import MarketData
from market.schemas import (
    DailyBars,
    IndexBars,
    InstrumentFlags,
    Instruments,
    NetBuying,
    News,
    Schedule,
)

LAST_SESSION = date(2025, 6, 30)
KST = timedelta(hours=9)
EVENING = time(18, 40)
Story = dict[str, Any]


@dataclass(frozen=True)
class Market:
    """`rows` is ticker -> session -> the row it is in the stock's story."""

    data: MarketData
    schedule: dy.DataFrame[Schedule]
    rows: dict[str, dict[date, int]]

    @property
    def last(self) -> date:
        return self.schedule.row(-1)[0]

    def between(self, first: date, last: date) -> Market:
        """Only what lies between the two sessions, and what was known at the last one's as-of."""

        def cut(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.filter(pl.col("session").is_between(first, last))

        schedule = cut(self.schedule)
        data = replace(
            self.data,
            bars=cut(self.data.bars),
            index_bars=cut(self.data.index_bars),
            net_buying=cut(self.data.net_buying).filter(
                pl.col("known_at") <= schedule["as_of"].max()
            ),
        )
        return Market(data, Schedule.validate(schedule), self.rows)


def build(story: Story) -> Market:
    """The market of {"stocks": {ticker: story}, "indices", "news", "as_of"}."""
    stocks = {ticker: _Stock(ticker, told) for ticker, told in story["stocks"].items()}
    count = max(stock.length for stock in stocks.values())
    sessions = weekdays(count)
    bars: list[Story] = []
    net: list[Story] = []
    for stock in stocks.values():
        stock.dates = sessions[count - stock.length :]
        bars += stock.bars()
        net += stock.net_buying(sessions)
    as_of = time.fromisoformat(story.get("as_of", "15:30"))
    data = MarketData(
        bars=DailyBars.validate(_frame(bars, DailyBars), cast=True),
        instruments=Instruments.validate(
            _frame([s.instrument(sessions) for s in stocks.values()], Instruments), cast=True
        ),
        flags=InstrumentFlags.validate(
            _frame([f for s in stocks.values() for f in s.flags()], InstrumentFlags), cast=True
        ),
        net_buying=NetBuying.validate(_frame(net, NetBuying), cast=True),
        index_bars=IndexBars.validate(
            _frame(_index_bars(story.get("indices", {}), sessions), IndexBars), cast=True
        ),
        news=_news(story.get("news"), sessions[-1], as_of),
    )
    moments = [_utc(s, as_of) for s in sessions]
    schedule = pl.DataFrame(
        {"session": sessions, "as_of": moments},
        schema={"session": pl.Date, "as_of": pl.Datetime("us", "UTC")},
    )
    rows = {s.ticker: {day: row for row, day in s.session_of.items()} for s in stocks.values()}
    return Market(data, Schedule.validate(schedule), rows)


def weekdays(count: int) -> list[date]:
    """So many, ending with LAST_SESSION; the scanners ask no calendar."""
    days = (LAST_SESSION - timedelta(days=back) for back in range(count * 2))
    return sorted(day for day in days if day.weekday() < 5)[-count:]


def turning_points(text: str) -> dict[int, int]:
    """Row -> price, straight lines between the points, rounded to whole won."""
    points = [tuple(map(int, point.split(":"))) for point in text.split()]
    prices = {points[0][0]: points[0][1]}
    for (x0, y0), (x1, y1) in pairwise(points):
        for x in range(x0 + 1, x1 + 1):
            prices[x] = round(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
    return prices


def _from_then_on(text: str, row: int) -> int:
    points = [tuple(map(int, point.split(":"))) for point in text.split()]
    return [value for start, value in points if start <= row][-1]


class _Stock:
    def __init__(self, ticker: str, told: Story) -> None:
        self.ticker, self.told = ticker, told
        self.prices = turning_points(told["path"])
        self.halts = {int(k): n for k, n in told.get("halt", {}).items()}
        self.holes = {int(k): n for k, n in told.get("hole", {}).items()}
        self.splits = {int(k): n for k, n in told.get("split", {}).items()}
        self.length = len(self.prices) + sum(self.halts.values()) + sum(self.holes.values())
        self.dates: list[date] = []
        self.session_of: dict[int, date] = {}

    def bars(self) -> list[Story]:
        bars: list[Story] = []
        dates = iter(self.dates)
        close = None
        for row, price in self.prices.items():
            self.session_of[row] = next(dates)
            bars.append(self._bar(row, price, close))
            close = bars[-1]["close"]
            for _ in range(self.halts.get(row, 0)):
                stood = {"session": next(dates), "open": 0, "high": 0, "low": 0, "volume": 0}
                bars.append(bars[-1] | stood | {"value": 0, "base": bars[-1]["base"] and close})
            for _ in range(self.holes.get(row, 0)):
                next(dates)
        return bars

    def _bar(self, row: int, price: int, close: int | None) -> Story:
        scale = 1
        for split, into in self.splits.items():
            scale *= into if row < split else 1
        told = self.told
        fields = {name: price for name in ("open", "high", "low", "close")}
        fields["volume"] = _from_then_on(told.get("volume", "0:1000000"), row)
        fields |= told.get("bars", {}).get(str(row), {})
        value = fields.pop("value", None)
        if value is None and "value" in told:
            value = _from_then_on(told["value"], row)
        volume = fields.pop("volume")
        assert volume % scale == 0, f"{volume} shares before a split into {scale}"
        bar = {name: p * scale for name, p in fields.items()}
        base = bar["close"] if close is None else close // self.splits.get(row, 1)
        adjusted = told.get("adjusted", False)
        return bar | {
            "session": self.session_of[row],
            "ticker": self.ticker,
            "volume": volume // scale,
            "value": value,
            "base": None if adjusted else base,
            "adjusted": adjusted,
            "source": "story",
            "collected_at": datetime(2025, 7, 1, tzinfo=UTC),
        }

    def net_buying(self, sessions: list[date]) -> list[Story]:
        rows = []
        for told in self.told.get("net_buying", []):
            first, _, last = told["rows"].partition("-")
            unit = told.get("unit", "won")
            for row in range(int(first), int(last or first) + 1):
                session = self.session_of[row]
                later = sessions.index(session) + told.get("known_after", 0)
                rows.append(
                    {
                        "session": session,
                        "ticker": self.ticker,
                        "known_at": _utc(sessions[later], EVENING),
                        f"foreign_{unit}": told["foreign"],
                        f"institution_{unit}": told["institution"],
                        "provisional": False,
                        "source": "story",
                    }
                )
        return rows

    def instrument(self, sessions: list[date]) -> Story:
        listed = self.told.get("listed")
        return {
            "ticker": self.ticker,
            "since": sessions[0],
            "name": f"Stock {self.ticker}",
            "market": self.told.get("market", "KOSPI"),
            "kind": self.told.get("kind", "common"),
            "sector": self.told.get("sector"),
            "listed": None if listed is None else self.session_of[listed],
        }

    def flags(self) -> list[Story]:
        first = self.dates[0]
        return [
            {"ticker": self.ticker, "flag": f, "since": first} for f in self.told.get("flags", [])
        ]


def _index_bars(indices: dict[str, str], sessions: list[date]) -> list[Story]:
    """Index paths count their rows so that the last point is the last session."""
    rows = []
    for name, path in indices.items():
        closes = list(turning_points(path).values())
        rows += [
            {"session": session, "index": name, "close": close}
            for session, close in zip(sessions[-len(closes) :], closes, strict=True)
        ]
    return rows


def _news(items: list[Story] | None, last: date, as_of: time) -> Any:
    if items is None:
        return None
    rows = [
        {
            "id": str(i),
            "ticker": item["ticker"],
            "seen_at": _utc(last, as_of) - timedelta(minutes=item["minutes_before"]),
            "verdict": item["verdict"],
            "title": item["verdict"],
            "source": "story",
        }
        for i, item in enumerate(items)
    ]
    return News.validate(_frame(rows, News), cast=True)


def _frame(rows: list[Story], schema: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema.create_empty().schema)


def _utc(day: date, clock: time) -> datetime:
    """The moment of that time in Seoul."""
    return datetime.combine(day, clock, tzinfo=UTC) - KST
