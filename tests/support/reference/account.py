"""A slow, plain account: one signal, one session, one bar at a time, written from the rules' text.

It shares nothing with backtest/portfolio.py or outcomes/: its own reading of bars, its own filling
and ending of orders, its own sizes and costs. Its word on every trade must be the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from backtest.plan import Plan

Bar = dict[str, Any]
TICKS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))
BEFORE_2023 = ((1_000, 1), (5_000, 5), (10_000, 10), (50_000, 50), (100_000, 100), (500_000, 500))


@dataclass
class Held:
    signal: dict[str, Any]
    bought: date
    price: int
    shares: int
    bought_shares: int
    spent: int
    costs: int
    target: float
    stop: float
    received: int = 0


@dataclass
class Plain:
    """`equity` by session; `trades`: ticker, bought, price, shares, sold, price, shares, profit.

    What was sold is None while it is held."""

    cash: int
    equity: dict[date, int] = field(default_factory=dict)
    trades: list[tuple[Any, ...]] = field(default_factory=list)


class Market:
    """Bars by ticker and session, the exchange's sessions in order, those that any stock has a
    bar of, and each stock's market."""

    def __init__(
        self,
        bars: list[Bar],
        sessions: list[date],
        stored: set[date],
        names: dict[str, str],
    ) -> None:
        self.sessions = sessions
        self.place = {session: at for at, session in enumerate(sessions)}
        self.bars: dict[str, dict[date, Bar]] = {}
        self.left: dict[str, list[date]] = {}
        for bar in bars:
            self.bars.setdefault(bar["ticker"], {})[bar["session"]] = bar
        self.stored, self.names = stored, names

    def at(self, ticker: str, session: date) -> Bar | None:
        return self.bars[ticker].get(session)

    def tick(self, ticker: str, session: date, price: float) -> int:
        table = TICKS if session >= date(2023, 1, 25) else BEFORE_2023
        if table is BEFORE_2023 and self.names[ticker] == "KOSDAQ" and price >= 50_000:
            return 100
        return next((tick for below, tick in table if price < below), 1_000)

    def width(self, bar: Bar) -> int:
        """How far from its base price the session lets it go."""
        base, tick = bar["base"], self.tick(bar["ticker"], bar["session"], bar["base"])
        percent = 30 if bar["session"] >= date(2015, 6, 15) else 15
        return int(base * percent // 100 // tick * tick)

    def factor(self, ticker: str, session: date) -> float:
        """What a share's price of the session before is multiplied with to be on this scale."""
        place = self.place[session]
        before = self.at(ticker, self.sessions[place - 1]) if place else None
        now = self.at(ticker, session)
        if now is None or before is None or now["adjusted"] or before["adjusted"]:
            return 1.0
        return now["base"] / before["close"] if now["base"] else 1.0

    def leaves(self, ticker: str, since: date, gone_after: int) -> date | None:
        """The session after `since` that makes known that the stock left the market."""
        if ticker not in self.left:
            missing, self.left[ticker] = 0, []
            for session in self.sessions:
                missing = 0 if self.at(ticker, session) else missing + (session in self.stored)
                if missing == gone_after + 1:
                    self.left[ticker].append(session)
        return next((session for session in self.left[ticker] if session > since), None)

    def last_traded(self, ticker: str, session: date) -> float:
        """The newest close it was traded at up to this session, on the scale of its last bar."""
        scale, place = 1.0, self.place[session]
        while True:
            bar = self.at(ticker, self.sessions[place])
            if bar is not None and _traded(bar):
                return float(bar["close"] * scale)
            scale *= self.factor(ticker, self.sessions[place])
            place -= 1

    def last_close(self, ticker: str, session: date) -> int:
        """The newest close up to this session."""
        own = self.bars[ticker]
        return next(
            int(own[one]["close"])
            for one in (self.sessions[at] for at in range(self.place[session], -1, -1))
            if one in own
        )


def plain_account(
    signals: list[dict[str, Any]], gates: dict[date, str | None], market: Market, plan: Plan
) -> Plain:
    """The plan's account over its sessions. Signals carry session, ticker, grade, score, out_of,
    value20, entry, target, stop and pivot."""
    ends = {id(one): _follow(one, market, plan) for one in signals}
    filled: dict[date, list[dict[str, Any]]] = {}
    for one in signals:
        if (end := ends[id(one)]) is not None:
            filled.setdefault(end[0], []).append(one)
    account = Plain(plan.capital)
    held: dict[str, tuple[Held, tuple[Any, ...]]] = {}
    worth = plan.capital
    closing = plan.scanner == "closing_bet"
    for session in market.sessions:
        if not plan.first <= session <= plan.last:
            continue
        for ticker, (one, _) in held.items():
            factor = market.factor(ticker, session)
            if abs(factor - 1) > 1e-9:
                bar = market.at(ticker, session)
                assert bar is not None
                exact = one.shares / factor
                whole = math.floor(exact + 1e-6)
                rest = int(max(exact - whole, 0) * bar["base"] + 1e-6)
                one.shares, one.received = whole, one.received + rest
                account.cash += rest
        due = sorted(filled.get(session, []), key=_rank)
        if closing:
            _sell(session, held, account, market, plan, vanished=False)
        _buy(session, due, ends, held, account, worth, gates, market, plan)
        _sell(session, held, account, market, plan)
        worth = account.cash + sum(
            one.shares * market.last_close(ticker, session) for ticker, (one, _) in held.items()
        )
        account.equity[session] = worth
    for ticker, (one, _) in held.items():
        value = one.received + one.shares * market.last_close(ticker, plan.last) - one.spent
        account.trades.append(
            (ticker, one.bought, one.price, one.bought_shares, None, None, None, value)
        )
    account.trades.sort(key=lambda trade: (trade[1], trade[0]))
    return account


def _rank(signal: dict[str, Any]) -> tuple[Any, ...]:
    return (
        -signal["score"] / signal["out_of"],
        -signal["out_of"],
        -(signal["value20"] if signal["value20"] is not None else -math.inf),
        -signal["session"].toordinal(),
        signal["ticker"],
    )


def _sell(
    session: date,
    held: dict[str, Any],
    account: Plain,
    market: Market,
    plan: Plan,
    vanished: bool = True,
) -> None:
    """What is due; of closing bets all but the vanished are sold before the closing auction."""
    for ticker in [t for t, (_, end) in held.items() if end[2] == session]:
        if not vanished and market.at(ticker, session) is None:
            continue
        one, end = held.pop(ticker)
        won = one.shares * end[3]
        rules = plan.trades.costs
        tax = [step.kospi for step in rules.sell_tax if step.since <= session][-1]
        rate = rules.commission + rules.exchange_fee + tax
        rate += rules.slippage_ticks * market.tick(ticker, session, end[4]) / end[4]
        costs = math.ceil(won * rate - 1e-6)
        account.cash += won - costs
        profit = one.received + won - costs - one.spent
        account.trades.append(
            (
                *(ticker, one.bought, one.price, one.bought_shares),
                *(session, end[3], one.shares, profit),
            )
        )


def _buy(
    session: date,
    due: list[dict[str, Any]],
    ends: dict[int, Any],
    held: dict[str, Any],
    account: Plain,
    worth: int,
    gates: dict[date, str | None],
    market: Market,
    plan: Plan,
) -> None:
    limits, rules = plan.limits, plan.trades.costs
    bought = 0
    before = market.sessions[market.place[session] - 1]
    used = 0
    for ticker, (one, _) in held.items():
        bar, factor = market.at(ticker, session), market.factor(ticker, session)
        changed = bar is not None and abs(factor - 1) > 1e-9
        used += one.shares * (bar["base"] if changed else market.last_close(ticker, before))  # type: ignore[index]
    for signal in due:
        ticker, end = signal["ticker"], ends[id(signal)]
        if ticker in held or bought >= limits.max_positions or len(held) >= limits.max_open:
            continue
        size = {"S": limits.size_s, "A": limits.size_a, "B": limits.size_b}[signal["grade"]]
        size = min(size, limits.max_loss / limits.assumed_gap)
        colour = gates.get(signal["session"])
        size *= {
            "GREEN": limits.scale_green,
            "YELLOW": limits.scale_yellow,
            "RED": limits.scale_red,
        }.get(colour or "", 1.0)
        room = limits.max_exposure * worth - used
        if room <= 0 or room < limits.min_part * size * worth:
            continue
        price = end[1]
        bar = market.at(ticker, session)
        assert bar is not None
        slippage = rules.slippage_ticks * market.tick(ticker, session, end[5]) / end[5]
        rate = rules.commission + rules.exchange_fee + slippage
        shares = min(
            int(size * worth / price + 1e-6),
            int(room / price + 1e-6),
            int(limits.max_value20 * (signal["value20"] or 0) / price + 1e-6),
            int(limits.max_volume * bar["volume"]),
        )
        while (
            shares > 0 and shares * price + math.ceil(shares * price * rate - 1e-6) > account.cash
        ):
            shares -= 1
        if shares < 1:
            continue
        costs = math.ceil(shares * price * rate - 1e-6)
        account.cash -= shares * price + costs
        spent = shares * price + costs
        held[ticker] = (
            Held(signal, session, price, shares, shares, spent, costs, 0, 0),
            end,
        )
        used += shares * price
        bought += 1


def _follow(signal: dict[str, Any], market: Market, plan: Plan) -> Any:
    """(bought on, whole price, sold on, whole price, exact sale, exact purchase), None if never."""
    if signal["entry"] is None:
        return None
    if plan.scanner == "closing_bet":
        return _closing_bet(signal, market, plan)
    if plan.scanner == "daytrading":
        return _day_trade(signal, market, plan)
    return _buy_stop(signal, market, plan)


def _gone(ticker: str, session: date, price: float, bought: date, market: Market) -> Any:
    """Sold at the last close it was traded at, once it is known to be gone."""
    sale = market.last_traded(ticker, session)
    return bought, math.ceil(price - 1e-6), session, math.floor(sale + 1e-6), sale, price


def _closing_bet(signal: dict[str, Any], market: Market, plan: Plan) -> Any:
    """Bought at the close, sold at the next opening that can be sold in."""
    bar = market.at(signal["ticker"], signal["session"])
    assert bar is not None
    price = bar["close"]
    if not _traded(bar) or price == _upper(bar, market):
        return None
    leaves = market.leaves(signal["ticker"], signal["session"], plan.trades.gone_after)
    for session in _after(signal["session"], market):
        if session == leaves:
            return _gone(signal["ticker"], session, float(price), signal["session"], market)
        later = market.at(signal["ticker"], session)
        if later is not None and _sellable(later, market):
            sale = later["open"]
            return signal["session"], price, session, sale, float(sale), float(price)
    return signal["session"], price, None, None, None, float(price)


def _day_trade(signal: dict[str, Any], market: Market, plan: Plan) -> Any:
    session = next(iter(_after(signal["session"], market)), None)
    if session is None:
        return None
    ticker = signal["ticker"]
    bar = market.at(ticker, session)
    if bar is None or not _traded(bar):
        return None
    scale = market.factor(ticker, session)
    target, stop = signal["target"] * scale, signal["stop"] * scale
    price = bar["open"]
    if price >= target * (1 - 1e-9) or price * (1 - 1e-9) <= stop or price == _upper(bar, market):
        return None
    if _sellable(bar, market):
        if min(bar["low"], bar["open"], bar["close"]) * (1 - 1e-9) <= stop:
            sale = stop
        elif max(bar["high"], bar["open"], bar["close"]) >= target * (1 - 1e-9):
            sale = target
        else:
            sale = bar["close"]
        return session, price, session, math.floor(sale + 1e-6), float(sale), float(price)
    leaves = market.leaves(ticker, session, plan.trades.gone_after)
    for later in _after(session, market):
        if later == leaves:
            return _gone(ticker, later, float(price), session, market)
        one = market.at(ticker, later)
        if one is not None and _sellable(one, market):
            scale *= market.factor(ticker, later)
            return _late(session, price, later, one, signal, scale)
        scale *= market.factor(ticker, later)
    return session, price, None, None, None, float(price)


def _late(
    session: date, price: int, later: date, bar: Bar, signal: dict[str, Any], scale: float
) -> Any:
    target, stop = signal["target"] * scale, signal["stop"] * scale
    if bar["open"] * (1 - 1e-9) <= stop or bar["open"] >= target * (1 - 1e-9):
        sale = float(bar["open"])
    elif min(bar["low"], bar["close"]) * (1 - 1e-9) <= stop:
        sale = stop
    elif max(bar["high"], bar["close"]) >= target * (1 - 1e-9):
        sale = target
    else:
        sale = float(bar["close"])
    return session, price, later, math.floor(sale + 1e-6), sale, float(price)


def _buy_stop(signal: dict[str, Any], market: Market, plan: Plan) -> Any:
    rule, ticker = plan.trades.vcp, signal["ticker"]
    scale = 1.0
    leaves = market.leaves(ticker, signal["session"], plan.trades.gone_after)
    for number, session in enumerate(_after(signal["session"], market), 1):
        if number > rule.wait or session == leaves:
            return None
        scale *= market.factor(ticker, session)
        bar = market.at(ticker, session)
        if bar is None or not _traded(bar):
            continue
        entry = signal["entry"] * scale
        high = max(bar["high"], bar["open"], bar["close"])
        if high < entry * (1 - 1e-9):
            continue
        chased = bar["open"] * (1 - 1e-9) > rule.chase * signal["pivot"] * scale
        beyond = chased or bar["open"] >= signal["target"] * scale * (1 - 1e-9)
        if bar["open"] >= entry * (1 - 1e-9) and beyond:
            return None
        price = max(float(bar["open"]), entry)
        if price == _upper(bar, market):
            continue
        return _hold(signal, session, price, scale, market, plan)
    return None


def _hold(
    signal: dict[str, Any], bought: date, price: float, scale: float, market: Market, plan: Plan
) -> Any:
    ticker, whole = signal["ticker"], math.ceil(price - 1e-6)
    leaves = market.leaves(ticker, bought, plan.trades.gone_after)
    for number, session in enumerate([bought, *_after(bought, market)]):
        if session == leaves:
            return _gone(ticker, session, price, bought, market)
        if session != bought:
            scale *= market.factor(ticker, session)
        bar = market.at(ticker, session)
        if bar is None or not _sellable(bar, market):
            continue
        target, stop = signal["target"] * scale, signal["stop"] * scale
        low, high = (
            min(bar["low"], bar["open"], bar["close"]),
            max(bar["high"], bar["open"], bar["close"]),
        )
        sale = None
        if session != bought and (
            bar["open"] * (1 - 1e-9) <= stop or bar["open"] >= target * (1 - 1e-9)
        ):
            sale = float(bar["open"])
        elif low * (1 - 1e-9) <= stop:
            sale = stop
        elif high >= target * (1 - 1e-9):
            sale = target
        elif number >= plan.trades.vcp.hold:
            sale = float(bar["close"])
        if sale is not None:
            return bought, whole, session, math.floor(sale + 1e-6), sale, price
    return bought, whole, None, None, None, price


def _after(session: date, market: Market) -> Iterator[date]:
    return islice(market.sessions, market.place[session] + 1, None)


def _traded(bar: Bar) -> bool:
    return bool(bar["volume"] > 0 and bar["open"] > 0)


def _sellable(bar: Bar, market: Market) -> bool:
    """Traded, and not only at its lower limit."""
    if not _traded(bar):
        return False
    if bar["adjusted"] or not bar["base"]:
        return True
    floor = bar["base"] - market.width(bar)
    small = market.tick(bar["ticker"], bar["session"], floor)
    lowest = math.ceil(floor / small * (1 - 1e-9)) * small
    return bool(max(bar["high"], bar["open"], bar["close"]) != lowest)


def _upper(bar: Bar, market: Market) -> int | None:
    if bar["adjusted"] or not bar["base"]:
        return None
    top = bar["base"] + market.width(bar)
    large = market.tick(bar["ticker"], bar["session"], top)
    return math.floor(top / large * (1 + 1e-9)) * large
