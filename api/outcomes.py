"""Outcomes as answers: their shapes, how rows become them, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from api import views
from api.examples import SIGNAL
from api.models import Shape, Signal, Won
from api.queries import CursorText, Grade, Query, Several, Status
from market.scanners import ScannerName

Percent = Annotated[float, Field(description="percent")]
Trade = Literal["open", "watch", "filled", "target", "stopped", "expired"]
Gate = Literal["all", "GREEN", "YELLOW", "RED", "unknown"]
HORIZONS: Final = (1, 5, 20)


class PerformanceQuery(Query):
    """What /api/kr/performance may be asked."""

    period: str = Field("all", pattern=r"^(all|\d{4})$", description="all, or a year of signals")
    signal_type: Annotated[list[ScannerName], Several] | None = Field(
        None, description="several allowed, repeated or by commas"
    )
    grade: Annotated[list[Literal["all", "S", "A", "B", "C"]], Several] | None = None
    market_gate: Annotated[list[Gate], Several] | None = Field(
        None, description="the market gate's colour when the signal was found"
    )


class OutcomeQuery(Query):
    """What /api/kr/stocks/{ticker}/signals may be asked."""

    limit: int = Field(20, ge=1, le=100)
    signal_type: Annotated[list[ScannerName], Several] | None = None
    status: Annotated[list[Status], Several] | None = Field(
        None, description="default: all but withdrawn"
    )
    slots: Literal["all", "newest"] = Field(
        "all", description="newest: of each scanner and session only its newest slot"
    )
    cursor: CursorText | None = None


class After(Shape):
    """Close to close, so many sessions after the signal's; the market: the signals' own index."""

    sessions: Literal[1, 5, 20]
    count: int = Field(description="signals so old, with a bar in that session")
    mean_pct: Percent | None
    median_pct: Percent | None
    market_pct: Percent | None
    edge_pct: Percent | None = Field(description="mean less the market's")


class Group(Shape):
    """Signals of one scanner, of one grade and market gate or of all; null: nothing to tell from.

    Returns of trades are after commission, fees, the sale's tax and slippage. Of several slots of
    a session the first that a stock was found in counts.
    """

    signal_type: ScannerName
    grade: Literal["all", "S", "A", "B", "C"]
    market_gate: Gate
    signals: int
    filled: int = Field(description="bought")
    held: int = Field(description="bought and not sold yet")
    closed: int = Field(description="bought and sold")
    trades: int = Field(description="distinct ones; signals of one stock share a trade")
    hit_rate_pct: Percent | None = Field(description="of the closed; a hit earns its costs")
    hit_rate_low_pct: Percent | None = Field(description="95 % interval (Wilson) of the trades")
    hit_rate_high_pct: Percent | None
    expectancy_pct: Percent | None = Field(description="mean return after costs")
    random_expectancy_pct: Percent | None = Field(
        description="the mean liquid stock's in the same sessions, less the same costs"
    )
    edge_pct: Percent | None
    profit_factor: float | None = Field(description="gains over losses; null without a loss")
    sessions_held: float | None = Field(description="on average")
    small_sample: bool = Field(description="too few distinct trades to say anything")
    after: list[After]


class Performance(Shape):
    """What became of the signals, and whether the data are fit to say so."""

    period: str
    settled_to: date
    survivorship: str = Field(description="belongs at the top of every report")
    delisted_held: bool | None = Field(
        description="false: stocks that left the market are missing; null: can't be told"
    )
    groups: list[Group]


class Step(Shape):
    """A step of a signal, in the session it happened in; the price is as traded in it."""

    session: date
    from_status: Trade
    status: Trade
    reason: str | None
    price: Won | None


class Outcome(Shape):
    """Where a signal's trade stands; a withdrawn signal's is followed too."""

    status: Trade
    reason: str | None
    filled_session: date | None
    filled_price: Won | None = Field(description="as traded in that session")
    closed_session: date | None
    closed_price: Won | None = Field(description="as traded in that session")
    factor: float | None = Field(description="filled_price × factor is on the closing scale")
    sessions_held: int | None
    gross_return_pct: Percent | None
    net_return_pct: Percent | None = Field(description="after costs")
    random_return_pct: Percent | None = Field(
        description="the mean liquid stock's meanwhile, after the same costs"
    )
    open_return_pct: Percent | None = Field(description="of a position still held")
    return_1_pct: Percent | None = Field(description="close to close, 1 session after the signal's")
    return_5_pct: Percent | None
    return_20_pct: Percent | None
    market_1_pct: Percent | None = Field(description="its market's index meanwhile")
    market_5_pct: Percent | None
    market_20_pct: Percent | None
    steps: list[Step]


class FollowedSignal(Signal):
    """A signal and what became of it; null: not settled yet."""

    grade: Grade
    outcome: Outcome | None


def report(row: views.Row, groups: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """An answer of /api/kr/performance, from a row of the repository."""
    return {
        "period": row["period"],
        "settled_to": row["settled_to"],
        "survivorship": row["survivorship"],
        "delisted_held": row["delisted_held"],
        "groups": [group(one) for one in (row["groups"] if groups is None else groups)],
    }


def group(row: Mapping[str, Any]) -> dict[str, Any]:
    """One group's figures, fractions as percent."""
    plain = ("signals", "filled", "held", "closed", "trades")
    return {
        "signal_type": row["scanner"],
        "grade": row["grade"],
        "market_gate": row["gate"],
        **{name: row[name] for name in plain},
        "hit_rate_pct": _percent(row["hit_rate"]),
        "hit_rate_low_pct": _percent(row["hit_low"]),
        "hit_rate_high_pct": _percent(row["hit_high"]),
        "expectancy_pct": _percent(row["expectancy"]),
        "random_expectancy_pct": _percent(row["random_expectancy"]),
        "edge_pct": _percent(row["edge"]),
        "profit_factor": row["profit_factor"],
        "sessions_held": row["sessions_held"],
        "small_sample": row["small"],
        "after": [
            {
                "sessions": h,
                "count": row[f"n_{h}"],
                **{
                    f"{k}_pct": _percent(row[f"{k}_{h}"])
                    for k in ("mean", "median", "market", "edge")
                },
            }
            for h in HORIZONS
        ],
    }


