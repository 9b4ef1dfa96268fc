"""The points of a grid tried one by one, and what the whole of them says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from backtest.figures import A_YEAR, cagr, drawdown, exposure, returns, sharpe
from backtest.grid import Window
from backtest.run import Ready, Traded, trade
from backtest.sharpe import Deflated, deflated

# More trades than this few make a Sharpe ratio worth comparing.
MIN_TRADES = 10
DECIMALS = 8


@dataclass(frozen=True)
class Choice:
    """One walk-forward window: the trial that was best in training, and how both parts went."""

    window: Window
    number: int | None
    train: Mapping[str, Any] | None
    test: Mapping[str, Any] | None


@dataclass(frozen=True)
class Summary:
    """`best` is the trial with the highest Sharpe ratio over the whole range, `luck` how likely it
    is more than luck; `forward` what choosing by training alone would have given (null without
    windows): total_return, cagr, sharpe, max_drawdown, sessions.
    """

    best: int | None
    luck: Deflated | None
    choices: list[Choice]
    forward: Mapping[str, Any] | None


def measured(ready: Ready, windows: Sequence[Window]) -> dict[str, Any]:
    """What one point came to, over the whole range and in each window, as JSON can hold it."""
    plan = ready.plan
    parts = [
        {
            "train": _part(ready, window.train_first, window.train_last),
            "test": _part(ready, window.test_first, window.test_last),
        }
        for window in windows
    ]
    return {"whole": _part(ready, plan.first, plan.last), "windows": parts}


def summary(
    results: Mapping[int, Mapping[str, Any]],
    windows: Sequence[Window],
    tried: int,
    sharpes: Sequence[float],
) -> Summary:
    """What the trials say together.

    `tried` counts all that were ever made with the scanner, `sharpes` are their Sharpe ratios (a
    year): a narrow grid tells too little of how far apart the useless ones lie.
    """
    wholes = {number: result["whole"] for number, result in results.items()}
    best = _best(wholes)
    luck = None
    if best is not None:
        daily = [one / math.sqrt(A_YEAR) for one in sharpes]
        whole = wholes[best]
        luck = deflated(np.array(whole["returns"]), daily, whole["trades"], tried)
    choices, unseen = [], []
    for at, window in enumerate(windows):
        chosen = _best({n: result["windows"][at]["train"] for n, result in results.items()})
        parts = results[chosen]["windows"][at] if chosen is not None else {}
        choices.append(Choice(window, chosen, parts.get("train"), parts.get("test")))
        unseen.append(np.array(_tested(results, chosen, at)))
    return Summary(best, luck, choices, _joined(choices, unseen))


def as_json(found: Summary) -> dict[str, Any]:
    """The summary without the returns of single sessions."""
    plain = asdict(found)
    for choice in plain["choices"]:
        for part in ("train", "test"):
            if choice[part] is not None:
                del choice[part]["returns"]
    return plain


def _part(ready: Ready, first: date, last: date) -> dict[str, Any]:
    done: Traded = trade(ready, first, last)
    equity, trades = done.outcome.equity, done.outcome.trades
    curve = np.concatenate([[ready.plan.capital], equity["equity"].to_numpy()]).astype(np.float64)
    r = returns(curve)
    profits = trades.filter(pl.col("sold_session").is_not_null())["profit"].to_numpy()
    gained, lost = float(profits[profits > 0].sum()), float(-profits[profits < 0].sum())
    return {
        "first": done.sessions[0].isoformat(),
        "last": done.sessions[-1].isoformat(),
        "total_return": float(curve[-1] / curve[0] - 1),
        "cagr": cagr(curve, (done.sessions[-1] - done.before).days),
        "sharpe": sharpe(r),
        "max_drawdown": drawdown(curve)[0],
        "exposure": exposure(equity),
        "trades": len(profits),
        "hit_rate": float((profits > 0).mean()) if len(profits) else None,
        "profit_factor": gained / lost if lost > 0 else None,
        "returns": np.round(r, DECIMALS).tolist(),
    }


def _best(parts: Mapping[int, Mapping[str, Any]]) -> int | None:
    """The number with the highest Sharpe ratio, of those with enough trades; ties: the lowest."""
    usable = {
        number: part["sharpe"]
        for number, part in sorted(parts.items())
        if part["sharpe"] is not None and part["trades"] >= MIN_TRADES
    }
    return max(usable, key=lambda number: usable[number]) if usable else None


def _tested(results: Mapping[int, Mapping[str, Any]], chosen: int | None, at: int) -> list[float]:
    """The returns of the chosen trial's test; without a choice the account stays in cash."""
    if chosen is not None:
        returns_: list[float] = results[chosen]["windows"][at]["test"]["returns"]
        return returns_
    any_: list[float] = next(iter(results.values()))["windows"][at]["test"]["returns"]
    return [0.0] * len(any_)


def _joined(
    choices: Sequence[Choice], unseen: Sequence[NDArray[np.float64]]
) -> dict[str, Any] | None:
    """The tests one after the other."""
    if not choices:
        return None
    r = np.concatenate(unseen)
    curve = np.concatenate([[1.0], np.cumprod(1 + r)])
    days = (choices[-1].window.test_last - choices[0].window.train_last).days
    return {
        "sessions": len(r),
        "total_return": float(curve[-1] - 1),
        "cagr": cagr(curve, days),
        "sharpe": sharpe(r),
        "max_drawdown": drawdown(curve)[0],
    }
