"""closing_bet at the close, one stock and one session at a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from reference.common import (
    Result,
    ge,
    grade,
    gt,
    le,
    lt,
    result,
    steps,
    tick_down,
    tick_up,
    upper_limit,
)
from reference.panel import Panel, View
from reference.vcp import find_pattern, in_one_unit

from market.data import MarketData

LIMITS = {"S": 10.0, "A": 8.0, "B": 6.0}


def score(panel: Panel, data: MarketData, score_from: date) -> list[Result]:
    news: dict[str, list[dict[str, Any]]] | None = None
    if data.news is not None:
        news = defaultdict(list)
        for item in data.news.to_dicts():
            news[item["ticker"]].append(item)
    results = []
    for session in panel.sessions:
        if session < score_from:
            continue
        for ticker, view in panel.eligible(session, trading=True):
            verdicts = None
            if news is not None:
                verdicts = _recent(news.get(ticker, []), panel.as_of[session])
            warned = "warning" in panel.flags(ticker, session)
            results.append(_score_one(ticker, view, verdicts, warned=warned))
    return results


def _recent(items: list[dict[str, Any]], as_of: datetime) -> list[str]:
    return [
        item["verdict"] for item in items if as_of - timedelta(days=7) < item["seen_at"] <= as_of
    ]


def _score_one(ticker: str, view: View, verdicts: list[str] | None, *, warned: bool) -> Result:
    row = view.row
    highs = view.last("high", 252)
    near_high = None if highs is None else ge(row.close, 0.95 * max(highs))
    up = None if row.change is None else gt(row.change, 0.0)
    supply = supply_points(view)
    parts: dict[str, float | None] = {
        "news": None if verdicts is None else news_points(verdicts),
        "value": float(
            steps(row.value, (500_000_000_000, 3), (100_000_000_000, 2), (30_000_000_000, 1))
        ),
        "chart": float(find_pattern(view)["found"]) + float(near_high or False),
        "candle": None
        if up is None
        else float(gt(row.close, row.open) and up and ge(row.close, 1.01 * row.open)),
        "period": period_points(view),
        "supply": supply,
    }
    out_of = {
        "news": 3.0,
        "value": 3.0,
        "chart": 1.0 if near_high is None else 2.0,
        "candle": 1.0,
        "period": 1.0,
        "supply": 2.0,
    }
    answer = result(row.session, ticker, parts, out_of)
    answer["gates"] = {
        "trading_value": ge(row.value, 30_000_000_000),
        "up": up,
        "below_limit": None if row.base is None else lt(row.traded_close, upper_limit(row.base)),
        "no_blocking_news": None if verdicts is None else "blocking" not in verdicts,
        "no_warning": not warned,
    }
    answer["grade"] = grade(
        answer["score"],
        answer["out_of"],
        full=12,
        min_out_of=7,
        limits=LIMITS,
        gates={
            name: passed
            for name, passed in answer["gates"].items()
            if name != "no_blocking_news" or verdicts is not None
        },
    )
    answer["entry"] = row.traded_close
    answer["target"] = tick_down(row.traded_close * 1.15)
    answer["stop"] = tick_up(row.traded_close * 0.95)
    return answer


def news_points(verdicts: list[str]) -> float:
    if "blocking" in verdicts:
        return 0.0
    balance = verdicts.count("positive") - verdicts.count("negative")
    return float(min(3, max(0, balance)))


def period_points(view: View) -> float | None:
    lows, highs = view.last("low", 10), view.last("high", 20)
    if lows is None or highs is None:
        return None
    lowest = min(lows)
    ago = next(back for back in range(10) if le(lows[-1 - back], lowest))
    if not 1 <= ago <= 3:
        return 0.0
    that_close = view.segment.rows[view.t - ago].close
    rebounded = ge(view.row.close, 1.03 * that_close)
    return float(rebounded and le(lowest, 0.95 * max(highs)))


def supply_points(view: View) -> float | None:
    one = view.last_net(1)
    if one is None:
        return None
    bought = in_one_unit(*one)
    if bought is None:
        return None
    ((foreign, institution),), (turnover,) = bought
    return float(ge(foreign, 0.01 * turnover)) + float(ge(institution, 0.01 * turnover))
