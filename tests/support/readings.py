"""The two readings of the scanners' rules, in one shape: the vectorised scan and the reference."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

import polars as pl
from paths import Market
from reference import closing_bet, daytrading, market_gate, panel, vcp

from scanners import scan
from scanners.rules import Rules

Answer = dict[str, Any]
Answers = dict[str, Any]  # scanner -> ticker -> Answer; market_gate -> Answer; left_out
STOCK_SCANNERS = ("vcp", "daytrading", "closing_bet")
EVERYTHING = Rules.from_mapping({name: {"min_grade": "C"} for name in STOCK_SCANNERS})
PARTS = {
    "vcp": ("trend", "contractions", "volume_dry_up", "tightness", "pivot", "smart_money"),
    "daytrading": (
        "volume",
        "momentum",
        "box",
        "average5",
        "net_buying",
        "rebound",
        "sector",
    ),
    "closing_bet": ("news", "value", "chart", "candle", "period", "supply"),
}
GATES = {
    "vcp": ("pattern", "template", "liquidity"),
    "daytrading": ("liquidity", "value", "up", "room"),
    "closing_bet": ("trading_value", "up", "below_limit", "no_blocking_news", "no_warning"),
}


def reference_rows(
    stocks: panel.Panel, market: Market, score_from: date
) -> dict[str, list[Answer]]:
    """Each scanner's rows, as the plain reference scores them."""
    return {
        "vcp": vcp.score(stocks, score_from),
        "daytrading": daytrading.score(stocks, score_from),
        "closing_bet": closing_bet.score(stocks, market.data, score_from),
    }


def by_reference(market: Market, previous_gate: str | None = None) -> Answers:
    """The last session's answers."""
    stocks = panel.build(market.data, market.schedule)
    answers: Answers = {
        name: {row["ticker"]: row | _told(row.get("pattern", {}), market, row) for row in rows}
        for name, rows in reference_rows(stocks, market, market.last).items()
    }
    gate = market_gate.score(stocks, market.data, market.last, previous=previous_gate)
    left_out = {name: why_left_out(stocks, name, market.last) for name in STOCK_SCANNERS}
    return answers | {"market_gate": gate[-1], "left_out": left_out}


def why_left_out(stocks: panel.Panel, scanner: str, session: date) -> dict[str, int]:
    """How many stocks the reference leaves out, by reason."""
    reasons = (
        stocks.why_left_out(ticker, session, trading=scanner != "vcp")
        for ticker in stocks.listed[session]
    )
    return dict(Counter(reason for reason in reasons if reason is not None))


def _told(pattern: Answer, market: Market, row: Answer) -> Answer:
    return pattern | _on_rows(pattern.get("contractions", []), market.rows[row["ticker"]])


def by_scan(market: Market, previous_gate: str | None = None) -> Answers:
    """The last session's answers."""
    found = scan(market.data, market.schedule, market.last, EVERYTHING, previous_gate=previous_gate)
    answers: Answers = {}
    for name in STOCK_SCANNERS:
        result = found.results[name]
        signals = {row["ticker"]: row for row in result.signals.to_dicts()}
        answers[name] = {}
        for row in result.scores.to_dicts():
            answer = row | {
                "parts": {part: row[part] for part in PARTS[name]},
                "gates": {gate: row[f"gate_{gate}"] for gate in GATES[name]},
            }
            if name == "vcp":
                answer |= {"pivot": row["pivot_price"], "low": row["pivot_low"]}
                if row["ticker"] in signals:
                    pattern = json.loads(signals[row["ticker"]]["parts"])["pattern"]
                    answer |= _on_rows(pattern["contractions"] or [], market.rows[row["ticker"]])
            answers[name][row["ticker"]] = answer
    assert found.gate is not None
    gate = found.gate.to_dicts()[-1]
    parts = {name: part["points"] for name, part in json.loads(gate["parts"]).items()}
    left_out = {
        name: dict(found.results[name].left_out.select("reason", "n").iter_rows())
        for name in STOCK_SCANNERS
    }
    return answers | {"market_gate": gate | {"parts": parts}, "left_out": left_out}


def _on_rows(contractions: list[Answer], rows: dict[date, int]) -> Answer:
    """Contractions in the story's rows, depths to a thousandth of a percent."""

    def row(session: date | str) -> int:
        return rows[session if isinstance(session, date) else date.fromisoformat(session)]

    return {
        "highs": [row(c["high_on"]) for c in contractions],
        "lows": [row(c["low_on"]) for c in contractions],
        "depths": [round(c["depth"], 5) for c in contractions],
    }


def score_frame(name: str, rows: list[Answer]) -> pl.DataFrame:
    """Reference rows with the columns that `scan` gives them."""
    flat = [
        {key: row[key] for key in ("session", "ticker", "score", "out_of", "grade")}
        | {key: row[key] for key in ("entry", "target", "stop")}
        | {part: row["parts"][part] for part in PARTS[name]}
        | {f"gate_{gate}": row["gates"][gate] for gate in GATES[name]}
        for row in rows
    ]
    return pl.DataFrame(flat, infer_schema_length=None)
