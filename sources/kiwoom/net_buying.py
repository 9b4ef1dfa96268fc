"""Who bought: the whole market after the close (ka10066), and chosen stocks (ka10059)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

import dataframely as dy

from errors import BadMarketData
from market.schemas import NetBuying
from sources.kiwoom.client import PROVIDER, KiwoomClient
from sources.kiwoom.numbers import MILLION
from sources.kiwoom.rows import MarketNetBuying, StockNetBuying
from sources.wire import frame, only, parse_rows, text, tolerate

MARKET: Final = "ka10066"
STOCK: Final = "ka10059"
KRX: Final = "1"  # stex_tp
NET: Final = "0"  # trde_tp
MARKETS: Final[Mapping[str, str]] = {"KOSPI": "001", "KOSDAQ": "101"}

# amt_qty_tp of both TRs, and what one unit is worth. (Other TRs number these the other way.)
UNITS: Final[Mapping[str, tuple[str, int]]] = {"won": ("1", MILLION), "shares": ("2", 1)}

# Ten kinds of institutions and five of others, each rounded to the unit (thousands of shares
# while the session is on).
ROUNDING: Final = 15
ROUNDED_TO: Final = 1_000

ANCHORS: Final = 5


def fetch_market(
    client: KiwoomClient,
    tickers: Iterable[str],
    session: date,
    known_at: datetime,
    *,
    provisional: bool,
    max_missing: float,
) -> dy.DataFrame[NetBuying]:
    """Every stock's net buying of `session`, in won and shares: some 70 calls.

    The rows of ka10066 carry no date, and show the session before until they roll over at an
    hour that isn't documented. So the stocks with the most are compared with ka10059's dated
    rows first.

    Args:
        tickers: stocks that are wanted; others are left out.
        known_at: when this was asked (aware).

    Raises:
        BadMarketData: the rows are of another session, or more than the share `max_missing` of
            the stocks is missing or can't be read.
    """
    wanted = frozenset(tickers)
    won = _market(client, "won", wanted, max_missing)
    _require_session(client, won, session)
    shares = _market(client, "shares", wanted, max_missing)
    rows = [
        _row(session, ticker, known_at, provisional, won.get(ticker), shares.get(ticker))
        for ticker in sorted(won.keys() | shares.keys())
    ]
    return frame(client.call(MARKET), NetBuying, rows)


def fetch_stock(
    client: KiwoomClient,
    ticker: str,
    sessions: Sequence[date],
    known_at: datetime,
    *,
    provisional: bool,
    units: Iterable[str] = ("won", "shares"),
) -> dy.DataFrame[NetBuying]:
    """One stock's net buying of these sessions, one call a unit ("won", "shares").

    A session without a row is left out. `provisional` is only for the newest one.

    Raises:
        BadMarketData: a row can't be read, or its investors don't sum to nothing.
    """
    newest = max(sessions)
    by_unit = {
        unit: {row.session: row for row in dated(client, ticker, newest, unit)} for unit in units
    }
    rows = [
        _row(
            session,
            ticker,
            known_at,
            provisional and session == newest,
            by_unit.get("won", {}).get(session),
            by_unit.get("shares", {}).get(session),
        )
        for session in sorted(sessions)
        if any(session in found for found in by_unit.values())
    ]
    return frame(client.call(STOCK, ticker), NetBuying, rows)


def _market(
    client: KiwoomClient, unit: str, wanted: frozenset[str], max_missing: float
) -> dict[str, MarketNetBuying]:
    found: dict[str, MarketNetBuying] = {}
    for market in MARKETS:
        subject = f"{market} {unit}"
        call = client.call(MARKET, subject)
        body = market_body(market, unit)
        pages = client.pages(
            MARKET, body, rows="opaf_invsr_trde", key=text("stk_cd"), subject=subject
        )
        wires = [row for page in pages for row in page if text("stk_cd")(row) in wanted]
        parsed = parse_rows(wires, MarketNetBuying.parse, text("stk_cd"))
        tolerate(call, "rows can't be read", parsed.rejected, len(wires), max_missing)
        found |= {row.ticker: row for row in parsed.rows}
    call = client.call(MARKET, unit)
    missing = sorted(wanted - found.keys())
    tolerate(call, "stocks didn't come", missing, len(wanted), max_missing)
    return found


def _require_session(
    client: KiwoomClient, found: Mapping[str, MarketNetBuying], session: date
) -> None:
    counted = votes(client, found, session)
    asked = min(ANCHORS, len(found))
    if counted[session] <= asked / 2:
        said = ", ".join(f"{n} of {day}" for day, n in sorted(counted.items())) or "none dated"
        raise BadMarketData(
            f"{client.call(MARKET)}: the rows aren't of {session} yet: of {asked} stocks"
            f" compared with {STOCK}, {said}",
            remedy="ask again later in the evening",
        )


def votes(
    client: KiwoomClient, found: Mapping[str, MarketNetBuying], session: date
) -> Counter[date]:
    """Let the stocks with the most net buying vote on which session up to this one rows are of."""
    largest = sorted(
        found.values(), key=lambda row: abs(row.foreign) + abs(row.institution), reverse=True
    )[:ANCHORS]
    counted: Counter[date] = Counter()
    for row in largest:
        days = dated(client, row.ticker, session, "won")
        if days:
            counted[min(days, key=lambda day: _distance(row, day)).session] += 1
    return counted


def _distance(row: MarketNetBuying, day: StockNetBuying) -> int:
    return (
        abs(row.individual - day.individual)
        + abs(row.foreign - day.foreign)
        + abs(row.institution - day.institution)
    )


def dated(client: KiwoomClient, ticker: str, newest: date, unit: str) -> Sequence[StockNetBuying]:
    """A stock's rows in that unit, newest first from `newest` on: its first page.

    Raises:
        BadMarketData: a row can't be read, or its investors don't sum to nothing.
    """
    call = client.call(STOCK, f"{ticker} {unit}")
    page = client.ask(STOCK, stock_body(ticker, newest, unit), subject=call.subject)
    rows = only(
        call, parse_rows(page.rows("stk_invsr_orgn", call), StockNetBuying.parse, text("dt"))
    )
    for row in rows:
        if abs(row.imbalance) > ROUNDING * (ROUNDED_TO if unit == "shares" else 1):
            raise BadMarketData(f"{call} {row.session}: all investors sum to {row.imbalance:,}")
    return rows


def market_body(market: str, unit: str) -> dict[str, str]:
    """What ka10066 is asked with for a market (KOSPI, KOSDAQ) in a unit."""
    return {
        "mrkt_tp": MARKETS[market],
        "amt_qty_tp": UNITS[unit][0],
        "trde_tp": NET,
        "stex_tp": KRX,
    }


def stock_body(ticker: str, newest: date, unit: str) -> dict[str, str]:
    """What ka10059 is asked with for a stock up to a session in a unit."""
    return {
        "dt": f"{newest:%Y%m%d}",
        "stk_cd": ticker,
        "amt_qty_tp": UNITS[unit][0],
        "trde_tp": NET,
        "unit_tp": "1",
    }


def _row(
    session: date,
    ticker: str,
    known_at: datetime,
    provisional: bool,
    won: MarketNetBuying | StockNetBuying | None,
    shares: MarketNetBuying | StockNetBuying | None,
) -> dict[str, object]:
    million = UNITS["won"][1]
    return {
        "session": session,
        "ticker": ticker,
        "known_at": known_at.astimezone(UTC),
        "foreign_won": won and won.foreign * million,
        "institution_won": won and won.institution * million,
        "individual_won": won and won.individual * million,
        "foreign_shares": shares and shares.foreign,
        "institution_shares": shares and shares.institution,
        "individual_shares": shares and shares.individual,
        "provisional": provisional,
        "source": PROVIDER,
    }
