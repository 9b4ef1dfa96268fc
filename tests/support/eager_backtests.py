"""Backtests of random small markets under rules so loose that there is something to trade."""

from __future__ import annotations

from datetime import date
from typing import Any

from markets import random_market
from paths import Market

from backtest.plan import Plan, plan_of
from backtest.run import Ready, Result, backtest, follow_all, scan_all
from outcomes.rules import TradeRules
from scanners.rules import Rules

LOOSE: dict[str, dict[str, Any]] = {
    "vcp": {
        "vcp.gates.pattern": False,
        "vcp.gates.template": False,
        "vcp.min_out_of": 20,
        "vcp.grades.S": 30,
        "vcp.grades.A": 20,
        "vcp.grades.B": 2,
    },
    "daytrading": {
        "daytrading.gates.room": False,
        "daytrading.min_out_of": 15,
        "daytrading.min_value": 0,
        "daytrading.grades.S": 50,
        "daytrading.grades.A": 30,
        "daytrading.grades.B": 10,
        "outcomes.daytrading.watch_entry": "next_open",
    },
    "closing_bet": {
        "closing_bet.min_out_of": 3,
        "closing_bet.value_steps": [[500e9, 3], [1e9, 2], [1, 1]],
        "closing_bet.grades.S": 5,
        "closing_bet.grades.A": 3,
        "closing_bet.grades.B": 1,
    },
}
SCANNERS = tuple(LOOSE)
SCORED = 200  # sessions


def eager_plan(scanner: str, market: Market, capital: int = 100_000_000, **limits: Any) -> Plan:
    """The loose plan over the market's last sessions; `limits` by their short names."""
    days = market.schedule["session"].to_list()
    changes = LOOSE[scanner] | {"universe.min_value20": 0}
    return plan_of(
        scanner,
        days[-SCORED],
        days[-1],
        rules=Rules(),
        trades=TradeRules(),
        capital=capital,
        changes=changes | {f"limits.{name}": value for name, value in limits.items()},
    )


def eager_backtest(
    scanner: str, seed: int = 1, capital: int = 100_000_000, **limits: Any
) -> Result:
    """That plan tried on the random market of this seed."""
    market = random_market(seed)
    return backtest(market.data, market.schedule, eager_plan(scanner, market, capital, **limits))


def eager_ready(scanner: str, seed: int, capital: int = 100_000_000, **limits: Any) -> Ready:
    """The same, before the account is made."""
    market = random_market(seed)
    plan = eager_plan(scanner, market, capital, **limits)
    return follow_all(scan_all(market.data, market.schedule, plan), plan)


def between(market: Market) -> tuple[date, date]:
    """The first and the last session a plan trades in."""
    days = market.schedule["session"].to_list()
    return days[-SCORED], days[-1]
