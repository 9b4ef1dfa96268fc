"""Figures worked out by hand: intervals, expectancy, profit factor, samples too small to say."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from outcomes.performance import performance

FIRST = date(2025, 3, 3)
KINDS: dict[str, Any] = {"filled_session": pl.Date, "closed_session": pl.Date, "gate": pl.String}
KINDS |= {"net_return": pl.Float64, "random_return": pl.Float64, "sessions_held": pl.Int64}


def row(number: int, net: float | None, **changes: Any) -> dict[str, Any]:
    """One signal, its trade and what came after it."""
    ended = net is not None
    return {
        "scanner": "vcp",
        "session": FIRST,
        "as_of": "close",
        "ticker": f"{number:05}0",
        "grade": "A",
        "gate": "GREEN",
        "status": "target" if ended else "expired",
        "reason": None,
        "filled_session": FIRST if ended else None,
        "closed_session": date(2025, 3, 10) if ended else None,
        "net_return": net,
        "random_return": 0.01 if ended else None,
        "sessions_held": 5 if ended else None,
        **{f"return_{h}": 0.02 * h for h in (1, 5, 20)},
        **{f"market_{h}": 0.01 * h for h in (1, 5, 20)},
    } | changes


def figures(rows: list[dict[str, Any]], min_sample: int = 30, **group: str) -> dict[str, Any]:
    found = performance(pl.DataFrame(rows, schema_overrides=KINDS), min_sample)
    chosen = {"scanner": "vcp", "grade": "all", "gate": "all"} | group
    return found.filter(**chosen).row(0, named=True)


def test_hits_expectancy_and_profit_factor() -> None:
    found = figures([row(1, 0.10), row(2, 0.02), row(3, -0.04), row(4, 0.0), row(5, None)])
    assert (found["signals"], found["filled"], found["closed"], found["trades"]) == (5, 4, 4, 4)
    assert found["hit_rate"] == 0.5
    assert found["expectancy"] == pytest.approx(0.02)  # 8 % over four
    assert found["random_expectancy"] == pytest.approx(0.01)
    assert found["edge"] == pytest.approx(0.01)
    assert found["profit_factor"] == pytest.approx(3.0)  # 12 % over 4 %
    assert found["sessions_held"] == 5
    assert found["small"]


def test_returns_are_set_against_the_markets() -> None:
    rows = [row(1, 0.1), row(2, 0.1, return_20=None), row(3, None, return_1=-0.01, market_1=None)]
    found = figures(rows)
    assert (found["n_1"], found["n_20"]) == (3, 2)
    assert found["mean_1"] == pytest.approx(0.01)  # (2 + 2 - 1) / 3 %
    assert found["median_1"] == pytest.approx(0.02)
    assert found["edge_1"] == pytest.approx(0.01)  # of the two whose market is known
    assert found["mean_20"] == pytest.approx(0.4)
    assert found["market_20"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("hits", "trades", "low", "high"),
    # The score interval as printed by Newcombe (1998), Statist. Med. 17, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_the_interval_is_wilsons(hits: int, trades: int, low: float, high: float) -> None:
    found = figures([row(n, 0.01 if n < hits else -0.01) for n in range(trades)])
    assert (round(found["hit_low"], 4), round(found["hit_high"], 4)) == (low, high)


def test_signals_that_share_a_trade_are_one_trade_and_no_certainty() -> None:
    once = figures([row(n, 0.01 if n % 2 else -0.01) for n in range(20)])
    days = [date(2025, 2, d) for d in (24, 25, 26, 27, 28)]
    often = figures(
        [row(n, 0.01 if n % 2 else -0.01, session=day) for n in range(20) for day in days]
    )
    assert (often["signals"], often["trades"]) == (100, 20)
    assert (often["hit_low"], often["hit_high"]) == (once["hit_low"], once["hit_high"])


def test_a_stock_counts_once_a_session_in_its_first_slot() -> None:
    rows = [row(1, 0.1, as_of="close"), row(1, -0.2, as_of="15:12"), row(1, 0.3, as_of="final")]
    assert figures(rows)["expectancy"] == pytest.approx(-0.2)


def test_groups_by_grade_and_gate() -> None:
    rows = [
        row(1, 0.1),
        row(2, -0.1, grade="B", gate="RED"),
        row(3, 0.2, grade="B", gate=None),
    ]
    assert figures(rows, grade="B")["expectancy"] == pytest.approx(0.05)
    assert figures(rows, gate="RED")["signals"] == 1
    assert figures(rows, gate="unknown")["expectancy"] == pytest.approx(0.2)
    assert figures(rows, grade="A", gate="GREEN")["hit_rate"] == 1.0
    assert figures(rows, min_sample=3)["small"] is False


def test_what_was_never_traded_has_no_rates() -> None:
    found = figures([row(1, None), row(2, None)])
    assert found["trades"] == 0
    for name in ("hit_rate", "hit_low", "hit_high", "expectancy", "edge", "profit_factor"):
        assert found[name] is None
