"""Hand-made markets with hand-made answers: both readings of the rules must give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import paths
import pytest
from golden import Case, read
from readings import Answer, Answers, by_reference, by_scan

CASES = read(Path(__file__).parent / "golden")


@pytest.mark.parametrize("reading", [by_scan, by_reference], ids=["scan", "reference"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_the_golden_one(
    case: Case, reading: Callable[[paths.Market, str | None], Answers]
) -> None:
    market = paths.build(case.story)
    answers = reading(market, case.story.get("previous_gate"))
    for scanner, expected in case.expected.items():
        if scanner in ("market_gate", "left_out"):
            agree(expected, answers[scanner])
            continue
        for ticker, answer in expected.items():
            got = answers[scanner].get(ticker)
            if answer is None or got is None:
                assert got is answer, f"{scanner} {'scans' if got else 'leaves out'} {ticker}"
            else:
                agree(answer, got)


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
