"""The rules of vcp; the sources in brackets are named in scanners/rules.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scanners.rules_base import Factor, Grade, Grades, Model, Points, Share, Steps, Window


class TemplateRules(Model):
    """The trend template [MM]: eight conditions, all known or the part is missing."""

    points_each: Points = 2.5
    short: Window = Field(default=50, description="[MM]")
    middle: Window = Field(default=150, description="[MM]")
    long: Window = Field(default=200, description="[MM]")
    rising_over: int = Field(
        default=20, ge=1, le=50, description="[MM] the long average rose a month"
    )
    year: Window = Field(default=252, description="[MM] rows of the 52-week high and low")
    above_low: Factor = Field(default=1.30, description="[MM] 30 % above the low of the year")
    near_high: Factor = Field(default=0.75, description="[MM] within 25 % of the high of the year")
    min_rs: float = Field(default=70, ge=0, le=100, description="[MM] relative strength")
    rs_windows: tuple[Window, Window, Window, Window] = Field(
        default=(63, 126, 189, 252), description="[RS]"
    )
    rs_weights: tuple[Share, Share, Share, Share] = Field(
        default=(0.4, 0.2, 0.2, 0.2), description="[RS]"
    )

    @property
    def rows(self) -> int:
        """The rows that make every condition known."""
        rs = max(self.rs_windows) + 1
        return max(self.year + 1, rs, self.long + self.rising_over, self.middle, self.short)


class ContractionRules(Model):
    """Swing highs, the contractions between them, and what makes a pattern."""

    k: int = Field(
        default=5, ge=1, le=5, description="[DATA] 3/5/7 give 24/18/12 gated stocks a session"
    )
    last: int = Field(default=10, ge=2, le=10, description="[US] swing highs looked at")
    window: int = Field(
        default=120, ge=10, le=120, description="[US] rows before the newest is known"
    )
    max_age: int = Field(
        default=120, ge=1, le=120, description="[US] rows since the newest was known"
    )
    near: Share = Field(default=0.10, description="[DATA] lower highs are bounces inside a decline")
    min_depth: Share = Field(default=0.03, description="[DATA] less is no contraction: highs merge")
    shrink: Share = Field(default=0.90, description="[DATA] of the depth before, at most")
    min_count: int = Field(default=2, ge=1, le=10, description="[MM] two to six contractions")
    max_count: int = Field(default=6, ge=1, le=10, description="[MM]")
    max_last: Share = Field(default=0.10, description="[MM] depth of the last")
    max_first: Share = Field(default=0.40, description="[MM] depth of the first")
    min_base: int = Field(default=15, ge=1, description="[MM] rows since the first high")
    recent: int = Field(
        default=3, ge=1, le=20, description="[US] rows since the first close above P"
    )
    extended: Factor = Field(default=1.05, description="[MM] buy range of 5 % above the pivot")
    confirm_volume: Factor = Field(default=1.5, description="[MM] volume of a confirmed breakout")
    confirm_window: Window = Field(default=50, description="[MM] against its mean before")
    count_points: Steps = Field(default=((4, 15), (3, 13), (2, 10)), description="[US]")
    ratio_points: Steps = Field(
        default=((0.50, 5), (0.65, 3), (0.80, 1)),
        description="[MM] each about half of the one before",
    )
    last_points: Steps = Field(default=((0.05, 5), (0.075, 3), (0.10, 1)), description="[US]")


class DryUpRules(Model):
    """Volume dries up before a breakout [MM]."""

    short: Window = 5
    long: Window = 50
    steps: Steps = Field(
        default=((0.50, 10), (0.70, 7), (0.85, 4), (1.00, 2)), description="[DATA]"
    )


class TightnessRules(Model):
    """Ranges narrow before a breakout [MM]."""

    atr_short: Window = 5
    atr_long: Window = 50
    atr_steps: Steps = Field(default=((0.50, 5), (0.65, 4), (0.80, 2)), description="[DATA]")
    band: Window = Field(default=20, description="Bollinger's window")
    band_width: Factor = Field(default=4.0, description="two deviations on each side")
    band_range: Window = Field(default=120, description="[DATA] rows the width is placed in")
    band_steps: Steps = Field(default=((0.05, 5), (0.15, 3), (0.30, 1)), description="[DATA]")


class PivotRules(Model):
    """How far below its pivot a close of a forming pattern may be, as a share of the pivot."""

    max_below: Share = Field(default=0.03, description="[US] close >= 0.97 P: near enough to buy")
    points: Points = 5
    far_below: Share = Field(default=0.05, description="[US] close >= 0.95 P: coming near")
    far_points: Points = 3


class SmartMoneyRules(Model):
    """Net buying over five sessions, as a share of what was traded."""

    sessions: Literal[5] = 5
    foreign: Steps = Field(
        default=((0.10, 12), (0.05, 9), (0.02, 6), (0.005, 3)),
        description="[DATA] quartiles -3.5 / 0.8 / 6.7 %; 16 % of stocks reach the top",
    )
    institution: Steps = Field(
        default=((0.06, 10), (0.03, 7), (0.01, 4), (0.002, 2)),
        description="[DATA] quartiles -2.1 / 0.0 / 0.9 %; 11 % of stocks reach the top",
    )
    both: Points = Field(default=4, description="[US] both positive")
    streak: Steps = Field(
        default=((5, 4), (3, 2)), description="[US] sessions in a row, ending at q"
    )


class VcpGates(Model):
    """Which conditions beside the score are asked for [DATA: without them 24 % of S/A/B have
    no contraction at all]."""

    pattern: bool = True
    template: bool = True
    liquidity: bool = True


class VcpRules(Model):
    """The volatility contraction pattern, 0-100."""

    full: Points = 100
    min_out_of: Points = Field(default=60, description="[US] known points needed for a grade")
    grades: Grades = Grades(S=80, A=65, B=50)
    min_grade: Grade = Field(default="B", description="[US] from here on a stock is a signal")
    gates: VcpGates = VcpGates()
    min_template: int = Field(default=6, ge=0, le=8, description="[DATA] of the eight conditions")
    template: TemplateRules = TemplateRules()
    contractions: ContractionRules = ContractionRules()
    volume_dry_up: DryUpRules = DryUpRules()
    tightness: TightnessRules = TightnessRules()
    pivot: PivotRules = PivotRules()
    smart_money: SmartMoneyRules = SmartMoneyRules()
    stop: Share = Field(default=0.92, description="[MM] of the entry, at the lowest: stop 7-8 %")
    reward: Factor = Field(default=2.0, description="[MM] target in units of the risk")
