"""The rows of Kiwoom's answers, typed. Units are won, shares, percent and index points.

Each class is one TR of the official specification; its fields' wire names are the aliases.
"""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sources.kiwoom import numbers
from sources.wire import BadNumber, Row, given

# The percentage is rounded (or cut) to two places.
PERCENT_ROUNDING = 0.011


class Direction(StrEnum):
    """Against the last close. (4 and 5 mean other things at other providers.)"""

    UPPER_LIMIT = "1"
    UP = "2"
    FLAT = "3"
    LOWER_LIMIT = "4"
    DOWN = "5"


Price = Annotated[int, BeforeValidator(given(numbers.price))]
OptionalPrice = Annotated[int | None, BeforeValidator(numbers.price)]
Signed = Annotated[int, BeforeValidator(given(numbers.signed))]
Count = Annotated[int, BeforeValidator(given(numbers.count))]
OptionalCount = Annotated[int | None, BeforeValidator(numbers.count)]
Won = Annotated[int, BeforeValidator(given(numbers.million_won))]
OptionalWon = Annotated[int | None, BeforeValidator(numbers.million_won)]
Percent = Annotated[float, BeforeValidator(given(numbers.percent))]
Percent100 = Annotated[float, BeforeValidator(given(numbers.hundredths))]
Level = Annotated[float, BeforeValidator(given(numbers.index_level))]
Level100 = Annotated[float, BeforeValidator(given(numbers.index_hundredths))]
Points = Annotated[float, BeforeValidator(given(numbers.percent))]
Code = Annotated[str, BeforeValidator(numbers.krx_code)]
Day = Annotated[date, BeforeValidator(given(numbers.day))]
OptionalDay = Annotated[date | None, BeforeValidator(numbers.day)]
OptionalClock = Annotated[time | None, BeforeValidator(numbers.clock)]


class Moved(Row):
    """A price with its change against the base price of the session."""

    close: Price = Field(alias="cur_prc")
    change: Signed = Field(alias="pred_pre")

    @property
    def base(self) -> int:
        """The exchange's base price: what the change is measured from."""
        return self.close - self.change


class Quote(Moved):
    """ka20002: one stock of a whole-market sweep. It carries neither date nor value."""

    ticker: Code = Field(alias="stk_cd")
    direction: Direction = Field(alias="pred_pre_sig")
    change_pct: Percent = Field(alias="flu_rt")
    volume: Count = Field(alias="now_trde_qty")
    open: Price = Field(alias="open_pric")
    high: Price = Field(alias="high_pric")
    low: Price = Field(alias="low_pric")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _agree(self, self.direction, self.change_pct)
        _ordered(self.open, self.high, self.low, self.close, self.volume)
        return self


class StockQuote(Moved):
    """ka10095: a chosen stock, with date, base price and value."""

    ticker: Code = Field(alias="stk_cd")
    session: Day = Field(alias="dt")
    base_given: Price = Field(alias="base_pric")
    direction: Direction = Field(alias="pred_pre_sig")
    change_pct: Percent = Field(alias="flu_rt")
    volume: Count = Field(alias="trde_qty")
    value: Won = Field(alias="trde_prica")
    open: Price = Field(alias="open_pric")
    high: Price = Field(alias="high_pric")
    low: Price = Field(alias="low_pric")
    upper_limit: Price = Field(alias="upl_pric")
    lower_limit: Price = Field(alias="lst_pric")
    expected_price: OptionalPrice = Field(alias="exp_cntr_pric")
    expected_volume: OptionalCount = Field(alias="exp_cntr_qty")
    traded_at: OptionalClock = Field(alias="cntr_tm")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _agree(self, self.direction, self.change_pct)
        _ordered(self.open, self.high, self.low, self.close, self.volume)
        if self.base_given != self.base:
            raise BadNumber(f"base_pric {self.base_given}, but close - change is {self.base}")
        return self


class DayBar(Moved):
    """ka10081: one session of a stock's daily chart."""

    session: Day = Field(alias="dt")
    direction: Direction = Field(alias="pred_pre_sig")
    volume: Count = Field(alias="trde_qty")
    value: Won = Field(alias="trde_prica")
    open: Price = Field(alias="open_pric")
    high: Price = Field(alias="high_pric")
    low: Price = Field(alias="low_pric")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _agree(self, self.direction, None)
        _ordered(self.open, self.high, self.low, self.close, self.volume)
        return self


