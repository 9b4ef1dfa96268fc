"""The exchange's official session: bars, instruments, designations, indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, TypeVar

from errors import BadMarketData, SourceUnavailable
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying
from sources.files_observations import FLAG_OF_DEPT, SPAC
from sources.joining import joined
from sources.krx.client import PROVIDER, KrxClient
from sources.krx.rows import BaseInfo, DayTrade, IndexDay
from sources.protocol import Collected
from sources.wire import Row, WireRow, frame, parse_rows, text, tolerate

TRADES: Final[Mapping[str, str]] = {"KOSPI": "sto/stk_bydd_trd", "KOSDAQ": "sto/ksq_bydd_trd"}
BASE: Final[Mapping[str, str]] = {
    "KOSPI": "sto/stk_isu_base_info",
    "KOSDAQ": "sto/ksq_isu_base_info",
}
INDICES: Final[Mapping[str, str]] = {
    "idx/kospi_dd_trd": "KOSPI",
    "idx/kosdaq_dd_trd": "KOSDAQ",
}
# Both spellings have been seen.
INDEX_NAMES: Final[Mapping[str, str]] = {
    "코스피": "KOSPI",
    "KOSPI": "KOSPI",
    "코스닥": "KOSDAQ",
    "KOSDAQ": "KOSDAQ",
    "코스피 200": "KOSPI200",
    "KOSPI 200": "KOSPI200",
}
FUNDS: Final[Mapping[str, str]] = {
    "부동산투자회사": "reit",
    "투자회사": "other",
    "사회간접자본투융자회사": "other",
}

R = TypeVar("R", bound=Row)


class NotPublished(SourceUnavailable):
    """The exchange has nothing of that session (yet)."""

    retryable = False


class KrxSource:
    """One session in six calls. T is published about 08:00 KST of the next business day."""

    name: Final = PROVIDER

    def __init__(
        self, client: KrxClient, calendar: TradingCalendar, clock: Clock, *, max_missing: float
    ) -> None:
        self._client = client
        self._calendar = calendar
        self._clock = clock
        self._max_missing = max_missing

    def history(self, first: date, last: date) -> MarketData:
        """The official sessions from `first` to `last`, as far as they are published.

        Raises:
            NotPublished: none of them is.
            ClosebellError: as `collect`.
        """
        found: list[MarketData] = []
        for session in self._calendar.sessions(first, last):
            try:
                found.append(self.collect(session).data)
            except NotPublished:
                if session == last and not found:
                    raise
        if not found:
            raise NotPublished(f"{PROVIDER}: none of {first} to {last} is published")
        return joined(found)

    def collect(self, session: date) -> Collected:
        """The official session. Net buying isn't offered by the exchange's API.

        Raises:
            NotPublished: nothing is published for it (yet).
            SourceUnavailable: no usable answer.
            SourceNotConfigured: the key or a service isn't approved.
            BadMarketData: too many rows can't be read, or stand without their instrument.
        """
        now = self._clock.now()
        trades = {
            market: self._rows(service, session, DayTrade, "ISU_CD")
            for market, service in TRADES.items()
        }
        infos = {
            market: self._rows(service, session, BaseInfo, "ISU_SRT_CD")
            for market, service in BASE.items()
        }
        call = self._client.call(TRADES["KOSPI"], session)
        traded = [(market, row) for market, rows in trades.items() for row in rows]
        known = {row.ticker: row for rows in infos.values() for row in rows}
        unknown = [row.ticker for _, row in traded if row.ticker not in known]
        tolerate(call, "stocks have no base info", unknown, len(traded), self._max_missing)
        traded = [(market, row) for market, row in traded if row.ticker in known]
        data = MarketData(
            bars=frame(call, DailyBars, (_bar(session, row, now) for _, row in traded)),
            instruments=frame(
                call,
                Instruments,
                (_instrument(session, market, row, known[row.ticker]) for market, row in traded),
            ),
            flags=frame(call, InstrumentFlags, _flags(session, [row for _, row in traded])),
            net_buying=NetBuying.create_empty(),
            index_bars=frame(call, IndexBars, self._indices(session)),
        )
        return Collected(data, session, now, self.name)

    def _rows(self, service: str, session: date, row: type[R], code: str) -> Sequence[R]:
        call = self._client.call(service, session)
        wires = self._published(service, session)
        parsed = parse_rows(wires, row.parse, text(code))
        tolerate(call, "rows can't be read", parsed.rejected, len(wires), self._max_missing)
        return parsed.rows

    def _indices(self, session: date) -> list[dict[str, object]]:
        found = []
        for service in INDICES:
            call = self._client.call(service, session)
            wires = [
                wire
                for wire in self._published(service, session)
                if text("IDX_NM")(wire) in INDEX_NAMES
            ]
            parsed = parse_rows(wires, IndexDay.parse, text("IDX_NM"))
            if parsed.rejected or INDICES[service] not in {
                INDEX_NAMES[row.name] for row in parsed.rows
            }:
                raise BadMarketData(f"{call}: no row of {INDICES[service]} {parsed.rejected}")
            found += [_index_bar(session, row) for row in parsed.rows]
        return found

    def _published(self, service: str, session: date) -> Sequence[WireRow]:
        wires = self._client.day(service, session)
        if not wires:
            raise NotPublished(
                f"{self._client.call(service, session)}: nothing is published",
                remedy="a session appears about 08:00 KST of the next business day",
            )
        return wires


def _bar(session: date, row: DayTrade, collected_at: datetime) -> dict[str, object]:
    traded = row.volume > 0
    return {
        "session": session,
        "ticker": row.ticker,
        "open": row.open if traded else 0,
        "high": row.high if traded else 0,
        "low": row.low if traded else 0,
        "close": row.close,
        "volume": row.volume,
        "value": row.value,
        "base": row.base,
        "listed_shares": row.listed_shares or None,
        "market_cap": row.market_cap,
        "adjusted": False,
        "source": PROVIDER,
        "collected_at": collected_at.astimezone(UTC),
    }


def _instrument(session: date, market: str, row: DayTrade, info: BaseInfo) -> dict[str, object]:
    return {
        "ticker": row.ticker,
        "since": session,
        "name": info.name,
        "market": market,
        "kind": _kind(row, info),
        "sector": None,  # the API tells the KOSDAQ section, not the industry
        "listed": info.listed,
        "delisted": None,
    }


def _kind(row: DayTrade, info: BaseInfo) -> str:
    if info.group in FUNDS:
        return FUNDS[info.group]
    if SPAC in info.name or row.section.startswith("SPAC"):
        return "spac"
    return "common" if info.share_class in ("보통주", "") else "preferred"


def _flags(session: date, rows: Sequence[DayTrade]) -> list[dict[str, object]]:
    """KOSDAQ's sections name two designations; the API has no others."""
    return [
        {"ticker": row.ticker, "flag": flag, "since": session, "until": None}
        for row in rows
        for section, flag in FLAG_OF_DEPT.items()
        if row.section.startswith(section)
    ]


def _index_bar(session: date, row: IndexDay) -> dict[str, object]:
    return {
        "session": session,
        "index": INDEX_NAMES[row.name],
        "open": row.open,
        "high": row.high,
        "low": row.low,
        "close": row.close,
        "volume": row.volume,
        "value": row.value,
    }
