"""The list of stocks (ka10099): what each is, and under which designations it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import dataframely as dy
import polars as pl

from errors import BadMarketData
from market.schemas import InstrumentFlags, Instruments
from sources.files_observations import SPAC, kind
from sources.http.call import Call
from sources.kiwoom.client import PROVIDER, KiwoomClient
from sources.kiwoom.rows import ListedStock
from sources.wire import Rejected, RowError, WireRow, frame, parse_rows, text, tolerate

TR: Final = "ka10099"
MARKETS: Final = {"0": "KOSPI", "10": "KOSDAQ"}

# marketCode, which the list of KOSPI (mrkt_tp 0) mixes: 919 of 2,478 rows were KOSPI's own on
# 2026-07-17. Values: the specification's mrkt_tp.
SHARES: Final[Mapping[str, str | None]] = {
    "0": None,  # KOSPI; the kind follows from code and name
    "10": None,  # KOSDAQ
    "6": "reit",
    "2": "other",  # infrastructure fund
    "4": "other",  # mutual fund
    "9": "other",  # high-yield fund
}
NO_SHARES: Final = frozenset(
    ("3", "5", "7", "8", "30", "50", "60", "70", "80", "90")
)  # ELW, warrants, ETF, K-OTC, KONEX, ETN, gold

# Values seen on the real market 2026-07-18, and the designations of the exchange.
AUDIT: Final[Mapping[str, str | None]] = {
    "정상": None,
    "": None,
    "투자주의": None,  # a day's notice, not 투자주의환기종목
    "거래정지": "halted",
    "관리종목": "administrative",
    "정리매매": "liquidation",
    "단기과열": "single_price",
    "투자위험": "risk",
    "투자경고": "warning",
    "투자주의환기종목": "caution",
}
# Margin rate and services of the broker, joined with the above by pipes. The words are those of
# the broker's older API (GetMasterStockState) and of real rows.
STATE: Final[Mapping[str, str | None]] = {
    **AUDIT,
    "담보대출": None,
    "신용가능": None,
    "액면분할": None,
    "감리종목": None,
    "투자유의종목": None,
}
MARGIN: Final = re.compile(r"증거금[0-9]{1,3}%", re.ASCII)
ORDER_WARNING: Final[Mapping[str, str | None]] = {
    "0": None,
    "1": None,  # of ETFs only
    "2": "liquidation",
    "3": "single_price",
    "4": "risk",
    "5": "warning",
}


@dataclass(frozen=True)
class Listing:
    """Stocks of both markets; `codes` is every code a market's list names, ETFs and all."""

    stocks: Mapping[str, ListedStock]
    markets: Mapping[str, str]
    kinds: Mapping[str, str]
    flags: Mapping[str, frozenset[str]]
    codes: Mapping[str, frozenset[str]]
    rejected: Sequence[Rejected]

    def instruments(self, session: date) -> dy.DataFrame[Instruments]:
        """As they are in `session`."""
        rows = [
            {
                "ticker": ticker,
                "since": session,
                "name": stock.name,
                "market": self.markets[ticker],
                "kind": self.kinds[ticker],
                "sector": stock.sector.strip() or None,
                "listed": stock.listed,
                "delisted": None,
            }
            for ticker, stock in self.stocks.items()
        ]
        return frame(Call(PROVIDER, TR), Instruments, rows)

    def flag_rows(self, session: date) -> dy.DataFrame[InstrumentFlags]:
        """Designations in force in `session`; what isn't here isn't in force."""
        rows = [
            {"ticker": ticker, "flag": flag, "since": session, "until": None}
            for ticker, flags in self.flags.items()
            for flag in flags
        ]
        return frame(Call(PROVIDER, TR), InstrumentFlags, rows)

    def last_closes(self) -> pl.DataFrame:
        """ticker, close (won): of the session before the one that is on or about to open."""
        closes = {ticker: stock.last_close for ticker, stock in self.stocks.items()}
        return pl.DataFrame(
            {"ticker": list(closes), "close": list(closes.values())},
            schema={"ticker": pl.String, "close": pl.Int64},
        )


def fetch_listing(client: KiwoomClient, *, max_missing: float) -> Listing:
    """Both markets' lists, two calls.

    Raises:
        BadMarketData: a list is empty, names a stock twice, or more than the share
            `max_missing` of its rows can't be read.
    """
    stocks: dict[str, ListedStock] = {}
    markets: dict[str, str] = {}
    funds: dict[str, str] = {}
    codes: dict[str, frozenset[str]] = {}
    rejected: list[Rejected] = []
    for mrkt_tp, market in MARKETS.items():
        call = client.call(TR, market)
        wires = [
            row
            for page in client.pages(
                TR, {"mrkt_tp": mrkt_tp}, rows="list", key=text("code"), subject=market
            )
            for row in page
        ]
        parsed = parse_rows(_shares(wires), _parse, text("code"))
        if not parsed.rows:
            raise BadMarketData(f"{call}: {len(wires)} rows, none of them a stock of {market}")
        tolerate(call, "rows can't be read", parsed.rejected, len(wires), max_missing)
        rejected += parsed.rejected
        codes[market] = frozenset(map(text("code"), wires)) - {""}
        own = {text("code")(wire): text("marketCode")(wire) for wire in wires}
        for stock in parsed.rows:
            if stock.ticker in stocks:
                raise BadMarketData(f"{call}: {stock.ticker} stands in both markets' lists")
            stocks[stock.ticker] = stock
            markets[stock.ticker] = market
            if fund := SHARES.get(own.get(stock.ticker, "")):
                funds[stock.ticker] = fund
    flags = {ticker: found for ticker, stock in stocks.items() if (found := flags_of(stock))}
    return Listing(stocks, markets, _kinds(stocks, funds), flags, codes, rejected)


def flags_of(stock: ListedStock) -> frozenset[str]:
    """The designations that its three fields name.

    Raises:
        RowError: a word that isn't known; whether it means a designation can't be guessed.
    """
    found = {_look_up("auditInfo", AUDIT, stock.audit.strip())}
    found |= {
        _look_up("state", STATE, word)
        for part in stock.state.split("|")
        if not MARGIN.fullmatch(word := part.strip())
    }
    found.add(ORDER_WARNING[stock.order_warning])
    return frozenset(flag for flag in found if flag)


def _shares(wires: Iterable[WireRow]) -> Iterator[WireRow]:
    return (wire for wire in wires if text("marketCode")(wire) not in NO_SHARES)


def _parse(wire: WireRow) -> ListedStock:
    stock = ListedStock.parse(wire)
    if (market := text("marketCode")(wire)) not in SHARES:
        raise RowError(f"marketCode {market!r} is unknown")
    flags_of(stock)
    return stock


def _look_up(field: str, words: Mapping[str, str | None], word: str) -> str | None:
    if word not in words:
        raise RowError(f"{field} {word!r} is unknown")
    return words[word]


def _kinds(stocks: Mapping[str, ListedStock], funds: Mapping[str, str]) -> dict[str, str]:
    frame = pl.DataFrame(
        {
            "ticker": list(stocks),
            "name": [stock.name for stock in stocks.values()],
            "dept": ["SPAC" if SPAC in stock.company_class else "" for stock in stocks.values()],
        },
        schema={"ticker": pl.String, "name": pl.String, "dept": pl.String},
    ).select("ticker", kind().cast(pl.String))
    return dict(frame.iter_rows()) | dict(funds)