class MarketNetBuying(Row):
    """ka10066: one stock's net buying, in the unit that was asked for (million won or shares).

    Its price and volume are of now, the rest of the last completed session: only the rest is
    read.
    """

    ticker: Code = Field(alias="stk_cd")
    individual: Signed = Field(alias="ind_invsr")
    foreign: Signed = Field(alias="frgnr_invsr")
    institution: Signed = Field(alias="orgn")
    other: Signed = Field(alias="etc_corp")


class StockNetBuying(Row):
    """ka10059: one session of one stock's net buying, in the unit that was asked for.

    All investors together sum to nothing, but for rounding: checked.
    """

    session: Day = Field(alias="dt")
    individual: Signed = Field(alias="ind_invsr")
    foreign: Signed = Field(alias="frgnr_invsr")
    institution: Signed = Field(alias="orgn")
    other: Signed = Field(alias="etc_corp")
    other_foreign: Signed = Field(alias="natfor")

    @property
    def imbalance(self) -> int:
        """What is left when all are summed."""
        return self.individual + self.foreign + self.institution + self.other + self.other_foreign


class StockVolume(Row):
    """ka10059: what was traded in the session of a row."""

    session: Day = Field(alias="dt")
    volume: Count = Field(alias="acc_trde_qty")


class IndexBar(Row):
    """ka20006: one session of an index. Levels come times 100."""

    session: Day = Field(alias="dt")
    close: Level100 = Field(alias="cur_prc")
    open: Level100 = Field(alias="open_pric")
    high: Level100 = Field(alias="high_pric")
    low: Level100 = Field(alias="low_pric")
    volume_thousands: Count = Field(alias="trde_qty")
    value: Won = Field(alias="trde_prica")


class IndexNow(Row):
    """ka20001, and a row of ka20003: an index or sector at this moment."""

    close: Level = Field(alias="cur_prc")
    change: Points = Field(alias="pred_pre")
    change_pct: Percent = Field(alias="flu_rt")
    volume_thousands: Count = Field(alias="trde_qty")
    value: Won = Field(alias="trde_prica")
    rising: Count = Field(alias="rising")
    unchanged: Count = Field(alias="stdns")
    falling: Count = Field(alias="fall")


class SectorNow(IndexNow):
    """ka20003: one sector (industry, size group or umbrella) of a market."""

    code: str = Field(alias="stk_cd", pattern=r"^[0-9]{3}$")
    name: str = Field(alias="stk_nm", min_length=1)
    direction: Direction = Field(alias="pre_sig")
    stocks: Count = Field(alias="flo_stk_num")


class ListedStock(Row):
    """ka10099: one stock of the list of a market."""

    ticker: Code = Field(alias="code")
    name: str = Field(min_length=1)
    listed_shares: Count = Field(alias="listCount")
    audit: str = Field(alias="auditInfo")
    listed: OptionalDay = Field(alias="regDay")
    last_close: Price = Field(alias="lastPrice")
    state: str
    sector: str = Field(alias="upName")
    company_class: str = Field(alias="companyClassName")
    order_warning: Literal["0", "1", "2", "3", "4", "5"] = Field(alias="orderWarning")
    on_nxt: Literal["Y", "N", ""] = Field(alias="nxtEnable")


def _agree(row: Moved, direction: Direction, change_pct: float | None) -> None:
    """Sign, direction and percentage of a change say the same; else its sign can't be trusted."""
    up = direction in (Direction.UP, Direction.UPPER_LIMIT)
    down = direction in (Direction.DOWN, Direction.LOWER_LIMIT)
    if up != (row.change > 0) or down != (row.change < 0):
        raise BadNumber(f"pred_pre {row.change:+d} contradicts direction {direction.value}")
    if row.close <= 0 or row.base <= 0:
        raise BadNumber(f"close {row.close}, change {row.change:+d}")
    if change_pct is not None and abs(100 * row.change / row.base - change_pct) > PERCENT_ROUNDING:
        raise BadNumber(f"flu_rt {change_pct} contradicts {row.change:+d} of {row.base}")


def _ordered(open_: int, high: int, low: int, close: int, volume: int) -> None:
    """The day's range holds its first and last price; it is all zero when nothing traded."""
    if volume and open_ and not low <= min(open_, close) <= max(open_, close) <= high:
        raise BadNumber(f"open {open_}, high {high}, low {low}, close {close} are out of order")
