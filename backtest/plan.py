"""What is to be tried: a scanner, a range, and every rule, limit and cost it is tried under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from backtest.limits import Limits, limits_of
from backtest.names import nested, refuse_unknown
from errors import SettingsError
from outcomes.rules import TradeRules
from scanners.rules import Rules

M = TypeVar("M", bound=BaseModel)
VERSION = "2"  # of how plans are tried: a higher one tries them anew
CAPITAL = 100_000_000


@dataclass(frozen=True)
class Plan:
    """One backtest, whole: the same plan over the same data gives the same result."""

    scanner: str
    first: date
    last: date
    rules: Rules
    trades: TradeRules
    limits: Limits
    capital: int = CAPITAL
    changes: Mapping[str, Any] = field(default_factory=dict)

    def key(self, source: str) -> str:
        """Equal exactly when everything that was chosen is, and the market it is tried on."""
        text = json.dumps([VERSION, source, self.spec], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def spec(self) -> dict[str, Any]:
        """Everything chosen, as JSON can hold it."""
        return {
            "scanner": self.scanner,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "capital": self.capital,
            "rules_hash": self.rules.hash,
            "changes": dict(self.changes),
            "limits": self.limits.model_dump(mode="json"),
            "outcomes": self.trades.model_dump(mode="json"),
        }

    def between(self, first: date, last: date) -> Plan:
        """The same over another range."""
        return replace(self, first=first, last=last)


def plan_of(
    scanner: str,
    first: date,
    last: date,
    *,
    rules: Rules,
    trades: TradeRules,
    capital: int = CAPITAL,
    changes: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan with these changes of rules, by their full names (`vcp.pivot.max_below`).

    Names begin with universe, vcp, daytrading, closing_bet or market_gate (the scanners' rules),
    with `outcomes` (how a signal is traded, and its costs) or `limits` (how much capital it
    takes). The rules given are those of closebell.toml. Sizes of `limits` follow closing_bet's
    rules unless changed themselves.

    Raises:
        SettingsError: a name that doesn't exist, with those near it, or a wrong value.
    """
    changes = dict(changes or {})
    refuse_unknown(changes, every_name(rules, trades))
    tables = nested(changes)
    for_trades, for_limits = tables.pop("outcomes", {}), tables.pop("limits", {})
    changed = _laid_over(rules, tables, "")
    limits = _laid_over(limits_of(changed), for_limits, "limits.")
    traded = _laid_over(trades, for_trades, "outcomes.")
    return Plan(scanner, first, last, changed, traded, limits, capital, changes)


def every_name(rules: Rules, trades: TradeRules) -> list[str]:
    """The names of everything that can be changed."""
    tables = {
        "": rules.model_dump(),
        "outcomes.": trades.model_dump(),
        "limits.": limits_of(rules).model_dump(),
    }
    return [prefix + name for prefix, table in tables.items() for name in _leaves(table)]


def _leaves(table: Mapping[str, Any]) -> list[str]:
    names = []
    for name, value in table.items():
        names += (
            [f"{name}.{leaf}" for leaf in _leaves(value)] if isinstance(value, dict) else [name]
        )
    return names


def _laid_over(model: M, changes: Mapping[str, Any], prefix: str) -> M:
    if not changes:
        return model
    try:
        return type(model).model_validate(_merged(model.model_dump(), changes))
    except ValidationError as error:
        wrong = [
            f"{prefix}{'.'.join(map(str, e['loc']))}: {e['msg']}, not {e['input']!r}"
            for e in error.errors()
        ]
        raise SettingsError(
            "wrong rules: " + "; ".join(wrong), remedy="give another value with --set"
        ) from None


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for name, value in changes.items():
        inner = isinstance(value, Mapping) and isinstance(old[name], Mapping)
        result[name] = _merged(old[name], value) if inner else value
    return result
