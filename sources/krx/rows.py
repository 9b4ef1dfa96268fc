"""The rows of the KRX Open API, typed. Blank and "-" mean missing, "0" is a real zero."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from market.schemas import TICKER
from sources.wire import BadNumber, Row, given

WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
PERCENT_ROUNDING: Final = 0.011


def whole(text: str) -> int | None:
    """Won or shares."""
    if (shown := _shown(text)) is None:
        return None
    if not WHOLE.fullmatch(shown):
        raise BadNumber(f"{text!r} is no whole number")
    return int(shown)


def decimal(text: str) -> float | None:
    """Index points or percent, with their sign."""
    if (shown := _shown(text)) is None:
        return None
    if not DECIMAL.fullmatch(shown):
        raise BadNumber(f"{text!r} is no number")
    return float(shown)


def day(text: str) -> date | None:
    """YYYYMMDD."""
    if (shown := _shown(text)) is None:
        return None
    if not re.fullmatch(r"[0-9]{8}", shown, re.ASCII):
        raise BadNumber(f"{text!r} is no date")
    return datetime.strptime(shown, "%Y%m%d").date()  # noqa: DTZ007 (a date has no zone)


def _shown(text: object) -> str | None:
    if not isinstance(text, str):
        raise BadNumber(f"{text!r} is no text")
    shown = text.strip()
    return None if shown in ("", "-") else shown


Whole = Annotated[int, BeforeValidator(given(whole))]
OptionalWhole = Annotated[int | None, BeforeValidator(whole)]
Points = Annotated[float, BeforeValidator(given(decimal))]
OptionalPoints = Annotated[float | None, BeforeValidator(decimal)]
OptionalDay = Annotated[date | None, BeforeValidator(day)]


class DayTrade(Row):
    """sto/stk_bydd_trd, sto/ksq_bydd_trd: one stock's official day."""

    ticker: str = Field(alias="ISU_CD", pattern=TICKER)
    name: str = Field(alias="ISU_NM", min_length=1)
    market: Literal["KOSPI", "KOSDAQ", "KOSDAQ GLOBAL"] = Field(alias="MKT_NM")
    section: str = Field(alias="SECT_TP_NM")
    close: Whole = Field(alias="TDD_CLSPRC")
    change: Whole = Field(alias="CMPPREVDD_PRC")
    change_pct: Points = Field(alias="FLUC_RT")
    open: Whole = Field(alias="TDD_OPNPRC")
    high: Whole = Field(alias="TDD_HGPRC")
    low: Whole = Field(alias="TDD_LWPRC")
    volume: Whole = Field(alias="ACC_TRDVOL")
    value: Whole = Field(alias="ACC_TRDVAL")
    market_cap: Whole = Field(alias="MKTCAP")
    listed_shares: Whole = Field(alias="LIST_SHRS")

    @property
    def base(self) -> int:
        """The exchange's base price of the day."""
        return self.close - self.change

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.close <= 0 or self.base <= 0:
            raise BadNumber(f"close {self.close}, change {self.change:+d}")
        if abs(100 * self.change / self.base - self.change_pct) > PERCENT_ROUNDING:
            raise BadNumber(f"FLUC_RT {self.change_pct} contradicts {self.change:+d}")
        if self.market_cap != self.close * self.listed_shares:
            raise BadNumber(f"MKTCAP {self.market_cap} isn't {self.close} x {self.listed_shares}")
        body = (self.open, self.close)
        if self.volume and self.open and not self.low <= min(body) <= max(body) <= self.high:
            raise BadNumber(f"open {self.open}, high {self.high}, low {self.low}, out of order")
        return self


class BaseInfo(Row):
    """sto/stk_isu_base_info, sto/ksq_isu_base_info: what a stock is."""

    ticker: str = Field(alias="ISU_SRT_CD", pattern=TICKER)
    name: str = Field(alias="ISU_ABBRV", min_length=1)
    listed: OptionalDay = Field(alias="LIST_DD")
    group: Literal[
        "주권",
        "외국주권",
        "주식예탁증권",
        "부동산투자회사",
        "투자회사",
        "사회간접자본투융자회사",
    ] = Field(alias="SECUGRP_NM")
    share_class: Literal["보통주", "구형우선주", "신형우선주", "종류주권", ""] = Field(
        alias="KIND_STKCERT_TP_NM"
    )


class IndexDay(Row):
    """idx/kospi_dd_trd, idx/kosdaq_dd_trd: one index's day. Volume in shares, value in won."""

    name: str = Field(alias="IDX_NM", min_length=1)
    close: Points = Field(alias="CLSPRC_IDX")
    open: OptionalPoints = Field(alias="OPNPRC_IDX")
    high: OptionalPoints = Field(alias="HGPRC_IDX")
    low: OptionalPoints = Field(alias="LWPRC_IDX")
    volume: OptionalWhole = Field(alias="ACC_TRDVOL")
    value: OptionalWhole = Field(alias="ACC_TRDVAL")
