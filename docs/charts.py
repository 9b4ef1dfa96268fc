"""Draws a chart for each scanner, docs/scanners/*.svg, from the built-in sample market.

`python docs/charts.py`, after rules or the sample market changed. Nothing in the pictures is real:
the stocks and indices are invented, and every value is what the scanners themselves give.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

# Before docs/, whose folder `scanners` would be taken for the package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from backtest.charts import LEFT, RIGHT, TOP, WIDTH, Frame
from market.asof import Slot
from market.calendar import TradingCalendar
from scanners import LOOKBACK, MarketScan, Rules, scan
from sources.sample import ORIGIN, STOCKS, SampleMarket, generate

LAST = date(2026, 3, 13)
SCORED = 120  # sessions
SHOWN = 40  # sessions before a signal
MARGIN = 170  # right of the last session, for the names of the levels
APART = 14  # of two names, at least
HEAD = 30
STYLE = """
:root { --paper: #fff; --ink: #1c2430; --faint: #667085; --line: #e4e7ec; --one: #1f6feb;
  --two: #b36b00; --up: #cd3c3c; --down: #2f6fd0; --GREEN: #168c5a; --YELLOW: #c99700;
  --RED: #cd3c3c }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --ink: #e6eaf0; --faint: #98a2b3;
  --line: #2a313c; --one: #5a9bff; --two: #f0a830; --up: #f06464; --down: #6aa2ff;
  --GREEN: #3cbe82; --YELLOW: #e8c04a; --RED: #f06464 } }
text { font: 12px sans-serif; fill: var(--faint) } .title { font-size: 14px; fill: var(--ink) }
.value { text-anchor: end } .tick, .middle { text-anchor: middle } .grid { stroke: var(--line) }
.paper { fill: var(--paper) } .line { fill: none; stroke-width: 1.8 }
.one { stroke: var(--one) } .two { stroke: var(--two) } .ink { stroke: var(--ink) }
.dash { stroke-dasharray: 5 4 } .name { fill: var(--ink) }
.up { stroke: var(--up); fill: var(--up) } .down { stroke: var(--down); fill: var(--down) }
.bar { fill: var(--faint); opacity: .55 } .bar.marked { fill: var(--one); opacity: 1 }
.later { opacity: .45 } .mark { fill: var(--one); opacity: .13 }
.GREEN { fill: var(--GREEN) } .YELLOW { fill: var(--YELLOW) } .RED { fill: var(--RED) }
"""


@dataclass(frozen=True)
class Example:
    """A planted pattern and what its scanner `found` in its session; the stock's bars up to it,
    and those `after` it."""

    found: dict[str, Any]
    bars: pl.DataFrame
    after: pl.DataFrame

    @property
    def days(self) -> list[date]:
        return self.bars["session"].to_list()


def main() -> None:
    draw(Path(__file__).with_name("scanners"))


def draw(folder: Path, stocks: int = STOCKS) -> None:
    """Write the four charts into `folder`."""
    calendar = TradingCalendar()
    days = calendar.sessions(ORIGIN, LAST)[-(LOOKBACK + SCORED) :]
    market = generate(last=LAST, sessions=len(days), stocks=stocks, calendar=calendar)
    schedule = calendar.schedule(days[0], LAST, Slot.CLOSE)
    scanned = scan(market.data, schedule, days[-SCORED], Rules())
    pictures = {
        "vcp": vcp(example(market, scanned, "vcp", "vcp_forming")),
        "daytrading": daytrading(example(market, scanned, "daytrading", "daytrading_breakout")),
        "closing-bet": closing_bet(example(market, scanned, "closing_bet", "closing_bet_rebound")),
        "market-gate": market_gate(scanned, Rules()),
    }
    for name, picture in pictures.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


def example(market: SampleMarket, scanned: MarketScan, scanner: str, pattern: str) -> Example:
    """The best of the planted patterns of that name; of equals the newest."""
    result = scanned.results[scanner]
    sessions = result.counts["session"]
    found = (
        market.planted.filter(pl.col("pattern") == pattern)
        .filter(pl.col("session").is_between(sessions[SHOWN], sessions[-2]))
        .join(result.scores, on=["session", "ticker"])
        .join(result.signals.select("session", "ticker", "parts"), on=["session", "ticker"])
        .sort("score", "session", "ticker", descending=[True, True, False])
        .row(0, named=True)
    )
    ratios = result.scores.select("session", "ticker", pl.col("^(high|volume)_ratio$"))
    bars = market.data.bars.filter(pl.col("ticker") == found["ticker"], pl.col("volume") > 0)
    stock = bars.sort("session").join(
        ratios, on=["session", "ticker"], how="left", maintain_order="left"
    )
    here = pl.col("session") <= found["session"]
    return Example(found, stock.filter(here), stock.filter(~here))


def vcp(of: Example) -> str:
    """Candles with each contraction's high, low and depth, the pivot and the levels."""
    told = json.loads(of.found["parts"])["pattern"]
    first = date.fromisoformat(told["contractions"][0]["high_on"])
    start = max(of.days.index(first) - 25, 0)
    bars = of.bars[start:]
    days = bars["session"].to_list()
    levels = _levels(of) | {"pivot": of.found["pivot_price"]}
    frame = _frame(bars, levels, 380)
    parts = [frame.grid(""), frame.dates(days), candles(frame, bars)]
    turns = []
    for one in told["contractions"]:
        high, low = (days.index(date.fromisoformat(one[at])) for at in ("high_on", "low_on"))
        turns += [(high, bars["high"][high]), (low, bars["low"][low])]
        where = f'x="{frame.x(low):.1f}" y="{frame.y(bars["low"][low]) + 18:.1f}"'
        parts.append(f'<text class="name middle" {where}>−{one["depth"] * 100:.1f} %</text>')
    parts.append(path([(frame.x(at), frame.y(price)) for at, price in turns], "two"))
    since = days.index(date.fromisoformat(told["contractions"][-1]["high_on"]))
    parts.append(named(frame, levels, since, len(days)))
    title = _title(of, f"{len(turns) // 2} contractions under a pivot")
    return svg(title, [("won", 380, parts)])


def daytrading(of: Example) -> str:
    """Closes with the high of the twenty sessions before, volume with their mean."""
    bars = of.bars[-SHOWN:]
    days, last = bars["session"].to_list(), len(bars) - 1
    high = (bars["close"] / bars["high_ratio"]).to_list()
    usual = (bars["volume"] / bars["volume_ratio"] / 1e6).to_list()
    prices = _frame(bars.with_columns(low="close", high=pl.Series(high)), _levels(of), 270)
    mark = _mark(prices, last, 270)
    closes = bars["close"].to_list()
    above = [prices.grid(""), prices.dates(days), mark]
    above += [line(prices, closes, "ink"), line(prices, high, "two dash")]
    above.append(named(prices, _levels(of), last, len(days)))
    volumes = (bars["volume"] / 1e6).to_list()
    amounts = Frame(0, max(volumes), prices.count, 170)
    below = [amounts.grid(""), amounts.dates(days), _mark(amounts, last, 170)]
    below += [
        bar(amounts, at, amounts.y(v), amounts.y(0), "bar marked" if at == last else "bar")
        for at, v in enumerate(volumes)
    ]
    below.append(line(amounts, usual, "two dash"))
    times = of.found["volume_ratio"]
    return svg(
        _title(of, "a breakout with volume"),
        [
            ("close in won; dashed: the high of the twenty sessions before", 270, above),
            (
                f"million shares, {times:.1f} times the mean of the twenty before (dashed)",
                170,
                below,
            ),
        ],
    )


def closing_bet(of: Example) -> str:
    """Candles up to the decision, the levels, and the opening at which the bet ends."""
    bars = pl.concat([of.bars[-SHOWN:], of.after[:1]])
    days, last = bars["session"].to_list(), len(bars) - 2
    opening = of.after["open"][0]
    frame = _frame(bars, _levels(of), 360)
    change = f"{(opening / of.found['entry'] - 1) * 100:+.1f} %".replace("-", "−")
    x, y = frame.x(last + 1), frame.y(opening)
    parts = [frame.grid(""), frame.dates(days), _mark(frame, last, 360)]
    parts += [candles(frame, bars, later=last + 1)]
    parts.append(f'<circle class="line ink" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    levels = _levels(of) | {"next opening": opening}
    parts.append(named(frame, levels, last, len(days)))
    return svg(
        _title(of, "a rebound, bought at the close"),
        [(f"won; the next session opens {change} from the entry", 360, parts)],
    )


def market_gate(scanned: MarketScan, rules: Rules) -> str:
    """The index above; below it the level, each session in its colour, and the limits."""
    gate = scanned.gate
    assert gate is not None
    days, g = gate["session"].to_list(), rules.market_gate
    closes = gate["kospi_close"].to_list()
    index = Frame(min(closes), max(closes), _room(len(days)), 210)
    above = [index.grid(""), index.dates(days), line(index, closes, "ink")]
    levels = Frame(0, 100, index.count, 260)
    below = [levels.dates(days)]
    for at, (value, colour) in enumerate(gate.select("level", "status").iter_rows()):
        if value is not None:
            below.append(bar(levels, at, levels.y(value), levels.y(0), colour))
    limits = {
        "GREEN from": g.green,
        "GREEN ends below": g.green - g.hysteresis,
        "RED ends at": g.red + g.hysteresis,
        "RED below": g.red,
    }
    below.append(named(levels, limits, 0, len(days)))
    return svg(
        "The invented market: how rough it is",
        [("KOSPI, close", 210, above), ("level and colour of each session", 260, below)],
    )


def svg(title: str, panels: Sequence[tuple[str, int, Sequence[str]]]) -> str:
    """A picture of panels (heading, height, what is in it) under each other."""
    y, parts = HEAD, []
    for heading, height, inside in panels:
        if heading:
            parts.append(f'<text x="{LEFT}" y="{y + 14}">{escape(heading)}</text>')
            y += 18
        parts.append(f'<g transform="translate(0 {y})">{"".join(inside)}</g>')
        y += height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'aria-label="{escape(title, quote=True)}"><style>{STYLE}</style>'
        f'<rect class="paper" width="{WIDTH}" height="{y}" rx="6"/>'
        f'<text class="title" x="{LEFT}" y="21">{escape(title)}</text>'
        + "\n".join(parts)
        + "</svg>\n"
    )


def candles(frame: Frame, bars: pl.DataFrame, later: int | None = None) -> str:
    """Red up, blue down, as in Korea; from row `later` on faint."""
    parts = []
    rows = bars.select("open", "high", "low", "close").iter_rows()
    for at, (opened, high, low, close) in enumerate(rows):
        style = "up" if close >= opened else "down"
        style += " later" if later is not None and at >= later else ""
        x, wide = frame.x(at), _wide(frame)
        top, bottom = frame.y(max(opened, close)), frame.y(min(opened, close))
        parts.append(
            f'<g class="{style}"><path d="M{x:.1f} {frame.y(high):.1f}V{frame.y(low):.1f}"/>'
            f'<rect x="{x - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" '
            f'height="{max(bottom - top, 0.8):.1f}" stroke="none"/></g>'
        )
    return "".join(parts)


def line(frame: Frame, values: Sequence[float | None], style: str) -> str:
    return path([(frame.x(at), frame.y(v)) for at, v in enumerate(values) if v is not None], style)


def path(points: Sequence[tuple[float, float]], style: str) -> str:
    there = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="line {style}" points="{there}"/>'


def named(frame: Frame, levels: Mapping[str, float], first: int, last: int) -> str:
    """A line at each value from one session to another, with its name right of it."""
    end, parts, lowest = frame.x(last), [], 0.0
    for name, value in sorted(levels.items(), key=lambda one: -one[1]):
        y = frame.y(value)
        lowest = max(y + 4, lowest + APART)
        parts.append(
            f'<path class="line one dash" d="M{frame.x(first):.1f} {y:.1f}H{end:.1f}"/>'
            f'<text class="name" x="{end + 6:.1f}" y="{lowest:.1f}">{name} {value:,.0f}</text>'
        )
    return "".join(parts)


def bar(frame: Frame, at: int, top: float, bottom: float, style: str) -> str:
    wide = _wide(frame)
    return (
        f'<rect class="{style}" x="{frame.x(at) - wide / 2:.1f}" y="{top:.1f}" '
        f'width="{wide:.1f}" height="{bottom - top:.1f}"/>'
    )


def _frame(bars: pl.DataFrame, levels: Mapping[str, float], height: int) -> Frame:
    """The paper for these bars and levels, with room at the right."""
    prices = [*bars["low"], *bars["high"], *levels.values()]
    low, high = min(prices), max(prices)
    return Frame(low - 0.06 * (high - low), high, _room(len(bars)), height)


def _room(count: int) -> int:
    """The sessions that are as wide as so many and the margin."""
    inside = WIDTH - LEFT - RIGHT
    return round(count * inside / (inside - MARGIN))


def _levels(of: Example) -> dict[str, float]:
    return {name: of.found[name] for name in ("target", "entry", "stop")}


def _mark(frame: Frame, at: int, height: int) -> str:
    wide = _wide(frame) + 6
    x = frame.x(at) - wide / 2
    return f'<rect class="mark" x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{height - 36}"/>'


def _wide(frame: Frame) -> float:
    return 0.55 * frame.inside / frame.count


def _title(of: Example, what: str) -> str:
    f = of.found
    return (
        f"Invented stock {f['ticker']}, {f['session']}: {what}; "
        f"{f['score']:g} of {f['out_of']:g} points, grade {f['grade']}"
    )


if __name__ == "__main__":
    main()
