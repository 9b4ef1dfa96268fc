"""What the rules of all scanners are made of: types, and a frozen model that takes no unknowns."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0, le=10)]
Points = Annotated[float, Field(ge=0, le=100)]
Won = Annotated[int, Field(ge=0)]
# 252 rows and the one before them are the most that 280 sessions of history can promise.
Window = Annotated[int, Field(ge=1, le=252)]
# (limit, points): the first step that is reached gives its points.
Steps = Annotated[tuple[tuple[float, Points], ...], Field(min_length=1)]
Grade = Literal["S", "A", "B", "C"]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grades(Model):
    """The lowest score, out of `full`, of each grade; less than B is C."""

    S: float = Field(gt=0, le=105)
    A: float = Field(gt=0, le=105)
    B: float = Field(gt=0, le=105)

    @model_validator(mode="after")
    def _descending(self) -> Self:
        if not self.S > self.A > self.B:
            raise ValueError("must fall from S over A to B")
        return self