def followed(
    row: views.Row, outcome: Mapping[str, Any] | None, steps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A signal with its outcome."""
    return views.signal(row) | {"outcome": outcome and _outcome(outcome, steps)}


def _outcome(row: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    plain = (
        "status",
        "reason",
        "filled_session",
        "filled_price",
        "closed_session",
        "closed_price",
        "factor",
        "sessions_held",
    )
    fractions = (
        *(f"{kind}_return" for kind in ("gross", "net", "random", "open")),
        *(f"{kind}_{horizon}" for kind in ("return", "market") for horizon in HORIZONS),
    )
    names = ("session", "from_status", "status", "reason", "price")
    return {
        **{name: row[name] for name in plain},
        **{f"{name}_pct": _percent(row[name]) for name in fractions},
        "steps": [{name: step[name] for name in names} for step in steps],
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(fraction * 100, 4)


_AFTER: Final = {
    "sessions": 1,
    "count": 714,
    "mean_pct": 0.21,
    "median_pct": -0.05,
    "market_pct": 0.04,
    "edge_pct": 0.17,
}
PERFORMANCE: Final[dict[str, Any]] = {
    "period": "all",
    "settled_to": "2026-02-20",
    "survivorship": "2025-02-03 to 2026-02-20: 41 of 2574 stocks in the data left the market",
    "delisted_held": True,
    "groups": [
        {
            "signal_type": "vcp",
            "grade": "A",
            "market_gate": "all",
            "signals": 716,
            "filled": 468,
            "held": 73,
            "closed": 395,
            "trades": 217,
            "hit_rate_pct": 49.62,
            "hit_rate_low_pct": 43.03,
            "hit_rate_high_pct": 56.22,
            "expectancy_pct": 1.85,
            "random_expectancy_pct": 0.46,
            "edge_pct": 1.39,
            "profit_factor": 1.51,
            "sessions_held": 12.4,
            "small_sample": False,
            "after": [_AFTER],
        }
    ],
}
FOLLOWED: Final[dict[str, Any]] = SIGNAL | {
    "status": "target",
    "outcome": {
        "status": "target",
        "reason": "target",
        "filled_session": "2026-02-23",
        "filled_price": 72400,
        "closed_session": "2026-03-11",
        "closed_price": 79100,
        "factor": 1.0,
        "sessions_held": 11,
        "gross_return_pct": 9.2541,
        "net_return_pct": 8.7302,
        "random_return_pct": 1.2,
        "open_return_pct": None,
        "return_1_pct": 0.41,
        "return_5_pct": 3.1,
        "return_20_pct": 7.9,
        "market_1_pct": 0.12,
        "market_5_pct": 0.8,
        "market_20_pct": 2.2,
        "steps": [
            {
                "session": "2026-02-23",
                "from_status": "open",
                "status": "filled",
                "reason": None,
                "price": 72400,
            }
        ],
    },
}
EXAMPLES: Final[Mapping[str, Any]] = {
    "/api/kr/performance": PERFORMANCE,
    "/api/kr/stocks/{ticker}/signals": [FOLLOWED],
}
