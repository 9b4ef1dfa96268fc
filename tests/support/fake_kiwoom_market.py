"""A small Korean market as Kiwoom would tell it: every row with the fields of its TR."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from market.calendar import TradingCalendar

Wire = dict[str, str]

SECTORS = ("전기/전자", "화학", "제약", "유통", "기계")


def plus(value: int) -> str:
    return f"{value:+d}" if value else "0"


@dataclass
class FakeStock:
    """One stock of one market list; `market_code` other than the list's makes it a fund."""

    code: str
    name: str
    market: str
    market_code: str
    base: int
    close: int
    volume: int
    sector: str = ""
    state: str = "증거금20%|담보대출|신용가능"
    audit: str = "정상"
    warning: str = "0"
    company_class: str = ""
    shares: int = 10_000_000
    listed: date = date(2015, 1, 2)

    @property
    def change(self) -> int:
        return self.close - self.base

    @property
    def sign(self) -> str:
        return "3" if not self.change else "2" if self.change > 0 else "5"

    @property
    def range(self) -> tuple[int, int, int]:
        """Open, high, low; nothing when nothing traded."""
        if not self.volume:
            return 0, 0, 0
        return self.base, max(self.base, self.close), min(self.base, self.close)

    def directed(self, price: int) -> str:
        """A price as Kiwoom writes it: its sign shows the direction."""
        return (
            f"-{price}" if price < self.base else f"+{price}" if price > self.base else f"{price}"
        )

    @property
    def percent(self) -> str:
        return f"{100 * self.change / self.base:+.2f}" if self.change else "0.00"


