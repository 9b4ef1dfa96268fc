"""How much of the capital a position may take, and how many there may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scanners.rules import Model, Rules, Share


class Limits(Model):
    """Caps of the account; the sizes are those of closing_bet's rules unless changed."""

    size_s: Share = Field(description="of capital, for a signal of grade S")
    size_a: Share
    size_b: Share
    size_c: Share
    max_loss: Share = Field(description="of capital, that one position may lose over the gap")
    assumed_gap: Annotated[float, Field(gt=0, le=1)] = Field(
        description="a stop is not a guaranteed price"
    )
    max_value20: Share = Field(description="of the mean value of twenty rows, won")
    max_positions: int = Field(ge=0, description="bought in one session")
    max_exposure: Share = Field(description="of capital in all positions together, when buying")
    max_open: int = Field(default=20, ge=1, description="[US] positions held at a time")
    max_volume: Share = Field(
        default=0.02, description="[US] of the volume of the session it is bought in"
    )
    min_part: Share = Field(
        default=0.5, description="[US] of its size; if exposure leaves less, it isn't bought"
    )
    scale_green: Share
    scale_yellow: Share
    scale_red: Share

    def size(self, grade: str, gate: str | None) -> float:
        """The fraction of capital for a signal, by its grade and the market gate's colour."""
        by_grade = {"S": self.size_s, "A": self.size_a, "B": self.size_b, "C": self.size_c}
        scales = {"GREEN": self.scale_green, "YELLOW": self.scale_yellow, "RED": self.scale_red}
        size = min(by_grade[grade], self.max_loss / self.assumed_gap)
        return size * scales.get(gate or "", 1.0)


_SIZING = (
    "size_s",
    "size_a",
    "size_b",
    "size_c",
    "max_loss",
    "assumed_gap",
    "max_value20",
    "max_positions",
    "max_exposure",
)
_SCALES = ("scale_green", "scale_yellow", "scale_red")


def limits_of(rules: Rules) -> Limits:
    """The limits that these rules give every scanner's account."""
    sizing = {name: getattr(rules.closing_bet, name) for name in _SIZING}
    scales = {name: getattr(rules.market_gate, name) for name in _SCALES}
    return Limits(**sizing, **scales)
