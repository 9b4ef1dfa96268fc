"""Indices day by day (ka20006) and at this moment (ka20001), and sectors (ka20003)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import dataframely as dy

from errors import BadMarketData
from market.schemas import IndexBars
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.rows import IndexBar, IndexNow, SectorNow
from sources.wire import RowError, frame, only, parse_rows, text

DAYS: Final = "ka20006"
NOW: Final = "ka20001"
SECTORS: Final = "ka20003"

CODES: Final[Mapping[str, str]] = {"KOSPI": "001", "KOSDAQ": "101", "KOSPI200": "201"}
MARKET_OF: Final[Mapping[str, str]] = {"KOSPI": "0", "KOSDAQ": "1", "KOSPI200": "2"}

# The specification says single shares, but KOSPI's 285,982 for 20.5 trillion won on 2026-09-30
# would be 72 million won a share. A mean price out of this range means another unit.
MEAN_PRICE: Final = (100, 5_000_000)


def fetch_index_bars(client: KiwoomClient, session: date) -> dy.DataFrame[IndexBars]:
    """KOSPI, KOSDAQ and KOSPI200 of `session` and up to 599 sessions before, three calls.

    Raises:
        BadMarketData: the newest row isn't of `session`, or a figure can't be.
    """
    rows = []
    for index, code in CODES.items():
        call = client.call(DAYS, index)
        body = {"inds_cd": code, "base_dt": f"{session:%Y%m%d}"}
        page = client.ask(DAYS, body, subject=index)
        parsed = parse_rows(page.rows("inds_dt_pole_qry", call), IndexBar.parse, text("dt"))
        bars = only(call, parsed)
        if not bars or bars[0].session != session:
            newest = bars[0].session if bars else "nothing"
            raise BadMarketData(f"{call}: the newest row is {newest}, not {session}")
        rows += [_bar(index, bar) for bar in bars if _possible(call.subject, bar)]
    return frame(client.call(DAYS), IndexBars, rows)


def fetch_index(client: KiwoomClient, index: str) -> IndexNow:
    """An index at this moment.

    Raises:
        BadMarketData: a field can't be read.
    """
    call = client.call(NOW, index)
    body = {"mrkt_tp": MARKET_OF[index], "inds_cd": CODES[index]}
    try:
        return IndexNow.parse(client.ask(NOW, body, subject=index).body)
    except RowError as error:
        raise BadMarketData(f"{call}: {error}") from None


def fetch_sectors(client: KiwoomClient, index: str) -> Sequence[SectorNow]:
    """Every sector of KOSPI or KOSDAQ at this moment: industries, size groups and umbrellas.

    Raises:
        BadMarketData: a field can't be read.
    """
    call = client.call(SECTORS, index)
    pages = client.pages(
        SECTORS, {"inds_cd": CODES[index]}, rows="all_inds_idex", key=text("stk_cd"), subject=index
    )
    wires = [row for page in pages for row in page]
    return only(call, parse_rows(wires, SectorNow.parse, text("stk_cd")))


def _possible(index: str, bar: IndexBar) -> bool:
    volume = 1000 * bar.volume_thousands
    if volume and not MEAN_PRICE[0] <= bar.value / volume <= MEAN_PRICE[1]:
        raise BadMarketData(
            f"kiwoom {DAYS} {index} {bar.session}: {bar.value:,} won for {volume:,} shares"
        )
    return True


def _bar(index: str, bar: IndexBar) -> dict[str, object]:
    return {
        "session": bar.session,
        "index": index,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": 1000 * bar.volume_thousands,
        "value": bar.value,
    }
