"""Reads the golden cases: a market told in a few lines, and the answer worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Told = dict[str, Any]
ONLY = "000010"


@dataclass(frozen=True)
class Case:
    """`story` is for paths.build; `expected` is scanner -> ticker -> answer (None: not scanned)."""

    name: str
    story: Told
    expected: Told


def read(folder: Path) -> list[Case]:
    """All cases of all files; each variant of a case is one of its own."""
    return [
        case
        for path in sorted(folder.glob("*.json"))
        for case in _cases(path.stem, json.loads(path.read_text()))
    ]


def _cases(file: str, told: Told) -> Iterator[Case]:
    known = told["stocks"]
    for case in told["cases"]:
        assert case["worked_out"], "a golden answer says how it was worked out"
        variants = case.get("variants", [{}])
        for i, variant in enumerate(variants):
            stocks = case.get("stocks") or {ONLY: case.get("stock", {}) | variant}
            if "sectors" in case:
                stocks = _in_sectors(case["sectors"])
            stocks = {
                ticker: known.get(stock.get("like"), {}) | stock for ticker, stock in stocks.items()
            }
            story = {"stocks": stocks} | {
                key: case[key]
                for key in ("indices", "news", "as_of", "previous_gate")
                if key in case
            }
            expected = {
                scanner: answer
                if "stocks" in case or scanner in ("market_gate", "left_out")
                else {ONLY: answer}
                for scanner, answer in case["expect"].items()
            }
            number = f" ({i + 1})" if len(variants) > 1 else ""
            yield Case(f"{file}: {case['name']}{number}", story, expected)


def _in_sectors(sectors: dict[str, list[str]]) -> Told:
    members = [(sector, like) for sector, likes in sectors.items() for like in likes]
    return {
        f"{i:05}0": {"like": like, "sector": sector} for i, (sector, like) in enumerate(members, 1)
    }
