"""The sample market as Kiwoom would tell it: real-looking sessions, so that there are signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import polars as pl
from fake_kiwoom_market import FakeMarket, FakeStock, Wire, plus, signed

from market.calendar import TradingCalendar
from market.data import MarketData

MARKET_CODES = {"reit": "6", "etf": "8"}
WORDS = {"administrative": "관리종목", "halted": "거래정지", "liquidation": "정리매매"}
WARNINGS = {"liquidation": "2", "single_price": "3", "risk": "4", "warning": "5"}
MILLION = 1_000_000
Row = dict[str, Any]


@dataclass
class SampleStock(FakeStock):
    """A stock whose range is its bar's."""

    bar: Row = field(default_factory=dict)

    @property
    def range(self) -> tuple[int, int, int]:
        return self.bar["open"], self.bar["high"], self.bar["low"]


@dataclass
class SampleKiwoom(FakeMarket):
    """`data` up to `session`; moving `session` moves the whole market."""

    bars: Mapping[str, list[Row]] = field(default_factory=dict)
    indices: Mapping[str, list[Row]] = field(default_factory=dict)
    net: Mapping[tuple[str, date], Row] = field(default_factory=dict)

    def chart(self, code: str, base_dt: date) -> list[Wire]:
        rows = [row for row in self.bars.get(code, []) if row["session"] <= base_dt]
        return [_day(row) for row in rows]

    def index_chart(self, base_dt: date, inds_cd: str = "001") -> list[Wire]:
        name = {"001": "KOSPI", "101": "KOSDAQ", "201": "KOSPI200"}[inds_cd]
        return [_index(row) for row in self.indices[name] if row["session"] <= base_dt]

    def investors(self, stock: FakeStock, day: date, amount: bool) -> Wire:
        row = self.net.get((stock.code, day), {})
        unit, size = ("won", MILLION) if amount else ("shares", 1)
        foreign, institution = (
            int((row.get(f"{who}_{unit}") or 0) / size) for who in ("foreign", "institution")
        )
        names = ("insrnc", "invtrt", "etc_fnnc", "bank", "penfnd_etc", "samo_fund", "natn")
        return {
            "ind_invsr": signed(-foreign - institution),
            "frgnr_invsr": signed(foreign),
            "orgn": signed(institution),
            **dict.fromkeys((*names, "etc_corp"), "0"),
        }


def kiwoom_of(data: MarketData, session: date) -> SampleKiwoom:
    """The market as it stands at the end of `session`."""
    newest = data.bars.filter(pl.col("session") == session)
    today = {row["ticker"]: row for row in newest.iter_rows(named=True)}
    flags: dict[str, set[str]] = {}
    for row in data.flags.filter(
        (pl.col("since") <= session) & (pl.col("until").is_null() | (pl.col("until") > session))
    ).iter_rows(named=True):
        flags.setdefault(row["ticker"], set()).add(row["flag"])
    instruments = data.instruments.filter(pl.col("since") <= session).unique("ticker", keep="last")
    since = dict(data.bars.group_by("ticker").agg(pl.col("session").min()).iter_rows())
    stocks = [
        _stock(row, today[row["ticker"]], flags.get(row["ticker"], set()), since[row["ticker"]])
        for row in instruments.sort("ticker").iter_rows(named=True)
        if row["ticker"] in today
    ]
    old = data.bars.filter(pl.col("session") <= session).sort("session", descending=True)
    bars = {str(ticker): group.to_dicts() for (ticker,), group in old.group_by("ticker")}
    indices = {
        str(index): group.sort("session", descending=True).to_dicts()
        for (index,), group in data.index_bars.group_by("index")
    }
    net = {(row["ticker"], row["session"]): row for row in data.net_buying.iter_rows(named=True)}
    days = old["session"].unique().sort(descending=True).to_list()
    closing = f"{TradingCalendar().hours(session).close:%H%M}12"
    return SampleKiwoom(
        session, stocks, days, traded_at=closing, bars=bars, indices=indices, net=net
    )


def so_far(market: SampleKiwoom, share: float, traded_at: datetime) -> SampleKiwoom:
    """The market when that share of the session is over, last traded at (aware, Asia/Seoul)."""
    stocks = [_so_far(stock, share) for stock in market.stocks if isinstance(stock, SampleStock)]
    return replace(market, stocks=stocks, traded_at=f"{traded_at:%H%M%S}")


def _so_far(stock: SampleStock, share: float) -> SampleStock:
    if not stock.volume:
        return stock
    opened, _, _ = stock.range
    price = opened + round((stock.close - opened) * share)
    bar = stock.bar | {"high": max(opened, price), "low": min(opened, price)}
    return replace(stock, close=price, volume=max(1, int(stock.volume * share)), bar=bar)


def _stock(instrument: Row, bar: Row, flags: set[str], listed: date) -> SampleStock:
    word = next((WORDS[flag] for flag in WORDS if flag in flags), "정상")
    own = "0" if instrument["market"] == "KOSPI" else "10"
    return SampleStock(
        code=bar["ticker"],
        name=instrument["name"],
        market=instrument["market"],
        market_code=MARKET_CODES.get(instrument["kind"], own),
        base=bar["base"] or bar["close"],
        close=bar["close"],
        volume=bar["volume"],
        sector=instrument["sector"] or "",
        state="증거금20%|담보대출" if word == "정상" else word,
        audit=word,
        warning=next((WARNINGS[flag] for flag in WARNINGS if flag in flags), "0"),
        company_class="기업인수목적회사(스팩)" if instrument["kind"] == "spac" else "",
        shares=bar["listed_shares"] or 1,
        listed=listed,
        bar=bar,
    )


def _day(row: Row) -> Wire:
    change = row["close"] - (row["base"] or row["close"])
    return {
        "cur_prc": str(row["close"]),
        "trde_qty": str(row["volume"]),
        "trde_prica": str((row["value"] or 0) // MILLION),
        "dt": f"{row['session']:%Y%m%d}",
        "open_pric": str(row["open"]),
        "high_pric": str(row["high"]),
        "low_pric": str(row["low"]),
        "pred_pre": plus(change),
        "pred_pre_sig": "3" if not change else "2" if change > 0 else "5",
        "trde_tern_rt": "+0.16",
    }


def _index(row: Row) -> Wire:
    return {
        "cur_prc": str(round(100 * row["close"])),
        "trde_qty": str(row["volume"] // 1000),
        "dt": f"{row['session']:%Y%m%d}",
        "open_pric": str(round(100 * row["open"])),
        "high_pric": str(round(100 * row["high"])),
        "low_pric": str(round(100 * row["low"])),
        "trde_prica": str(row["value"] // MILLION),
    }
