"""Rules are typed, named when wrong, and comparable by their hash."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from errors import SettingsError
from scanners.rules import Rules


def test_a_mapping_changes_only_what_it_names() -> None:
    rules = Rules.from_mapping({"vcp": {"grades": {"S": 85}, "contractions": {"near": 0.12}}})
    assert rules.vcp.grades.S == 85
    assert rules.vcp.grades.A == 65
    assert rules.vcp.contractions.near == 0.12
    assert rules.daytrading == Rules().daytrading


@pytest.mark.parametrize(
    ("mapping", "name"),
    [
        ({"vcp": {"grades": {"S": "high"}}}, "rules.vcp.grades.S: "),
        ({"vcp": {"grades": {"S": 60}}}, "rules.vcp.grades: "),
        ({"vcp": {"contractions": {"near": 1.5}}}, "rules.vcp.contractions.near: "),
        ({"vcp": {"contractions": {"narrow": 1}}}, "rules.vcp.contractions.narrow: "),
        ({"vcp": {"template": {"long": 300}}}, "rules.vcp.template.long: "),
        ({"vcp": 5}, "rules.vcp: "),
        ({"vpc": {}}, "rules.vpc: "),
        ({"daytrading": {"min_grade": "D"}}, "rules.daytrading.min_grade: "),
        ({"daytrading": {"earliest": "9:20"}}, "rules.daytrading.earliest: "),
        ({"closing_bet": {"min_grade": "D"}}, "rules.closing_bet.min_grade: "),
        ({"closing_bet": {"value_steps": [[1, "x"]]}}, "rules.closing_bet.value_steps.0.1: "),
        ({"market_gate": {"change1": {"low": 1}}}, "rules.market_gate.change1: "),
        ({"market_gate": {"red": 69}}, "rules.market_gate: "),
        ({"universe": {"min_rows": 20}}, "rules.universe.min_rows: "),
        ({"universe": {"max_adjusted_jump": float("nan")}}, "rules.universe.max_adjusted_jump: "),
    ],
)
def test_a_wrong_rule_is_refused_by_its_name(mapping: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError) as error:
        Rules.from_mapping(mapping)
    assert name in error.value.detail


def test_every_wrong_rule_is_named() -> None:
    with pytest.raises(SettingsError, match=r"rules\.vcp\.full: .*rules\.daytrading\.stop: "):
        Rules.from_mapping({"vcp": {"full": -1}, "daytrading": {"stop": 0}})


def test_the_hash_changes_with_any_value_and_with_nothing_else() -> None:
    assert Rules().hash == Rules.from_mapping({}).hash
    assert Rules.from_mapping({"vcp": {"grades": {"S": 80.0}}}).hash == Rules().hash
    changed = Rules.from_mapping({"closing_bet": {"gates": {"up": False}}})
    assert changed.hash != Rules().hash
    assert len(Rules().hash) == 12


def test_rules_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Rules().vcp.grades.S = 1


def test_every_window_fits_in_the_lookback() -> None:
    rules = Rules()
    assert rules.vcp.template.rows == 253
    assert rules.vcp.contractions.window + rules.vcp.contractions.max_age + 10 < 280
