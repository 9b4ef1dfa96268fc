"""Plans: rules by their names, grids and windows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from backtest.grid import points, windows
from backtest.names import parse, parse_many
from backtest.plan import plan_of
from errors import SettingsError
from outcomes.rules import TradeRules
from scanners.rules import Rules

FIRST, LAST = date(2024, 1, 2), date(2024, 12, 30)


def plan(**changes):
    names = {name.replace("__", "."): value for name, value in changes.items()}
    return plan_of("vcp", FIRST, LAST, rules=Rules(), trades=TradeRules(), changes=names)


def test_a_rule_is_changed_by_its_full_name():
    own = plan(vcp__pivot__max_below=0.05, outcomes__vcp__hold=20, limits__max_positions=3)
    assert own.rules.vcp.pivot.max_below == 0.05
    assert own.trades.vcp.hold == 20
    assert own.limits.max_positions == 3
    assert own.rules.vcp.pivot.far_below == Rules().vcp.pivot.far_below


def test_limits_follow_the_rules_of_closing_bet_unless_changed_themselves():
    assert plan(closing_bet__max_positions=2).limits.max_positions == 2
    assert plan(closing_bet__max_positions=2, limits__max_positions=4).limits.max_positions == 4


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("vcp.pivot.near", "vcp.pivot.max_below"),
        ("vcp.pivto.max_below", "vcp.pivot.max_below"),
        ("outcomes.vcp.holds", "outcomes.vcp.hold"),
        ("limit.max_positions", "limits.max_positions"),
        ("vcp.pivot", "vcp.pivot.max_below"),
        ("nonsense", "vcp"),
    ],
)
def test_a_wrong_name_is_refused_with_those_near_it(name, near):
    with pytest.raises(SettingsError) as error:
        plan_of("vcp", FIRST, LAST, rules=Rules(), trades=TradeRules(), changes={name: 1})
    assert repr(name) in error.value.detail
    assert near in (error.value.remedy or "").removeprefix("near it are ").split(", ")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("vcp.pivot.max_below", "much", "vcp.pivot.max_below"),
        ("limits.max_exposure", 2, "limits.max_exposure"),
        ("outcomes.vcp.hold", 0, "outcomes.vcp.hold"),
    ],
)
def test_a_wrong_value_is_refused_by_the_rules_full_name(name, value, says):
    with pytest.raises(SettingsError, match=says):
        plan_of("vcp", FIRST, LAST, rules=Rules(), trades=TradeRules(), changes={name: value})


def test_equal_plans_have_one_key_and_others_another():
    assert plan().key("stored") == plan().key("stored")
    keys = {
        plan().key("stored"),
        plan().key("sample"),
        plan(vcp__pivot__max_below=0.05).key("stored"),
        plan(limits__max_open=3).key("stored"),
        plan(outcomes__costs__commission=0.001).key("stored"),
        plan().between(FIRST, FIRST).key("stored"),
    }
    assert len(keys) == 6


def test_values_are_json_and_else_words():
    assert parse("vcp.pivot.max_below=0.05") == ("vcp.pivot.max_below", 0.05)
    assert parse("closing_bet.exit = next_close") == ("closing_bet.exit", "next_close")
    assert parse_many("a.b=1,2,3") == ("a.b", [1, 2, 3])
    assert parse_many("a.b=[[1,2],[3,4]],[[5,6]]") == ("a.b", [[[1, 2], [3, 4]], [[5, 6]]])
    for wrong in ("vcp.pivot.max_below", "=3", "a=1,1"):
        with pytest.raises(SettingsError):
            parse_many(wrong)


def test_a_grid_is_every_combination():
    assert points(["a=1,2", "b=x,y"]) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    with pytest.raises(SettingsError, match="twice"):
        points(["a=1,2", "a=3"])


def test_windows_walk_forward_and_never_test_what_they_trained_on():
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(366 + 365)]
    found = windows("12m/6m", days)
    assert [(w.train_first, w.test_first) for w in found] == [
        (date(2020, 1, 1), date(2021, 1, 1)),
        (date(2020, 7, 1), date(2021, 7, 1)),
    ]
    assert found[0].train_last == date(2020, 12, 31)
    assert found[1].test_last == date(2021, 12, 31)
    assert all(w.train_last < w.test_first for w in found)
    assert windows(None, days) == []
    for wrong in ("12/6", "0m/6m", "5y/1y"):
        with pytest.raises(SettingsError):
            windows(wrong, days)
