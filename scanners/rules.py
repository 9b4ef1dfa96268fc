"""Every weight, threshold, gate and grade limit of the scanners, typed, with its source.

Sources: [MM] Minervini's published rules; [RS] the common weighted relative strength, three
months counted double; [OLD] the system closebell replaces; [KRX] a rule of the exchange;
[DATA] set on real data of 2023-2026, to be re-checked; [US] a choice of this project.
Windows are rows (a stock's traded sessions), money is won, shares of a whole are fractions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from errors import SettingsError
from scanners.rules_base import Factor, Grade, Grades, Model, Points, Share, Steps, Window, Won
from scanners.vcp_rules import ContractionRules, SmartMoneyRules, VcpRules

__all__ = [
    "ClosingBetRules",
    "ContractionRules",
    "DaytradingRules",
    "Grades",
    "MarketGateRules",
    "Model",
    "Ramp",
    "Rules",
    "Share",
    "SmartMoneyRules",
    "UniverseRules",
    "VcpRules",
]

VERSION = "1"


class UniverseRules(Model):
    """Which rows are windows made of, and which stocks are scanned."""

    min_rows: int = Field(default=60, ge=60, le=252, description="[US] fewer traded rows: left out")
    new_listing_sessions: int = Field(
        default=5, ge=0, le=60, description="[KRX] no ±30 % limit on day one (60-400 %)"
    )
    max_missing: int = Field(default=5, ge=0, description="[US] sessions without a stored row")
    max_halt: int = Field(default=20, ge=0, description="[DATA] splits and mergers halt 2-4 weeks")
    max_adjusted_jump: float = Field(
        default=0.31, gt=0, description="[KRX] beyond the limit after a halt: its adjustment failed"
    )
    bar_tolerance_won: float = Field(
        default=2, ge=0, description="[DATA] rounding of adjusted bars"
    )
    bar_tolerance: Share = Field(default=0.001, description="[DATA] the same, relative")
    min_value20: Won = Field(
        default=1_000_000_000, description="[DATA] gate L; 53 % of scanned stocks trade less a day"
    )
    value_window: Window = Field(default=20, description="[US] rows of gate L's mean")


class DaytradingGates(Model):
    """[DATA] ungated, S/A/B are 6/57/98 a session; gated 3/21/38."""

    liquidity: bool = True
    value: bool = True
    up: bool = True
    room: bool = True


# [DATA] ten sessions of March 2026, all stocks, source delay taken off: (KST, share of the
# day's volume traded by then), interpolated; one stock's is between half and 1.6 times this.
EXPECTED_SHARE = (
    ("09:00", 0.0),
    ("09:30", 0.12),
    ("10:00", 0.25),
    ("10:30", 0.35),
    ("11:00", 0.43),
    ("11:30", 0.51),
    ("12:00", 0.57),
    ("12:30", 0.63),
    ("13:00", 0.68),
    ("13:30", 0.74),
    ("14:00", 0.80),
    ("14:30", 0.86),
    ("15:00", 0.92),
    ("15:18", 0.95),
    ("15:30", 1.0),
)
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class DaytradingRules(Model):
    """Seven checks, each passed, partial or failed, 0-105 [OLD]."""

    full: Annotated[float, Field(gt=0)] = 105
    min_out_of: Annotated[float, Field(ge=0, le=105)] = Field(default=63, description="60 % of 105")
    grades: Grades = Grades(S=90, A=75, B=60)
    min_grade: Grade = "B"
    gates: DaytradingGates = DaytradingGates()
    passed: Points = Field(default=15, description="[OLD]")
    partial: Points = Field(default=8, description="[OLD]")
    volume_window: Window = 20
    volume_passed: Factor = Field(default=2.0, description="[OLD]")
    volume_partial: Factor = Field(default=1.5, description="[OLD]")
    range_window: Window = Field(default=20, description="[OLD] rows of momentum and box")
    momentum_near: Factor = Field(default=0.99, description="[OLD]")
    average_window: Window = Field(default=5, description="[OLD]")
    average_near: Factor = Field(default=0.99, description="[OLD]")
    net_buying_passed: Won = Field(default=10_000_000_000, description="[OLD] five sessions")
    net_buying_partial: Won = Field(default=5_000_000_000, description="[OLD]")
    rebound_fall: float = Field(
        default=-0.03, ge=-0.3, le=0, description="[OLD] the session before"
    )
    rebound_rise: float = Field(default=0.02, ge=0, le=0.3, description="[OLD]")
    rebound_partial_fall: float = Field(default=-0.01, ge=-0.3, le=0, description="[OLD]")
    sector_window: Window = Field(default=5, description="[OLD] rows of the return ranked")
    sector_passed: Share = Field(default=0.20, description="[OLD]")
    sector_partial: Share = Field(default=0.40, description="[OLD]")
    sector_members: int = Field(default=5, ge=1, description="[US] fewer: the check is missing")
    min_value: Won = Field(default=5_000_000_000, description="[DATA] traded today")
    target: Factor = Field(default=1.05, description="[OLD]")
    stop: Factor = Field(default=0.97, description="[OLD]")
    earliest: Clock = Field(default="09:20", description="[DATA] before it volume says nothing")
    min_share: Share = Field(
        default=0.10, description="[DATA] expected share below which it is missing"
    )
    expected_share: tuple[tuple[Clock, Share], ...] = EXPECTED_SHARE


class ClosingBetGates(Model):
    """What makes a purchase at the close impossible or unwise [DATA, KRX]."""

    trading_value: bool = True
    up: bool = True
    below_limit: bool = True
    no_blocking_news: bool = True
    no_warning: bool = True


class ClosingBetRules(Model):
    """Buying at the close for the next session, 0-12 [OLD]."""

    full: Points = 12
    min_out_of: Points = Field(
        default=7, description="[DATA] news and supply missing leaves 7 of 12"
    )
    grades: Grades = Grades(S=10, A=8, B=6)
    min_grade: Grade = "B"
    gates: ClosingBetGates = ClosingBetGates()
    news_days: int = Field(default=7, ge=1, le=30, description="[OLD] calendar days")
    news_points: Points = Field(default=3, description="[OLD] positive minus negative, at most")
    value_steps: Steps = Field(
        default=((500e9, 3), (100e9, 2), (30e9, 1)),
        description="[DATA] 9 / 73 / 207 stocks a session in early 2026, 3 / 30 / 108 in 2024-25",
    )
    pattern_points: Points = Field(default=1, description="[OLD] the vcp pattern")
    year: Window = Field(default=252, description="[OLD]")
    near_high: Factor = Field(default=0.95, description="[OLD] of the high of the year")
    near_high_points: Points = Field(default=1, description="[OLD]")
    candle: Factor = Field(default=1.01, description="[OLD] close over open")
    candle_points: Points = Field(default=1, description="[OLD]")
    period_window: Window = Field(default=10, description="[DATA] rows of the low")
    period_recent: int = Field(
        default=3, ge=1, le=9, description="[DATA] rows since the low, at most"
    )
    period_rise: Factor = Field(default=1.03, description="[DATA] close over that row's close")
    period_fall: Factor = Field(
        default=0.95, description="[DATA] the low under the high of 20 rows"
    )
    period_high_window: Window = Field(default=20, description="[DATA]")
    period_points: Points = Field(default=1, description="[DATA] 7 % of rows; the old rule 39 %")
    supply_share: Share = Field(
        default=0.01, description="[DATA] any positive count: 72 % of stocks"
    )
    supply_points: Points = Field(default=1, description="[OLD] each, foreigners and institutions")
    target: Factor = Field(default=1.15, description="[OLD]")
    stop: Factor = Field(default=0.95, description="[OLD]")
    size_s: Share = Field(default=0.15, description="[OLD] of capital")
    size_a: Share = Field(default=0.12, description="[OLD]")
    size_b: Share = Field(default=0.10, description="[OLD]")
    size_c: Share = Field(default=0.0, description="[US] C is no signal")
    max_loss: Share = Field(default=0.01, description="[US] of capital, for one position")
    assumed_gap: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.10, description="[DATA] the stop isn't a guaranteed price"
    )
    max_value20: Share = Field(default=0.01, description="[US] of the mean value of 20 rows")
    max_positions: int = Field(
        default=5, ge=0, description="[DATA] uncapped: up to 817 % of capital"
    )
    max_exposure: Share = Field(default=0.50, description="[US] of capital a session")


class Ramp(Model):
    """Points rising in a straight line from none at `low` to all at `high`."""

    low: float
    high: float
    points: Points

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be under high")
        return self


class MarketGateRules(Model):
    """How rough the market is, 0-100 [DATA: 2015-2026, GREEN 31, YELLOW 40, RED 29 %]."""

    green: float = Field(default=70, gt=0, le=100)
    red: float = Field(default=40, ge=0, lt=100)
    hysteresis: float = Field(default=5, ge=0, le=20, description="[DATA] changes on 20 % of days")
    min_known: Points = Field(default=60, description="the index parts alone")
    change1: Ramp = Ramp(low=-0.015, high=0.015, points=5)
    change5: Ramp = Ramp(low=-0.03, high=0.03, points=5)
    change_window: int = Field(default=5, ge=2, le=60)
    short: Window = 20
    long: Window = 60
    over_short: Ramp = Ramp(low=-0.03, high=0.03, points=8)
    over_long: Ramp = Ramp(low=-0.06, high=0.06, points=6)
    short_over_long: Ramp = Ramp(low=-0.03, high=0.03, points=6)
    advancers: Ramp = Ramp(low=0.30, high=0.70, points=10)
    above_average: Ramp = Ramp(low=0.20, high=0.60, points=20)
    breadth_window: Window = Field(default=50, le=60)
    sector_points: Points = 10
    sector_move: Share = Field(
        default=0.01, description="above it bullish, below its negative bearish"
    )
    sector_members: int = Field(default=5, ge=1)
    sector_score_slope: float = Field(default=20, gt=0, description="score points for one percent")
    scale_green: Share = 1.0
    scale_yellow: Share = Field(default=0.6, description="[DATA] volatility 1.1 / 1.0 / 1.4 %")
    scale_red: Share = 0.3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.red + self.hysteresis > self.green - self.hysteresis:
            raise ValueError("red and green must be two hystereses apart")
        return self


class Rules(Model):
    """The rules of all scanners; immutable, comparable by `hash`."""

    universe: UniverseRules = UniverseRules()
    vcp: VcpRules = VcpRules()
    daytrading: DaytradingRules = DaytradingRules()
    closing_bet: ClosingBetRules = ClosingBetRules()
    market_gate: MarketGateRules = MarketGateRules()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Rules:
        """The default rules with those of `mapping` (closebell.toml's [rules.…]) in their place.

        Its table `outcomes` is for outcomes/rules.py.

        Raises:
            SettingsError: naming every rule that is unknown or wrong, as in `rules.vcp.grades.S`.
        """
        try:
            scanners = {name: table for name, table in mapping.items() if name != "outcomes"}
            return cls.model_validate(_with_defaults(scanners))
        except ValidationError as error:
            wrong = [
                ".".join(["rules", *map(str, e["loc"])]) + f": {e['msg']}" for e in error.errors()
            ]
            raise SettingsError(
                "wrong rules: " + "; ".join(wrong), remedy="correct them in closebell.toml"
            ) from None

    @property
    def version(self) -> str:
        """The version of what the rules mean; their values are in `hash`."""
        return VERSION

    @property
    def hash(self) -> str:
        """Twelve hex digits that are equal exactly when version and all values are."""
        text = json.dumps([VERSION, self.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _with_defaults(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """`mapping` laid over the default values, so that a table may name only what it changes."""
    return _merged(Rules().model_dump(), mapping)


def _merged(defaults: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(defaults)
    for name, value in changes.items():
        old = result.get(name)
        both = isinstance(old, dict) and isinstance(value, Mapping)
        result[name] = _merged(old, value) if both and old is not None else value
    return result
