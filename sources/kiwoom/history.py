"""A stock's daily bars as traded (ka10081), newest first, page by page back in time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import dataframely as dy

from errors import BadMarketData
from market.calendar import TradingCalendar
from market.schemas import DailyBars
from sources.kiwoom.client import PROVIDER, KiwoomClient
from sources.kiwoom.rows import DayBar
from sources.wire import frame, only, parse_rows, text

TR: Final = "ka10081"
AS_TRADED: Final = "0"  # upd_stkpc_tp; 1 adjusts, but only for events up to base_dt

# More sessions without a row than any halt is known to leave out, where prices don't meet either.
LOST_PAGE: Final = 5


def fetch_history(
    client: KiwoomClient,
    calendar: TradingCalendar,
    ticker: str,
    first: date,
    last: date,
    collected_at: datetime,
) -> dy.DataFrame[DailyBars]:
    """Every bar of a stock from `first` to `last`, one call per 600 sessions.

    `base` is the close less its change; `value` is exact to a million won. Listed shares and
    market capitalisation aren't told.

    Raises:
        BadMarketData: a row can't be read, stands on a day without session, or a page is lost.
    """
    body = {"stk_cd": ticker, "base_dt": f"{last:%Y%m%d}", "upd_stkpc_tp": AS_TRADED}
    bars: list[DayBar] = []
    for page in client.pages(
        TR, body, rows="stk_dt_pole_chart_qry", key=text("dt"), subject=ticker
    ):
        call = client.call(TR, ticker)
        found = list(only(call, parse_rows(page, DayBar.parse, text("dt"))))
        _check_seam(ticker, calendar, bars, found)
        bars += found
        if found and found[-1].session < first:
            break
    rows = [_bar(ticker, bar, collected_at) for bar in bars if first <= bar.session <= last]
    for bar in bars:
        if not calendar.is_session(bar.session):
            raise BadMarketData(f"{client.call(TR, ticker)}: a row of {bar.session}, no session")
    return frame(client.call(TR, ticker), DailyBars, rows)


def _check_seam(
    ticker: str, calendar: TradingCalendar, newer: list[DayBar], older: list[DayBar]
) -> None:
    """Between two pages no session is left out, unless the prices meet over a halt."""
    days = [bar.session for bar in (*newer[-1:], *older)]
    if days != sorted(days, reverse=True):
        raise BadMarketData(f"{PROVIDER} {TR} {ticker}: rows aren't from new to old")
    if not newer or not older:
        return
    gap = len(calendar.sessions(older[0].session, newer[-1].session)) - 2
    if gap > LOST_PAGE and newer[-1].base != older[0].close:
        raise BadMarketData(
            f"{PROVIDER} {TR} {ticker}: {gap} sessions are missing between pages, after"
            f" {older[0].session} at {older[0].close}, before {newer[-1].session} from"
            f" {newer[-1].base}"
        )


def _bar(ticker: str, bar: DayBar, collected_at: datetime) -> dict[str, object]:
    traded = bar.volume > 0
    return {
        "session": bar.session,
        "ticker": ticker,
        "open": bar.open if traded else 0,
        "high": bar.high if traded else 0,
        "low": bar.low if traded else 0,
        "close": bar.close,
        "volume": bar.volume,
        "value": bar.value,
        "base": bar.base,
        "listed_shares": None,
        "market_cap": None,
        "adjusted": False,
        "source": PROVIDER,
        "collected_at": collected_at.astimezone(UTC),
    }
