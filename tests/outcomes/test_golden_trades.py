"""Trades worked out by hand; see golden/trades.json for how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from trade_stories import TOLD, bars_of, sessions_of

from outcomes.follow import follow
from outcomes.rules import TradeRules

CASES = json.loads((Path(__file__).parent / "golden" / "trades.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_trade_worked_out_by_hand(case: dict[str, Any]) -> None:
    assert case["worked_out"]
    sessions = sessions_of(len(case["bars"]))
    got = follow(
        signal_of(case),
        bars_of(case["bars"], case.get("base")),
        sessions,
        TradeRules.from_mapping({"outcomes": case.get("rules", {})}),
    ).row(0, named=True)
    expected = case["expect"]
    for name in ("filled", "closed"):
        place = expected.get(name)
        assert got[f"{name}_session"] == (None if place is None else sessions[place])
    for name in ("status", "reason", "filled_price", "closed_price", "sessions_held"):
        assert got[name] == expected.get(name), name
    for name in ("gross_return", "open_return"):
        want = expected.get(name)
        assert got[name] == (None if want is None else pytest.approx(want, abs=1e-12)), name
    if "factor" in expected:
        assert got["factor"] == pytest.approx(expected["factor"], rel=1e-12)


def signal_of(case: dict[str, Any]) -> pl.DataFrame:
    names = ("entry", "target", "stop", "pivot")
    so_far = ("high_so_far", "low_so_far")
    scanner = case.get("scanner", "vcp")
    row = {
        "session": sessions_of(1)[0],
        "as_of": case.get("as_of", "close"),
        "ticker": TOLD,
        "scanner": scanner,
        **dict(zip(names, case["levels"], strict=True)),
        **dict(zip(so_far, case.get("so_far", [None, None]), strict=True)),
    }
    kinds: dict[str, type[pl.DataType]] = {name: pl.Int64 for name in names[:3]}
    kinds |= {name: pl.Float64 for name in ("pivot", *so_far)}
    return pl.DataFrame([row], schema_overrides=kinds)
