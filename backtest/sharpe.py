"""How good the best of many trials looks by luck alone: the deflated Sharpe ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_EULER = 0.5772156649015329
_NORMAL = NormalDist()
# [US] With fewer a normal distribution of the ratio, which the formula takes for granted, is none.
FEW_TRADES = 30
FEW_SESSIONS = 120


@dataclass(frozen=True)
class Deflated:
    """`expected_best`: the Sharpe ratio a session that the best of so many useless trials is
    expected to show; `probability`: that the true one is above 0, given that; null where it can't
    be told, and then `why` says why.
    """

    trials: int
    sharpe: float | None
    expected_best: float | None
    probability: float | None
    why: str | None = None


def expected_best(trials: int, variance: float) -> float:
    """sqrt(V) x ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g Euler's constant, z the quantile.

    Bailey and López de Prado, The deflated Sharpe ratio, Journal of Portfolio Management 40(5),
    2014; `variance` is that of the trials' Sharpe ratios a session.
    """
    if trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * first + _EULER * second)


def deflated(
    r: NDArray[np.float64], sharpes: Sequence[float], trades: int, trials: int | None = None
) -> Deflated:
    """The deflated Sharpe ratio of the chosen trial's returns a session.

    Φ((S - S0) sqrt(T - 1) / sqrt(1 - g3 S + (g4 - 1) / 4 S²)), S the Sharpe ratio a session, T the
    sessions, g3 skewness, g4 kurtosis, S0 `expected_best`.

    Args:
        sharpes: of all trials, a session (not a year). Useless ones of T sessions have a variance
            of 1 / (T - 1) by chance alone, so a smaller one (a narrow grid's) isn't believed.
        trades: how many made the returns.
        trials: how many were made, if more than `sharpes` tells.
    """
    count = max(trials or 0, len(sharpes))
    deviation = float(r.std(ddof=1)) if len(r) > 1 else 0.0
    if deviation <= 0:
        return Deflated(count, None, None, None, "the equity never changed")
    own = float(r.mean() / deviation)
    if count < 2:
        return Deflated(count, own, None, None, "it is the only trial")
    spread_of_all = float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    best = expected_best(count, max(spread_of_all, 1 / (len(r) - 1)))
    if trades < FEW_TRADES:
        return Deflated(count, own, best, None, f"fewer than {FEW_TRADES} trades")
    if len(r) < FEW_SESSIONS:
        return Deflated(count, own, best, None, f"fewer than {FEW_SESSIONS} sessions")
    centred = r - r.mean()
    spread = float((centred**2).mean())
    skew = float((centred**3).mean()) / spread**1.5
    kurtosis = float((centred**4).mean()) / spread**2
    inside = 1 - skew * own + (kurtosis - 1) / 4 * own**2
    if inside <= 0:
        return Deflated(count, own, best, None, "the returns are too skewed")
    z = (own - best) * math.sqrt(len(r) - 1) / math.sqrt(inside)
    return Deflated(count, own, best, _NORMAL.cdf(z))
