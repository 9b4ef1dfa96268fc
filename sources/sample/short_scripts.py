"""The short scripts: breakouts and rebounds of one session, true and false."""

from __future__ import annotations

from typing import Final

import numpy as np

from sources.sample.script import Check, Script

DONE: Final = 25  # the row of the session to find
SPAN: Final = DONE + 5
PERIOD: Final = 60

MIX: Final = (
    ("daytrading_breakout", 0.25),
    ("daytrading_rebound", 0.20),
    ("closing_bet_rebound", 0.30),
    ("daytrading_limit_up", 0.05),
    ("daytrading_single_price", 0.05),
    ("daytrading_thin", 0.05),
    ("closing_bet_limit_up", 0.05),
    ("closing_bet_warning", 0.05),
)


def write(name: str, rng: np.random.Generator) -> Script:
    """One script of that name; sizes, noise and net buying differ each time."""
    rows = np.arange(SPAN)
    level = 0.005 * rng.standard_normal(SPAN)
    value = 0.2 * rng.standard_normal(SPAN)
    rebound = name.startswith("closing_bet")
    if rebound:
        level += np.interp(rows, [0, 15, DONE - 2, DONE - 1], [0, 0, -0.13, -0.105])
        level[DONE:] = level[DONE - 1] + float(rng.uniform(0.05, 0.08))
        value[DONE] = 1.9
    else:
        if name == "daytrading_rebound":
            level[DONE - 2 : DONE] = (0.0, -0.042)
        level[DONE:] = float(rng.uniform(0.055, 0.075))
        value[DONE] = float(rng.uniform(1.2, 1.7))
    value[DONE + 1 :] = 0.4
    level[DONE + 1 :] += 0.01 * rng.standard_normal(SPAN - DONE - 1)
    up = rng.uniform(0.002, 0.008, SPAN)
    opening = np.append(0.0, -np.diff(level)) * 0.9
    foreign = np.full(SPAN, np.nan)
    institution = np.full(SPAN, np.nan)
    foreign[DONE - 5 : DONE + 1] = rng.uniform(0.02, 0.09)
    institution[DONE - 5 : DONE + 1] = rng.uniform(0.015, 0.05)
    scanner = "closing_bet" if rebound else "daytrading"
    genuine = name in ("daytrading_breakout", "daytrading_rebound", "closing_bet_rebound")
    flags = {"daytrading_single_price": "single_price", "closing_bet_warning": "warning"}
    return Script(
        level=level,
        opening=opening,
        up=up,
        down=up[::-1].copy(),
        value=value,
        foreign=foreign,
        institution=institution,
        checks=(Check(name, scanner, genuine),),
        limit_at=DONE if name.endswith("limit_up") else -1,
        flag=flags.get(name),
        turnover=8.5e8 if name == "daytrading_thin" else None,
    )
