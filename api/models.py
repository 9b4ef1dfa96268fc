"""The shapes of all answers, as OpenAPI tells them. Missing is null, never 0."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.queries import Grade, Status
from market.scanners import ScannerName

Won = Annotated[int, Field(description="won")]
Colour = Literal["GREEN", "YELLOW", "RED"]
Parts = Annotated[
    dict[str, Any],
    Field(description="part -> points (null: missing), out_of, why it is missing, details"),
]


class Shape(BaseModel):
    """Exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class Signal(Shape):
    """A scanner's verdict on one stock in one session; prices as traded in that session."""

    id: int
    ticker: str
    name: str | None
    market: str | None
    signal_type: ScannerName
    score: float
    out_of: float
    grade: Grade
    session: date
    as_of: str
    preliminary: bool
    change: Literal["new", "upgraded", "carried", "downgraded"]
    entry_price: Won | None
    target_price: Won | None
    stop_price: Won | None
    status: Status
    reasons: list[str]
    parts: Parts
    flags: list[str]
    market_cap: Won | None
    value20: Won | None
    net_buying_session: date | None
    created_at: datetime


class Sector(Shape):
    name: str
    signal: Literal["bullish", "neutral", "bearish"]
    change_pct: float
    score: float


class Gate(Shape):
    """The state of the whole market."""

    status: Colour | None
    level: float | None = Field(ge=0, le=100)
    kospi_status: Colour | None
    kosdaq_status: Colour | None
    kospi_close: float | None
    kospi_change_pct: float | None
    kosdaq_close: float | None
    kosdaq_change_pct: float | None
    sectors: list[Sector]
    parts: Parts
    session: date
    as_of: str
    updated_at: datetime


class JonggaScore(Shape):
    total: float
    news: float | None
    volume: float | None
    chart: float | None
    candle: float | None
    period: float | None
    flow: float | None


class JonggaSignal(Shape):
    """A closing-bet signal; `position_size` is percent of capital."""

    ticker: str
    name: str | None
    signal_type: Literal["JONGGA_V2"]
    score: JonggaScore
    grade: Grade
    entry_price: Won | None
    target_price: Won | None
    stop_loss: Won | None
    position_size: float | None
    reasons: list[str]
    signal_date: date


class DaytradingCheck(Shape):
    name: str
    status: Literal["passed", "partial", "failed", "missing"]
    points: float | None


class DaytradingSignal(Shape):
    ticker: str
    name: str | None
    market: str | None
    score: float
    grade: Grade
    checks: list[DaytradingCheck]
    signal_type: Literal["STRONG_BUY", "BUY", "WATCH"]
    current_price: Won
    entry_price: Won | None
    target_price: Won | None
    stop_loss: Won | None
    reasons: list[str]


class DaytradingSignals(Shape):
    signals: list[DaytradingSignal]
    count: int
    generated_at: datetime | None = Field(description="of the scan; null before the first one")


class Daytrading(Shape):
    success: Literal[True]
    data: DaytradingSignals


class StockFound(Shape):
    ticker: str
    name: str
    market: str
    sector: str | None
    kind: str


class Stock(StockFound):
    """A stock and its last bar."""

    flags: list[str]
    current_price: Won | None
    price_change: Won | None
    price_change_pct: float | None
    volume: int | None
    market_cap: Won | None
    session: date | None = Field(description="of the price")
    updated_at: datetime | None


class ChartPoint(Shape):
    """Null prices: halted that session."""

    date: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    volume: float


class Chart(Shape):
    ticker: str
    period: str
    data: list[ChartPoint]
    total_points: int


class FlowPoint(Shape):
    """Bought minus sold, in shares and in won."""

    date: date
    foreign_net: int | None
    inst_net: int | None
    foreign_net_amount: int | None
    inst_net_amount: int | None


class Flow(Shape):
    ticker: str
    period_days: int
    data: list[FlowPoint]
    smartmoney_score: float | None = Field(
        ge=0, le=100, description="of the newest vcp signal; null where there is none"
    )
    total_points: int


class Scan(Shape):
    """One scanner over one session; `rows` stocks were scanned."""

    id: int
    scanner: str
    session: date
    as_of: str
    preliminary: bool
    status: str
    rows: int
    grades: dict[str, int]
    left_out: dict[str, int]
    rules_version: str
    rules_hash: str
    source: str
    reason: str | None
    seconds: float
    run_url: str | None
    created_at: datetime


class ComingRun(Shape):
    flow: str
    at: datetime


class Timetable(Shape):
    """The session of now: today's from its opening on, else the one before."""

    now: datetime
    open: bool
    session: date
    opens_at: datetime
    closes_at: datetime
    note: str | None = Field(description="why the hours are unusual")
    next_session: date
    next_opens_at: datetime
    closed_today: str | None = Field(description="why the exchange doesn't trade today")
    next: list[ComingRun] = Field(description="the next run of each flow, soonest first")
    sessions: list[date] = Field(description="of three weeks before and after today")
    round_trip_pct: float | None = Field(
        description="percent; commissions, fees and the tax of a sale in `session`, before slippage"
    )
    slippage_ticks: float | None = Field(description="each side, in reports after costs")


class LastScan(Shape):
    """Nulls: it never scanned, and `sessions_behind` counts from when the database was set up."""

    session: date | None
    as_of: str | None
    completed_at: datetime | None
    age_seconds: float | None
    sessions_behind: int = Field(description="sessions that have closed since")
    stale: bool


class SourceHealth(Shape):
    state: Literal["ok", "degraded", "not configured", "not asked yet"]
    missing: str | None = Field(
        description="the settings it needs to be configured; null to who shows no key, where one is"
        " needed"
    )
    collected_at: datetime | None = Field(description="when bars of it were last collected")
    age_seconds: float | None
    last_success: datetime | None
    last_failure: datetime | None
    last_error: str | None = Field(description="null to who shows no key, where one is needed")
    calls: int
    retries: int
    waited_seconds: float = Field(description="for places in its call rate, in all")
    breaker: Literal["closed", "open", "half-open"]


class Checks(Shape):
    database: Literal["ok", "unavailable"]
    notifier: Literal["ok", "disconnected"]
    last_scan: dict[str, LastScan]
    sources: dict[str, SourceHealth]


class Health(Shape):
    status: Literal["healthy", "degraded", "unhealthy"]
    service: Literal["closebell"]
    version: str
    timestamp: datetime
    checks: Checks


class Probe(Shape):
    status: Literal["alive", "ready"]


class Login(Shape):
    key: str = Field(min_length=1, max_length=200)


class Session(Shape):
    scopes: list[str]
    expires_in: int = Field(description="seconds")


class WrongParameter(Shape):
    parameter: str
    message: str


class Problem(Shape):
    """RFC 9457; `request_id` is that of the server's log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[WrongParameter] | None = None
