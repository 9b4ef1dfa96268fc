"""market_gate, one session at a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from reference.common import LOOKBACK, ge, gt, lt, mean
from reference.panel import Panel

from market.data import MarketData

Terms = list[tuple[float | None, float]]  # points or None, out of


def score(
    panel: Panel, data: MarketData, score_from: date, *, previous: str | None = None
) -> list[dict[str, Any]]:
    closes: dict[str, dict[date, float]] = defaultdict(dict)
    for bar in data.index_bars.sort("session").to_dicts():
        closes[bar["index"]][bar["session"]] = bar["close"]
    results = []
    colour = previous or "YELLOW"
    for i, session in enumerate(panel.sessions):
        if session < score_from:
            continue
        window = panel.sessions[max(0, i - LOOKBACK) : i + 1]
        change: Terms = []
        trend: Terms = []
        levels = {}
        for name in ("KOSPI", "KOSDAQ"):
            series = [closes[name].get(s) for s in window]
            own_change, own_trend = index_terms(series)
            levels[name], _ = level_of(own_change + own_trend, least=0)
            change += own_change
            trend += own_trend
        breadth, sectors = stock_terms(panel, session)
        level, known = level_of(change + trend + breadth + sectors, least=60)
        if level is not None:
            colour = next_colour(colour, level)
        results.append(
            {
                "session": session,
                "level": level,
                "known": known,
                "status": None if level is None else colour,
                "kospi_status": plain_colour(levels["KOSPI"]),
                "kosdaq_status": plain_colour(levels["KOSDAQ"]),
                "parts": {
                    "change": total(change),
                    "trend": total(trend),
                    "breadth": total(breadth),
                    "sectors": total(sectors),
                },
            }
        )
    return results


def lin(x: float, low: float, high: float, points: float) -> float:
    return points * min(1.0, max(0.0, (x - low) / (high - low)))


def index_terms(series: list[float | None]) -> tuple[Terms, Terms]:
    """Change and trend of one index, each missing when a session of its window is."""
    change: Terms = [(None, 10)]
    trend: Terms = [(None, 20)]
    if len(series) >= 6 and None not in (series[-1], series[-2], series[-6]):
        now, before, before5 = (series[-1] or 0, series[-2] or 1, series[-6] or 1)
        change = [
            (lin(now / before - 1, -0.015, 0.015, 5), 5),
            (lin(now / before5 - 1, -0.03, 0.03, 5), 5),
        ]
    last60 = [close for close in series[-60:] if close is not None]
    if len(last60) == 60:
        now, sma20, sma60 = last60[-1], mean(last60[-20:]), mean(last60)
        trend = [
            (lin(now / sma20 - 1, -0.03, 0.03, 8), 8),
            (lin(now / sma60 - 1, -0.06, 0.06, 6), 6),
            (lin(sma20 / sma60 - 1, -0.03, 0.03, 6), 6),
        ]
    return change, trend


def stock_terms(panel: Panel, session: date) -> tuple[Terms, Terms]:
    advancers = decliners = above = known = 0
    members: dict[str, list[float]] = defaultdict(list)
    for ticker, view in panel.eligible(session, trading=False):
        change, sma50 = view.row.change, view.sma("close", 50)
        if change is not None:
            advancers += gt(change, 0.0)
            decliners += lt(change, 0.0)
            instrument = panel.instrument(ticker, session)
            if instrument is not None and instrument["sector"] is not None:
                members[instrument["sector"]].append(change)
        if sma50 is not None:
            known += 1
            above += gt(view.row.close, sma50)
    moved = advancers + decliners
    breadth: Terms = [
        (lin(advancers / moved, 0.30, 0.70, 10) if moved else None, 10),
        (lin(above / known, 0.20, 0.60, 20) if known else None, 20),
    ]
    changes = [mean(values) for values in members.values() if len(values) >= 5]
    if not changes:
        return breadth, [(None, 10)]
    balance = sum(gt(c, 0.01) for c in changes) - sum(lt(c, -0.01) for c in changes)
    return breadth, [(10 * min(1.0, max(0.0, 0.5 + balance / len(changes))), 10)]


def total(terms: Terms) -> float | None:
    """Points of the known terms."""
    known = [points for points, _ in terms if points is not None]
    return sum(known) if known else None


def level_of(terms: Terms, *, least: float) -> tuple[float | None, float]:
    known = sum(out_of for points, out_of in terms if points is not None)
    points = total(terms)
    if points is None or known < least:
        return None, known
    return points / known * 100, known


def next_colour(colour: str, level: float) -> str:
    if ge(level, 65 if colour == "GREEN" else 70):
        return "GREEN"
    if lt(level, 45 if colour == "RED" else 40):
        return "RED"
    return "YELLOW"


def plain_colour(level: float | None) -> str | None:
    if level is None:
        return None
    return "GREEN" if ge(level, 70) else "YELLOW" if ge(level, 40) else "RED"
