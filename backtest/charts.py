"""Charts as inline SVG: lines, areas and bars, drawn with the page's own colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 62, 12, 10, 26
POINTS = 900  # a line is thinned to; more than the pixels it has shows nothing


@dataclass(frozen=True)
class Line:
    """One series; `style` is a class of the page (one, two, three)."""

    name: str
    values: Sequence[float | None]
    style: str


def lines(
    days: Sequence[date],
    series: Sequence[Line],
    *,
    height: int = 300,
    unit: str = "",
    label: str,
    log: bool = False,
) -> str:
    """Series over the sessions, with a legend; `log` makes equal ratios equally far apart."""
    some = [v for line in series for v in line.values if v is not None and (v > 0 or not log)]
    if not some or not days:
        return ""
    frame = Frame(min(some), max(some), len(days), height, log=log)
    parts = [frame.grid(unit), frame.dates(days)]
    for line in series:
        points = [
            (frame.x(at), frame.y(value))
            for at, value in _thinned(line.values)
            if value is not None and (value > 0 or not log)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
    legend = "".join(
        f'<span class="key {line.style}">{escape(line.name)}</span>' for line in series
    )
    return f'<div class="legend">{legend}</div>{_svg(height, label, parts)}'


def area(
    days: Sequence[date],
    values: Sequence[float],
    *,
    height: int = 150,
    unit: str = "",
    label: str,
    style: str = "one",
) -> str:
    """One series as an area from zero."""
    if not values:
        return ""
    frame = Frame(min(0.0, *values), max(0.0, *values), len(days), height)
    points = [(frame.x(at), frame.y(value)) for at, value in _thinned(values) if value is not None]
    zero = frame.y(0.0)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    shape = f"{points[0][0]:.1f},{zero:.1f} {path} {points[-1][0]:.1f},{zero:.1f}"
    return _svg(
        height,
        label,
        [frame.grid(unit), frame.dates(days), f'<polygon class="area {style}" points="{shape}"/>'],
    )


def histogram(values: Sequence[float], *, height: int = 190, unit: str, label: str) -> str:
    """How often values occur, in bins of a round width; losses and gains differ in colour."""
    if not values:
        return ""
    low, high = min(values), max(values)
    width = _round_step((high - low) / 40 or 1.0)
    start = math.floor(low / width)
    counts = [0] * (math.floor(high / width) - start + 1)
    for value in values:
        counts[math.floor(value / width) - start] += 1
    frame = Frame(0.0, float(max(counts)), len(counts), height)
    each = frame.inside / len(counts)
    parts = [frame.grid("")]
    for at, count in enumerate(counts):
        left = LEFT + at * each
        top = frame.y(float(count))
        style = "gain" if (start + at) * width >= 0 else "loss"
        words = f"{(start + at) * width:g} to {(start + at + 1) * width:g}{unit}: {count:,}"
        parts.append(
            f'<rect class="{style}" x="{left:.1f}" y="{top:.1f}" width="{max(each - 1, 0.6):.1f}"'
            f' height="{frame.y(0.0) - top:.1f}"><title>{escape(words)}</title></rect>'
        )
    step = max(len(counts) // 8, 1)
    for at in range(0, len(counts), step):
        x = LEFT + at * each
        text = f"{(start + at) * width:g}{unit}"
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}">{escape(text)}</text>')
    return _svg(height, label, parts)


class Frame:
    """Where values lie on the paper."""

    def __init__(
        self, low: float, high: float, count: int, height: int, *, log: bool = False
    ) -> None:
        self.log, self.count, self.height = log, count, height
        self.inside = WIDTH - LEFT - RIGHT
        if high <= low:
            low, high = low - 1, high + 1
        pad = (self._place(high) - self._place(low)) * 0.04
        self.low, self.high = self._place(low) - pad, self._place(high) + pad
        self.bounds = low, high

    def _place(self, value: float) -> float:
        return math.log(value) if self.log else value

    def x(self, at: int) -> float:
        return LEFT + self.inside * at / max(self.count - 1, 1)

    def y(self, value: float) -> float:
        share = (self._place(value) - self.low) / (self.high - self.low)
        return TOP + (self.height - TOP - BOTTOM) * (1 - share)

    def grid(self, unit: str) -> str:
        low, high = self.bounds
        step = _round_step((high - low) / 5)
        first = math.ceil(low / step)
        parts = []
        for number in range(first, math.floor(high / step) + 1):
            value = number * step
            if self.log and value <= 0:
                continue
            y = self.y(value)
            text = f"{value:,.10g}{escape(unit)}"
            parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="value" x="{LEFT - 6}" y="{y + 4:.1f}">{text}</text>'
            )
        return "".join(parts)

    def dates(self, days: Sequence[date]) -> str:
        """A mark where a year begins; of a shorter range a quarter, or a month."""
        length = (days[-1] - days[0]).days
        months = 12 if length > 900 else 3 if length > 300 else 1
        marks, last = [], -1e9
        for at in range(1, len(days)):
            before, day = days[at - 1], days[at]
            begun = (before.year, before.month) != (day.year, day.month)
            if begun and (day.month - 1) % months == 0 and self.x(at) - last > 60:
                last = self.x(at)
                text = f"{day.year}" if months == 12 else f"{day:%Y-%m}"
                y = self.height - BOTTOM
                marks.append(
                    f'<line class="grid" x1="{last:.1f}" x2="{last:.1f}" y1="{TOP}" y2="{y}"/>'
                    f'<text class="tick" x="{last:.1f}" y="{self.height - 8}">{text}</text>'
                )
        return "".join(marks)


def _svg(height: int, label: str, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{inside}</svg>"
    )


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least `rough`."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9))


def _thinned(values: Sequence[float | None]) -> list[tuple[int, float | None]]:
    """(place, value) of at most about POINTS values; of each bin its extremes stay."""
    count = len(values)
    if count <= POINTS:
        return list(enumerate(values))
    size = math.ceil(count / (POINTS / 2))
    kept: list[tuple[int, float | None]] = []
    for start in range(0, count, size):
        known = [
            (at, v) for at, v in enumerate(values[start : start + size], start) if v is not None
        ]
        if known:
            both = {min(known, key=lambda p: p[1]), max(known, key=lambda p: p[1])}
            kept += sorted(both)
    return kept
