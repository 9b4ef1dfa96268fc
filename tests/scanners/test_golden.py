"""Hand-made markets with hand-made answers: both readings of the rules must give them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import paths
import pytest
from golden import Case, read
from reference import closing_bet, daytrading, market_gate, panel, vcp

CASES = read(Path(__file__).parent / "golden")
Answer = dict[str, Any]
Answers = dict[str, Any]  # scanner -> ticker -> Answer; market_gate -> Answer


def by_reference(case: Case, market: paths.Market) -> Answers:
    stocks = panel.build(market.data, market.schedule)
    answers: Answers = {
        name: {row["ticker"]: row | row.get("pattern", {}) for row in rows}
        for name, rows in (
            ("vcp", vcp.score(stocks, market.last)),
            ("daytrading", daytrading.score(stocks, market.last)),
            ("closing_bet", closing_bet.score(stocks, market.data, market.last)),
        )
    }
    before = case.story.get("previous_gate")
    gate = market_gate.score(stocks, market.data, market.last, previous=before)
    return answers | {"market_gate": gate[-1]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_reference_gives_the_golden_answer(case: Case) -> None:
    market = paths.build(case.story)
    answers = by_reference(case, market)
    for scanner, expected in case.expected.items():
        if scanner == "market_gate":
            agree(expected, answers[scanner])
            continue
        for ticker, answer in expected.items():
            got = answers[scanner].get(ticker)
            if answer is None or got is None:
                assert got is answer, f"{scanner} {'scans' if got else 'leaves out'} {ticker}"
            else:
                agree(answer, with_rows(got, market.rows[ticker]))


def with_rows(got: Answer, rows: dict[date, int]) -> Answer:
    """The contractions as rows of the story instead of sessions."""
    contractions = got.get("contractions", [])
    return got | {
        "highs": [rows[c["high_on"]] for c in contractions],
        "lows": [rows[c["low_on"]] for c in contractions],
        "depths": [c["depth"] for c in contractions],
    }


def agree(expected: Answer, got: Answer) -> None:
    """All that is expected is there, and numbers are equal within a millionth."""
    have = flat({name: got[name] for name in expected})
    want = {
        key: pytest.approx(value, abs=1e-6) if isinstance(value, int | float) else value
        for key, value in flat(expected).items()
    }
    assert {key: have.get(key, "absent") for key in want} == want
    assert all(len(got[key]) == len(e) for key, e in expected.items() if isinstance(e, list))


def flat(answer: Answer) -> Answer:
    """{"parts": {"news": 1}, "depths": [0.2]} as {"parts.news": 1, "depths.0": 0.2}."""
    result = {}
    for key, value in answer.items():
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            result |= flat({f"{key}.{inner}": item for inner, item in items})
        else:
            result[key] = value
    return result
