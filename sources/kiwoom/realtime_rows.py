"""What Kiwoom's WebSocket says, typed: trades (0B), indices (0J), the market's session (0s).

Fields are keyed by number (FID); their meaning is the official specification's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from market.clock import SEOUL
from sources.kiwoom import numbers
from sources.kiwoom.rows import Code, Count, Level, Percent, Price, Signed
from sources.wire import Rejected, Row, RowError, given

TRADE: Final = "0B"
INDEX: Final = "0J"
SESSION: Final = "0s"
INDICES: Final[Mapping[str, str]] = {"001": "KOSPI", "101": "KOSDAQ"}
NOTICES: Final[Mapping[str, str]] = {
    "0": "before the open",
    "3": "open",
    "2": "the close is near",
    "4": "closed",
    "8": "regular session closed",
    "9": "all sessions closed",
    "a": "closing-price session began",
    "b": "closing-price session ended",
    "c": "single-price session began",
    "d": "single-price session ended",
}

Clock = Annotated[time, BeforeValidator(given(numbers.clock))]


@dataclass(frozen=True)
class Tick:
    """A stock's last trade in the regular session: won, percent, shares of the session so far."""

    ticker: str
    price: int
    change_rate: float
    volume: int
    at: datetime


@dataclass(frozen=True)
class IndexTick:
    """Where an index stands; `change_pct` is percent."""

    name: str
    value: float
    change_pct: float
    at: datetime


@dataclass(frozen=True)
class SessionNotice:
    """What the exchange says of its session; a code we don't know is told as it came."""

    code: str
    at: datetime

    @property
    def words(self) -> str:
        """In words."""
        return NOTICES.get(self.code, f"notice {self.code!r}")


Told = Tick | IndexTick | SessionNotice


class _Trade(Row):
    item: Code
    at: Clock = Field(alias="20")
    price: Price = Field(alias="10")
    change: Signed = Field(alias="11")
    percent: Percent = Field(alias="12")
    volume: Count = Field(alias="13")
    session: Literal["1", "2", "3", ""] = Field("", alias="290")  # before, regular, after


class _Index(Row):
    item: Literal["001", "101"]
    at: Clock = Field(alias="20")
    value: Level = Field(alias="10")
    percent: Percent = Field(alias="12")


class _Session(Row):
    at: Clock = Field(alias="20")
    code: str = Field(alias="215", min_length=1)


def read_real(frame: Mapping[str, Any], now: datetime) -> Iterator[Told | Rejected]:
    """What a REAL frame holds, in order; a row that can't be taken is told as rejected.

    Args:
        now: whose day (Asia/Seoul) the frame's times of day belong to.
    """
    rows = frame.get("data")
    if not isinstance(rows, list):
        yield Rejected("", "a REAL frame without a list 'data'")
        return
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("values"), dict):
            yield Rejected(str(row)[:60], "a row without 'values'")
            continue
        try:
            yield from _read(row, now)
        except RowError as error:
            yield Rejected(f"{row.get('type')} {row.get('item')}", str(error))


def _read(row: Mapping[str, Any], now: datetime) -> Iterator[Told]:
    wire = {**row["values"], "item": row.get("item")}
    kind = row.get("type")
    if kind == TRADE:
        trade = _Trade.parse(wire)
        if trade.session in ("2", ""):
            base = trade.price - trade.change
            if base <= 0:
                raise RowError(f"price {trade.price} and change {trade.change} contradict")
            rate = trade.change / base * 100
            if abs(rate - trade.percent) > 0.011:
                raise RowError(f"change {trade.change} and {trade.percent} % contradict")
            yield Tick(trade.item, trade.price, rate, trade.volume, _on(now, trade.at))
    elif kind == INDEX:
        index = _Index.parse(wire)
        yield IndexTick(INDICES[index.item], index.value, index.percent, _on(now, index.at))
    elif kind == SESSION:
        notice = _Session.parse(wire)
        yield SessionNotice(notice.code, _on(now, notice.at))
    else:
        raise RowError(f"unknown type {kind!r}")


def _on(now: datetime, at: time) -> datetime:
    return datetime.combine(now.astimezone(SEOUL).date(), at, SEOUL)
