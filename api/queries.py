"""The query parameters of each path, checked; an unknown one is an error."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from market.asof import Slot
from market.scanners import SCANNERS, ScannerName

Status = Literal["open", "watch", "filled", "target", "stopped", "expired", "withdrawn"]
Grade = Literal["S", "A", "B", "C"]
MarketName = Literal["KOSPI", "KOSDAQ"]
Format = Literal["json", "csv", "arrow"]
TICKER = r"^[0-9A-Z]{6}$"
_BIGINT = 2**63 - 1


def _slot(text: str) -> str:
    return str(Slot.parse(text))


def _between_commas(value: object) -> object:
    if isinstance(value, list):
        return [part for one in value for part in str(one).split(",")]
    return value


AsOf = Annotated[
    str,
    Field(pattern=r"^(close|final|([01]\d|2[0-3]):[0-5]\d)$", description="close, final or HH:MM"),
    AfterValidator(_slot),
]
Several = BeforeValidator(_between_commas)
Text = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]
CursorText = Annotated[
    str, Field(max_length=1000, pattern=r"^[A-Za-z0-9_-]+$", description="from a Link header")
]
Ticker = Annotated[str, Field(pattern=TICKER, description="six characters", examples=["005930"])]


class Query(BaseModel):
    """No parameters; the others derive from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalQuery(Query):
    """What /api/kr/signals may be asked."""

    limit: int = Field(20, ge=1, le=100)
    signal_type: Annotated[list[ScannerName], Several] | None = Field(
        None, description="several allowed, repeated or by commas"
    )
    status: Annotated[list[Status], Several] | None = Field(
        None, description="default: all but withdrawn"
    )
    grade: Annotated[list[Grade], Several] | None = None
    market: MarketName | None = None
    min_score: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="percent of out_of"
    )
    ticker: Ticker | None = None
    session: date | None = None
    as_of: AsOf | None = None
    cursor: CursorText | None = None
    format: Format = "json"


class GoneQuery(Query):
    """What /api/kr/signals/gone may be asked."""

    signal_type: Annotated[list[ScannerName], Several] | None = None
    session: date | None = None
    as_of: AsOf | None = None


class StockSignalQuery(Query):
    """What /api/kr/signals/{ticker} may be asked."""

    limit: int = Field(20, ge=1, le=100)
    signal_type: Annotated[list[ScannerName], Several] | None = None
    status: Annotated[list[Status], Several] | None = None
    cursor: CursorText | None = None
    format: Format = "json"


class HistoryQuery(Query):
    """What /api/kr/market-gate/history may be asked."""

    limit: int = Field(60, ge=1, le=500)
    before: date | None = Field(None, description="only sessions before this one")


class DaytradingQuery(Query):
    """What /api/daytrading/signals may be asked."""

    min_score: float = Field(0, ge=0, le=105, allow_inf_nan=False)
    market: MarketName | None = None
    limit: int = Field(20, ge=1, le=100)


class StockQuery(Query):
    """What /api/kr/stocks may be asked."""

    q: Text | None = Field(None, description="what the ticker begins with or the name contains")
    market: Literal["KOSPI", "KOSDAQ", "KONEX"] | None = None
    sector: Text | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: Ticker | None = Field(None, description="from a Link header")


class ChartQuery(Query):
    """What /api/kr/stocks/{ticker}/chart may be asked."""

    days: int = Field(90, ge=1, le=1000, description="sessions")
    adjusted: bool = Field(True, description="on today's scale, through splits and rights issues")


class FlowQuery(Query):
    """What /api/kr/stocks/{ticker}/flow may be asked."""

    days: int = Field(20, ge=1, le=250, description="sessions")


class ScanQuery(Query):
    """What /api/kr/scans may be asked."""

    limit: int = Field(20, ge=1, le=100)
    scanner: Literal[ScannerName, "market_gate"] | None = None
    session: date | None = None


class _Cursor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor of this text.

        Raises:
            ValueError: it is none.
        """
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cls.model_validate_json(plain)
        except (binascii.Error, ValidationError, UnicodeDecodeError) as error:
            raise ValueError("no cursor of this list") from error

    def __str__(self) -> str:
        plain = orjson.dumps(_PLAIN.dump_python(self, mode="json"))
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")


_PLAIN: TypeAdapter[Any] = TypeAdapter(Any)
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Id = Annotated[int, Field(ge=0, le=_BIGINT)]
_Whole = Annotated[int, Field(ge=-_BIGINT, le=_BIGINT)]


class BestCursor(_Cursor):
    """Where a page of the best signals ended, and the slots it was taken from."""

    slots: Annotated[list[tuple[ScannerName, date, AsOf]], Field(max_length=len(SCANNERS))]
    after: tuple[_Number, _Number, _Whole, Ticker, _Id]


class StockCursor(_Cursor):
    """Where a page of one stock's signals ended."""

    after: tuple[date, AsOf, _Id]
