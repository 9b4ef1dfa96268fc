"""The frames that cross rooms: their columns, units and keys.

Prices, values and net buying are whole won, volumes whole shares, instants UTC.
Missing is null, never zero.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

TICKER = r"^[0-9A-Z]{6}$"
MARKETS = ("KOSPI", "KOSDAQ", "KONEX")
KINDS = ("common", "preferred", "spac", "reit", "etf", "etn", "other")
FLAGS = (
    "administrative",  # 관리종목
    "caution",  # 투자주의환기종목
    "liquidation",  # 정리매매
    "single_price",  # 단기과열, traded in periodic auctions
    "risk",  # 투자위험
    "warning",  # 투자경고
    "halted",  # 거래정지
)
INDICES = ("KOSPI", "KOSDAQ", "KOSPI200")
INSTANT = pl.Datetime("us", "UTC")


class DailyBars(dy.Schema):
    """One row a stock and session, as traded, or adjusted by the source where `adjusted`.

    A halted stock has open = high = low = volume = 0 and its last close carried on.
    `base` is the exchange's base price of the session (close - change): the price that
    change and limits are measured from, already put on the new scale on an ex-rights day.
    """

    session = dy.Date(primary_key=True)
    ticker = dy.String(primary_key=True, regex=TICKER)
    open = dy.Int64(min=0)
    high = dy.Int64(min=0)
    low = dy.Int64(min=0)
    close = dy.Int64(min=1)
    volume = dy.Int64(min=0)
    value = dy.Int64(nullable=True, min=0)
    base = dy.Int64(nullable=True, min=1)
    listed_shares = dy.Int64(nullable=True, min=1)
    market_cap = dy.Int64(nullable=True, min=0)
    adjusted = dy.Bool()
    source = dy.String()
    collected_at = dy.Datetime(time_unit="us", time_zone="UTC")


class Instruments(dy.Schema):
    """What an instrument was from session `since` on, until its next row.

    `listed` is the first session it was ever listed on, where known; `delisted` the first
    session on which it no longer was.
    """

    ticker = dy.String(primary_key=True, regex=TICKER)
    since = dy.Date(primary_key=True)
    name = dy.String()
    market = dy.Enum(MARKETS)
    kind = dy.Enum(KINDS)
    sector = dy.String(nullable=True)
    listed = dy.Date(nullable=True)
    delisted = dy.Date(nullable=True)


class InstrumentFlags(dy.Schema):
    """A designation of the exchange, from session `since` up to but not including `until`."""

    ticker = dy.String(primary_key=True, regex=TICKER)
    flag = dy.Enum(FLAGS, primary_key=True)
    since = dy.Date(primary_key=True)
    until = dy.Date(nullable=True)


class NetBuying(dy.Schema):
    """Bought minus sold, by kind of investor; a revision is another row with a later `known_at`."""

    session = dy.Date(primary_key=True)
    ticker = dy.String(primary_key=True, regex=TICKER)
    known_at = dy.Datetime(primary_key=True, time_unit="us", time_zone="UTC")
    foreign_won = dy.Int64(nullable=True)
    institution_won = dy.Int64(nullable=True)
    individual_won = dy.Int64(nullable=True)
    foreign_shares = dy.Int64(nullable=True)
    institution_shares = dy.Int64(nullable=True)
    individual_shares = dy.Int64(nullable=True)
    provisional = dy.Bool()
    source = dy.String()


class IndexBars(dy.Schema):
    """One row an index and session, in index points."""

    session = dy.Date(primary_key=True)
    index = dy.Enum(INDICES, primary_key=True)
    open = dy.Float64(nullable=True)
    high = dy.Float64(nullable=True)
    low = dy.Float64(nullable=True)
    close = dy.Float64(min=0)
    volume = dy.Int64(nullable=True)
    value = dy.Int64(nullable=True)


class News(dy.Schema):
    """A disclosure or article about one stock; `blocking` is bad enough to stop a purchase."""

    id = dy.String(primary_key=True)
    ticker = dy.String(regex=TICKER)
    seen_at = dy.Datetime(time_unit="us", time_zone="UTC")
    verdict = dy.Enum(("positive", "neutral", "negative", "blocking"))
    title = dy.String()
    url = dy.String(nullable=True)
    source = dy.String()


class Quotes(dy.Schema):
    """Chosen stocks at one moment; `price` is the last one traded, `base` as in DailyBars.

    `expected_price` and `expected_volume` are those of a call auction that is under way.
    """

    ticker = dy.String(primary_key=True, regex=TICKER)
    session = dy.Date()
    asked_at = dy.Datetime(time_unit="us", time_zone="UTC")
    price = dy.Int64(min=1)
    base = dy.Int64(min=1)
    open = dy.Int64(min=0)
    high = dy.Int64(min=0)
    low = dy.Int64(min=0)
    volume = dy.Int64(min=0)
    value = dy.Int64(nullable=True, min=0)
    upper_limit = dy.Int64(nullable=True, min=1)
    lower_limit = dy.Int64(nullable=True, min=1)
    expected_price = dy.Int64(nullable=True, min=1)
    expected_volume = dy.Int64(nullable=True, min=0)
    traded_at = dy.Datetime(nullable=True, time_unit="us", time_zone="UTC")


class Schedule(dy.Schema):
    """Every exchange session in order, and the moment that session's scan stands for."""

    session = dy.Date(primary_key=True)
    as_of = dy.Datetime(time_unit="us", time_zone="UTC")


class EquityCurve(dy.Schema):
    """The account of a backtest at each close, won; the markets as multiples of their start."""

    session = dy.Date(primary_key=True)
    equity = dy.Int64()
    cash = dy.Int64()
    holdings = dy.Int64()
    positions = dy.Int64()
    kospi = dy.Float64(nullable=True)
    universe = dy.Float64(nullable=True)


class TradeList(dy.Schema):
    """The trades of a backtest in the order of their purchases, prices as traded in their sessions.

    Null in `sold_session`: still held. `costs` and `profit` are won, `profit_pct` percent of what
    was spent.
    """

    number = dy.Int64(primary_key=True)
    ticker = dy.String(regex=TICKER)
    name = dy.String(nullable=True)
    signal_session = dy.Date()
    grade = dy.String()
    score = dy.Float64()
    out_of = dy.Float64()
    gate = dy.String(nullable=True)
    bought_session = dy.Date()
    bought_price = dy.Int64()
    bought_shares = dy.Int64()
    sold_session = dy.Date(nullable=True)
    sold_price = dy.Int64(nullable=True)
    sold_shares = dy.Int64()
    reason = dy.String()
    costs = dy.Int64()
    profit = dy.Int64()
    profit_pct = dy.Float64()
    sessions_held = dy.Int64()