@dataclass
class FakeMarket:
    """`session` is what all rows are of; `history` its sessions, newest first."""

    session: date
    stocks: list[FakeStock]
    history: list[date] = field(default_factory=list)
    net_buying_session: date | None = None
    traded_at: str = "153012"

    def listing(self, mrkt_tp: str) -> list[Wire]:
        market = {"0": "KOSPI", "10": "KOSDAQ"}[mrkt_tp]
        return [_listed(stock) for stock in self.stocks if stock.market == market]

    def sweep(self, mrkt_tp: str) -> list[Wire]:
        market = {"0": "KOSPI", "1": "KOSDAQ"}[mrkt_tp]
        return [_quote(stock) for stock in self.stocks if stock.market == market]

    def chosen(self, codes: list[str]) -> list[Wire]:
        by_code = {stock.code: stock for stock in self.stocks}
        return [
            _chosen(by_code[code], self.session, self.traded_at) if code in by_code else {}
            for code in codes
        ]

    def chart(self, code: str, base_dt: date) -> list[Wire]:
        stock = next(stock for stock in self.stocks if stock.code == code)
        days = [day for day in self.history if day <= base_dt]
        return [_day(stock, day, age) for age, day in enumerate(days)]

    def index_chart(self, base_dt: date, inds_cd: str = "001") -> list[Wire]:
        del inds_cd  # all three are the same here
        days = [day for day in self.history if day <= base_dt]
        return [
            {
                "cur_prc": str(252127 + 10 * age),
                "trde_qty": "393564",
                "dt": f"{day:%Y%m%d}",
                "open_pric": "251064",
                "high_pric": str(253733 + 10 * age),
                "low_pric": "249918",
                "trde_prica": "10582466",
            }
            for age, day in enumerate(days)
        ]

    def index_now(self, inds_cd: str) -> Wire:
        newest, before = self.index_chart(self.session, inds_cd)[:2]
        level, last = (int(row["cur_prc"]) for row in (newest, before))
        up = level >= last
        return {
            "cur_prc": f"{'+' if up else '-'}{level / 100:.2f}",
            "pred_pre_sig": "2" if up else "5",
            "pred_pre": f"{(level - last) / 100:+.2f}",
            "flu_rt": f"{100 * (level / last - 1):+.2f}",
            "trde_qty": newest["trde_qty"],
            "trde_prica": newest["trde_prica"],
            "rising": "500",
            "stdns": "50",
            "fall": "350",
        }

    def sectors(self, inds_cd: str) -> list[Wire]:
        """The index itself and one sector of it."""
        now = self.index_now(inds_cd)
        shown = {**now, "pre_sig": now["pred_pre_sig"], "flo_stk_num": "900"}
        names = {inds_cd: "종합", f"{int(inds_cd) + 1:03d}": "대형주"}
        return [{**shown, "stk_cd": code, "stk_nm": name} for code, name in names.items()]

    def market_net_buying(self, mrkt_tp: str, amount: bool) -> list[Wire]:
        market = {"001": "KOSPI", "101": "KOSDAQ"}[mrkt_tp]
        shown = self.net_buying_session or self.session
        return [
            {
                "stk_cd": stock.code,
                "stk_nm": stock.name,
                "cur_prc": stock.directed(stock.close),
                "pre_sig": stock.sign,
                "pred_pre": plus(stock.change),
                "flu_rt": stock.percent,
                "trde_qty": str(stock.volume),
                **self.investors(stock, shown, amount),
            }
            for stock in self.stocks
            if stock.market == market
        ]

    def stock_net_buying(self, code: str, newest: date, amount: bool) -> list[Wire]:
        stock = next(stock for stock in self.stocks if stock.code == code)
        return [
            {
                "dt": f"{day:%Y%m%d}",
                "cur_prc": stock.directed(stock.close),
                "pre_sig": stock.sign,
                "pred_pre": plus(stock.change),
                "flu_rt": stock.percent.replace(".", ""),
                "acc_trde_qty": str(stock.volume),
                "acc_trde_prica": str(stock.volume * stock.close // 1_000_000),
                **self.investors(stock, day, amount),
                "natfor": "0",
            }
            for day in self.history[:100]
            if day <= newest
        ]

    def investors(self, stock: FakeStock, day: date, amount: bool) -> Wire:
        """Who bought: foreigners, institutions and, against both, individuals."""
        foreign, institution = net_shares(stock.code, day)
        if amount:
            foreign, institution = (n * stock.close // 1_000_000 for n in (foreign, institution))
        names = ("insrnc", "invtrt", "etc_fnnc", "bank", "penfnd_etc", "samo_fund", "natn")
        return {
            "ind_invsr": signed(-foreign - institution),
            "frgnr_invsr": signed(foreign),
            "orgn": signed(institution),
            "fnnc_invt": signed(institution),
            **dict.fromkeys(names, "0"),
            "etc_corp": "0",
        }


def make_market(session: date, kospi: int = 40, kosdaq: int = 30, funds: int = 15) -> FakeMarket:
    """Stocks in code order with ups, downs, halts, designations and ETFs among them."""
    stocks = [_stock(i, "KOSPI", "0", 10 * i + 10) for i in range(kospi)]
    stocks += [_fund(i, 200_000 + 10 * i) for i in range(funds)]
    stocks += [_stock(i, "KOSDAQ", "10", 300_000 + 10 * i) for i in range(kosdaq)]
    history = TradingCalendar().sessions(session - timedelta(days=2000), session)
    return FakeMarket(session, stocks, history[::-1])


def net_shares(code: str, day: date) -> tuple[int, int]:
    """Foreign and institutional net buying of a stock on a day, in shares."""
    mixed = (int(code, 36) * 7919 + day.toordinal() * 104729) % 200_003
    return mixed - 100_000, (mixed * 31) % 50_000 - 25_000


def _stock(i: int, market: str, market_code: str, number: int) -> FakeStock:
    base = 1_000 + 1_370 * (i % 97)
    stock = FakeStock(
        code=f"{number:06d}",
        name=f"시험{number}",
        market=market,
        market_code=market_code,
        base=base,
        close=base + (i % 7 - 3) * 10,
        volume=0 if i % 23 == 11 else 10_000 + 911 * i,
        sector=SECTORS[i % len(SECTORS)],
    )
    if not stock.volume:
        stock.close, stock.state, stock.audit = base, "증거금100%|거래정지", "거래정지"
    if i % 29 == 5:
        stock.state, stock.audit = "관리종목", "관리종목"
    if i % 31 == 7:
        stock.warning, stock.audit = "5", "투자경고"
    if i == 12:
        stock.code = stock.code[:5] + "5"  # a preferred share
    if market == "KOSDAQ" and i == 13:
        stock.company_class, stock.name = "기업인수목적회사(스팩)", "시험13호스팩"
    return stock


def _fund(i: int, number: int) -> FakeStock:
    code = "8" if i % 3 else "60"
    return FakeStock(f"{number:06d}", f"시험ETF{i}", "KOSPI", code, 10_000, 10_050, 5_000)


def _listed(stock: FakeStock) -> Wire:
    return {
        "code": stock.code,
        "name": stock.name,
        "listCount": f"{stock.shares:016d}",
        "auditInfo": stock.audit,
        "regDay": f"{stock.listed:%Y%m%d}",
        "lastPrice": f"{stock.base:08d}",
        "state": stock.state,
        "marketCode": stock.market_code,
        "marketName": "거래소" if stock.market == "KOSPI" else "코스닥",
        "upName": stock.sector,
        "upSizeName": "",
        "companyClassName": stock.company_class,
        "orderWarning": stock.warning,
        "nxtEnable": "Y",
        "kind": "A",
    }


def _quote(stock: FakeStock) -> Wire:
    opened, high, low = stock.range
    return {
        "stk_cd": stock.code,
        "stk_nm": stock.name,
        "cur_prc": stock.directed(stock.close),
        "pred_pre_sig": stock.sign,
        "pred_pre": plus(stock.change),
        "flu_rt": stock.percent,
        "now_trde_qty": str(stock.volume),
        "sel_bid": stock.directed(stock.close),
        "buy_bid": stock.directed(stock.close),
        "open_pric": stock.directed(opened) if opened else "0",
        "high_pric": stock.directed(high) if high else "0",
        "low_pric": stock.directed(low) if low else "0",
    }


def _chosen(stock: FakeStock, session: date, traded_at: str) -> Wire:
    quote = _quote(stock)
    return quote | {
        "base_pric": str(stock.base),
        "trde_qty": quote.pop("now_trde_qty"),
        "trde_prica": str(stock.volume * stock.close // 1_000_000),
        "upl_pric": f"+{stock.base * 13 // 10}",
        "lst_pric": f"-{stock.base * 7 // 10}",
        "close_pric": quote["cur_prc"],
        "exp_cntr_pric": quote["cur_prc"],
        "exp_cntr_qty": "",
        "cntr_tm": traded_at,
        "dt": f"{session:%Y%m%d}",
    }


def _day(stock: FakeStock, day: date, age: int) -> Wire:
    close, base = stock.base + 100 * (age + 1), stock.base + 100 * (age + 2)
    return {
        "cur_prc": str(close),
        "trde_qty": str(1_000 + age),
        "trde_prica": str(close * (1_000 + age) // 1_000_000),
        "dt": f"{day:%Y%m%d}",
        "open_pric": str(base),
        "high_pric": str(base),
        "low_pric": str(close),
        "pred_pre": plus(close - base),
        "pred_pre_sig": "5",
        "trde_tern_rt": "+0.16",
    }


def signed(value: int) -> str:
    """Net buying, its minus doubled as some TRs do."""
    return f"--{-value}" if value < 0 else str(value)
