"""vcp, one stock and one session at a time."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from reference.common import (
    Result,
    ge,
    grade,
    gt,
    le,
    lt,
    one_tick_above,
    one_tick_below,
    result,
    steps,
    steps_down,
    tick_down,
    tick_up,
)
from reference.panel import Net, Panel, Row, View

OUT_OF = {
    "trend": 20.0,
    "contractions": 25.0,
    "volume_dry_up": 10.0,
    "tightness": 10.0,
    "pivot": 5.0,
    "smart_money": 30.0,
}
LIMITS = {"S": 80.0, "A": 65.0, "B": 50.0}


def score(panel: Panel, score_from: date) -> list[Result]:
    results = []
    for session in panel.sessions:
        if session < score_from:
            continue
        stocks = list(panel.eligible(session, trading=False))
        strengths = relative_strength(stocks)
        results += [_score_one(t, view, strengths.get(t)) for t, view in stocks]
    return results


def relative_strength(stocks: list[tuple[str, View]]) -> dict[str, float]:
    raw = {}
    for ticker, view in stocks:
        oldest = view.back(252)
        if oldest is not None:
            close = view.row.close
            strength = sum(
                weight * (close / view.segment.rows[view.t - w].close - 1)
                for w, weight in ((63, 0.4), (126, 0.2), (189, 0.2), (252, 0.2))
            )
            raw[ticker] = round(strength, 12)  # ties are ties on any price scale
    return {
        ticker: (
            sum(other < mine for other in raw.values())
            + (sum(other == mine for other in raw.values()) + 1) / 2
        )
        / len(raw)
        * 100
        for ticker, mine in raw.items()
    }


def _score_one(ticker: str, view: View, rs: float | None) -> Result:
    row = view.row
    conditions = template(view, rs)
    pattern = find_pattern(view)
    smart = smart_money(view)
    parts: dict[str, float | None] = {
        "trend": None if conditions is None else 2.5 * sum(conditions),
        "contractions": contraction_points(pattern),
        "volume_dry_up": volume_dry_up(view, confirmed=pattern["confirmed"]),
        "tightness": tightness(view),
        "pivot": pivot_points(pattern, row.close),
        "smart_money": smart,
    }
    out_of = OUT_OF | {"tightness": 5.0 if view.n < 139 else 10.0}
    answer = result(row.session, ticker, parts, out_of)
    value20 = view.sma("value", 20)
    gates = {
        "pattern": pattern["found"],
        "template": None if conditions is None else sum(conditions) >= 6,
        "liquidity": None if value20 is None else ge(value20, 1_000_000_000),
    }
    answer["gates"] = gates
    answer["grade"] = grade(
        answer["score"], answer["out_of"], full=100, min_out_of=60, limits=LIMITS, gates=gates
    )
    answer.update(levels(pattern, row))
    answer["pattern"] = pattern
    answer["rs"] = rs
    return answer


def template(view: View, rs: float | None) -> list[bool] | None:
    """The eight conditions, or None with fewer than 253 rows."""
    lows, highs = view.last("low", 252), view.last("high", 252)
    sma50, sma150 = view.sma("close", 50), view.sma("close", 150)
    sma200, sma200_before = view.sma("close", 200), view.sma("close", 200, shift=20)
    if view.n < 253 or rs is None:
        return None
    assert lows is not None
    assert highs is not None
    assert sma50 is not None
    assert sma150 is not None
    assert sma200 is not None
    assert sma200_before is not None
    close = view.row.close
    return [
        gt(close, sma150) and gt(close, sma200),
        gt(sma150, sma200),
        gt(sma200, sma200_before),
        gt(sma50, sma150) and gt(sma50, sma200),
        gt(close, sma50),
        ge(close, 1.30 * min(lows)),
        ge(close, 0.75 * max(highs)),
        ge(rs, 70.0),
    ]


def find_pattern(view: View) -> dict[str, Any]:
    """The contractions seen from row t, oldest first, the last of them open."""
    none = {"found": False, "confirmed": False, "state": None, "pivot": None, "low": None}
    rows, t = view.segment.rows, view.t
    known = [i for i in view.segment.swing_highs if view.start + 5 <= i <= t - 5]
    if not known or t - (known[-1] + 5) > 120:
        return none
    newest = known[-1] + 5
    if rows[t].index - rows[newest].index > 124:
        return none
    known = [
        i for i in known if i >= newest - 120 and rows[newest].index - rows[i - 5].index <= 154
    ][-10:]
    highest = max(rows[i].high for i in known)
    counting = [i for i in known if ge(rows[i].high, 0.90 * highest)]

    contractions = []
    bar, high, low = counting[0], rows[counting[0]].high, None
    since = counting[0]
    for i in counting[1:]:
        low = _lowest(rows, since, i, low)
        since = i
        depth = 1 - low[0] / high
        if lt(depth, 0.03):
            if ge(rows[i].high, high):
                bar, high = i, rows[i].high
        else:
            contractions.append({"bar": bar, "high": high, "low": low, "depth": depth})
            bar, high, low = i, rows[i].high, None
    low = _lowest(rows, since, t, low)
    contractions.append({"bar": bar, "high": high, "low": low, "depth": 1 - low[0] / high})

    run = [contractions[-1]]
    for earlier in reversed(contractions[:-1]):
        if not le(run[0]["depth"], 0.90 * earlier["depth"]):
            break
        run.insert(0, earlier)
    quotients = [b["depth"] / a["depth"] for a, b in pairwise(run)]
    pivot, floor = high, low[0]
    row = rows[t]
    above = [i for i in range(bar, t) if gt(rows[i].close, pivot)]
    if above:
        recent = t - above[0] <= 3 and le(row.close, 1.05 * pivot)
        state = "recent" if recent else "spent"
    else:
        state = "breakout" if gt(row.close, pivot) else "forming"
    volume50 = view.sma("volume", 50, shift=1)
    confirmed = (
        state == "breakout"
        and volume50 is not None
        and ge(row.volume, 1.5 * volume50)
        and le(row.close, 1.05 * pivot)
    )
    base_length = t - run[0]["bar"]
    found = (
        2 <= len(run) <= 6
        and le(run[-1]["depth"], 0.10)
        and le(run[0]["depth"], 0.40)
        and base_length >= 15
        and state != "spent"
        and ge(row.close, floor)
    )
    return {
        "found": found,
        "confirmed": confirmed,
        "state": state,
        "pivot": pivot,
        "low": floor,
        "count": len(run),
        "depth_first": run[0]["depth"],
        "depth_last": run[-1]["depth"],
        "ratio": sum(quotients) / len(quotients) if quotients else None,
        "base_length": base_length,
        "contractions": [
            {
                "high_on": rows[c["bar"]].session,
                "low_on": rows[c["low"][1]].session,
                "depth": c["depth"],
            }
            for c in run
        ],
    }


def _lowest(
    rows: list[Row], after: int, until: int, kept: tuple[float, int] | None
) -> tuple[float, int]:
    """The lowest low and its row on the rows after `after` up to `until`, or the one kept."""
    candidates = [(rows[i].low, i) for i in range(after + 1, until + 1)]
    return min(candidates if kept is None else [kept, *candidates])


def contraction_points(pattern: dict[str, Any]) -> float:
    if not pattern["found"]:
        return 0.0
    points = {2: 10, 3: 13}.get(pattern["count"], 15)
    points += steps_down(pattern["ratio"], (0.50, 5), (0.65, 3), (0.80, 1))
    points += steps_down(pattern["depth_last"], (0.05, 5), (0.075, 3), (0.10, 1))
    return float(points)


def volume_dry_up(view: View, *, confirmed: bool) -> float | None:
    shift = 1 if confirmed else 0
    short, long = view.sma("volume", 5, shift=shift), view.sma("volume", 50, shift=shift)
    if short is None or long is None:
        return None
    return float(steps_down(short / long, (0.50, 10), (0.70, 7), (0.85, 4), (1.00, 2)))


def tightness(view: View) -> float | None:
    """Both halves; the second one is left out while 120 band widths aren't known."""
    if view.n < 51:  # fifty true ranges need the close before the first of them
        return None
    rows = view.segment.rows[view.t - 50 : view.t + 1]
    ranges = [
        max(now.high - now.low, abs(now.high - before.close), abs(now.low - before.close))
        / before.close
        for before, now in pairwise(rows)
    ]
    points = 0
    if sum(ranges) > 0:
        shrinkage = (sum(ranges[-5:]) / 5) / (sum(ranges) / 50)
        points += steps_down(shrinkage, (0.50, 5), (0.65, 4), (0.80, 2))
    if view.n >= 139:
        widths = [w for w in view.segment.band_width[view.t - 119 : view.t + 1] if w is not None]
        narrowest, widest = min(widths), max(widths)
        if gt(widest, narrowest):
            place = (widths[-1] - narrowest) / (widest - narrowest)
            points += steps_down(place, (0.05, 5), (0.15, 3), (0.30, 1))
    return float(points)


