"""daytrading at the close, one stock and one session at a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from reference.common import Result, ge, grade, gt, le, result, tick_down, tick_up, upper_limit
from reference.panel import Panel, View

CHECKS = ("volume", "momentum", "box", "average5", "net_buying", "rebound", "sector")
OUT_OF = dict.fromkeys(CHECKS, 15.0)
LIMITS = {"S": 90.0, "A": 75.0, "B": 60.0}


def score(panel: Panel, score_from: date) -> list[Result]:
    results = []
    for session in panel.sessions:
        if session < score_from:
            continue
        stocks = list(panel.eligible(session, trading=True))
        sectors = sector_checks(panel, session, stocks)
        results += [_score_one(t, view, sectors.get(t)) for t, view in stocks]
    return results


def _check(passed: bool, partial: bool) -> float:
    return 15.0 if passed else 8.0 if partial else 0.0


def _score_one(ticker: str, view: View, sector: float | None) -> Result:
    row = view.row
    parts: dict[str, float | None] = dict.fromkeys(CHECKS)
    volume20 = view.sma("volume", 20, shift=1)
    highs, lows = view.last("high", 20, shift=1), view.last("low", 20, shift=1)
    average5 = view.sma("close", 5)
    if volume20 is not None:
        parts["volume"] = _check(ge(row.volume, 2.0 * volume20), ge(row.volume, 1.5 * volume20))
    if highs is not None and lows is not None:
        top, bottom = max(highs), min(lows)
        near = gt(row.high, top) or ge(row.close, 0.99 * top)
        parts["momentum"] = _check(gt(row.close, top), near)
        parts["box"] = _check(ge(row.close, top), ge(row.close, (top + bottom) / 2))
    if average5 is not None:
        parts["average5"] = _check(gt(row.close, average5), ge(row.close, 0.99 * average5))
    parts["net_buying"] = net_buying(view)
    yesterday, now = view.back(1), row.change
    before = None if yesterday is None else yesterday.change
    if before is not None and now is not None:
        parts["rebound"] = _check(
            le(before, -0.03) and ge(now, 0.02), le(before, -0.01) and gt(now, 0.0)
        )
    parts["sector"] = sector

    answer = result(row.session, ticker, parts, OUT_OF)
    value20 = view.sma("value", 20)
    answer["gates"] = {
        "liquidity": None if value20 is None else ge(value20, 1_000_000_000),
        "value": ge(row.value, 5_000_000_000),
        "up": None if now is None else gt(now, 0.0),
        "room": None if row.base is None else le(1.05 * row.traded_close, upper_limit(row.base)),
    }
    letter = grade(
        answer["score"],
        answer["out_of"],
        full=105,
        min_out_of=63,
        limits=LIMITS,
        gates=answer["gates"],
    )
    strong = parts["volume"] == 15 and 15 in (parts["momentum"], parts["rebound"])
    answer["grade"] = "B" if letter in ("S", "A") and not strong else letter
    answer["entry"] = row.traded_close
    answer["target"] = tick_down(row.traded_close * 1.05)
    answer["stop"] = tick_up(row.traded_close * 0.97)
    return answer


def net_buying(view: View) -> float | None:
    five = view.last_net(5)
    if five is None:
        return None
    total = 0.0
    for net in five[1]:
        if net["foreign_won"] is None or net["institution_won"] is None:
            return None
        total += net["foreign_won"] + net["institution_won"]
    return _check(ge(total, 10_000_000_000), ge(total, 5_000_000_000))


def sector_checks(
    panel: Panel, session: date, stocks: list[tuple[str, View]]
) -> dict[str, float | None]:
    members: dict[str, dict[str, float]] = defaultdict(dict)
    for ticker, view in stocks:
        instrument, before = panel.instrument(ticker, session), view.back(5)
        if instrument is not None and instrument["sector"] is not None and before is not None:
            members[instrument["sector"]][ticker] = round(view.row.close / before.close - 1, 12)
    checks: dict[str, float | None] = {}
    for returns in members.values():
        if len(returns) < 5:
            continue
        for ticker, mine in returns.items():
            rank = 1 + sum(other > mine for other in returns.values())
            checks[ticker] = _check(le(rank, 0.20 * len(returns)), le(rank, 0.40 * len(returns)))
    return checks