def pivot_points(pattern: dict[str, Any], close: float) -> float:
    if not pattern["found"]:
        return 0.0
    if pattern["confirmed"]:
        return 5.0
    if pattern["state"] != "forming":
        return 0.0
    return float(steps(close / pattern["pivot"], (0.97, 5), (0.95, 3)))


def smart_money(view: View) -> float | None:
    five = view.last_net(5)
    if five is None:
        return None
    bought = in_one_unit(*five)
    if bought is None:
        return None
    pairs, turnover = bought
    total = sum(turnover)
    a = sum(foreign for foreign, _ in pairs) / total
    b = sum(institution for _, institution in pairs) / total
    in_a_row = 0
    for foreign, institution in reversed(pairs):
        if foreign + institution <= 0:
            break
        in_a_row += 1
    return float(
        steps(a, (0.10, 12), (0.05, 9), (0.02, 6), (0.005, 3))
        + steps(b, (0.06, 10), (0.03, 7), (0.01, 4), (0.002, 2))
        + (4 if a > 0 and b > 0 else 0)
        + steps(in_a_row, (5, 4), (3, 2))
    )


def in_one_unit(
    rows: list[Row], nets: list[Net]
) -> tuple[list[tuple[float, float]], list[float]] | None:
    """(foreign, institution) and turnover of each session, in won, else in adjusted shares."""
    for unit in ("won", "shares"):
        pairs = [(n[f"foreign_{unit}"], n[f"institution_{unit}"]) for n in nets]
        if any(x is None for pair in pairs for x in pair):
            continue
        if unit == "won":
            return [(float(f), float(i)) for f, i in pairs], [float(r.value) for r in rows]
        factors = [r.cumulative for r in rows]
        return (
            [(f / c, i / c) for (f, i), c in zip(pairs, factors, strict=True)],
            [r.volume for r in rows],
        )
    return None


def levels(pattern: dict[str, Any], row: Row) -> dict[str, int | None]:
    """Won as traded in the session."""
    nothing: dict[str, int | None] = {"entry": None, "target": None, "stop": None}
    if not pattern["found"]:
        return nothing
    pivot, floor = pattern["pivot"] / row.cumulative, pattern["low"] / row.cumulative
    entry = tick_up(one_tick_above(pivot)) if pattern["state"] == "forming" else row.traded_close
    if gt(entry, 1.05 * pivot):
        return nothing
    stop = tick_up(max(one_tick_below(floor), 0.92 * entry))
    return {"entry": entry, "target": tick_down(entry + 2 * (entry - stop)), "stop": stop}
