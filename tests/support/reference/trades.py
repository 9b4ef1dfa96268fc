"""One signal at a time, one session at a time: what becomes of it, as plainly as can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from market.prices import lower_limit, upper_limit
from outcomes.rules import TradeRules

Bar = Mapping[str, Any]
SAME = 1e-9


@dataclass
class Trade:
    """A signal on its way; levels are on the scale of the session last looked at."""

    signal: Mapping[str, Any]
    levels: dict[str, float]
    status: str = "open"
    reason: str | None = None
    filled: date | None = None
    price: float | None = None
    cost: float | None = None
    closed: date | None = None
    closed_price: float | None = None
    factor: float = 1.0
    held: int | None = None
    looked: list[date] = field(default_factory=list)

    def end(self, status: str, reason: str, session: date, price: float | None = None) -> None:
        self.status, self.reason = status, reason
        self.closed, self.closed_price = session, price

    def scale(self, by: float) -> None:
        self.levels = {name: level * by for name, level in self.levels.items()}
        if self.filled:
            self.factor *= by


def follow(
    signal: Mapping[str, Any],
    stock: Mapping[date, Bar],
    sessions: Sequence[date],
    stored: Sequence[date],
    rules: TradeRules,
) -> dict[str, Any]:
    """What outcomes.follow says of this signal, given its stock's bars by session.

    `stored`: the sessions any stock has a bar of.
    """
    trade = Trade(
        signal,
        {n: float(signal[n]) for n in ("entry", "target", "stop", "pivot") if signal[n]},
    )
    _walk(trade, stock, sessions, stored, rules)
    if trade.filled is not None and trade.held is None:
        until = trade.closed or (trade.looked[-1] if trade.looked else trade.filled)
        trade.held = sessions.index(until) - sessions.index(trade.filled)
    gain = None
    if trade.price is not None:
        last = trade.closed_price
        if last is None:
            last = stock[trade.looked[-1]]["close"]
        gain = last / (trade.price * trade.factor) - 1
    over = trade.status in ("target", "stopped", "expired")
    return {
        "status": trade.status,
        "reason": trade.reason,
        "filled_session": trade.filled,
        "filled_price": trade.price,
        "closed_session": trade.closed,
        "closed_price": trade.closed_price,
        "factor": trade.factor if trade.filled else None,
        "gross_return": gain if over else None,
        "sessions_held": trade.held if trade.filled else None,
        "open_return": gain if trade.status == "filled" else None,
    }


def _walk(trade, stock, sessions, stored, rules) -> None:  # type: ignore[no-untyped-def]
    signal = trade.signal
    scanner, told = signal["scanner"], sessions.index(signal["session"])
    watched = scanner == "daytrading" and signal["as_of"] in ("close", "final")
    if signal["entry"] is None:
        trade.end("expired", "no_levels", signal["session"])
        return
    bar = stock.get(signal["session"])
    newest = sessions.index(stored[-1])
    if bar is None:
        trade.reason = "no_bar"
        if newest - told > rules.gone_after:
            trade.end("expired", "no_bar", signal["session"])
        return
    if watched:
        trade.status = "watch"
    trade.looked.append(signal["session"])
    if scanner == "closing_bet":
        if not _traded(bar):
            trade.end("expired", "halted", signal["session"])
            return
        if bar["close"] == _upper(bar):
            trade.end("expired", "upper_limit", signal["session"])
            return
        _buy(trade, signal["session"], bar["close"])
    elif scanner == "daytrading" and not watched:
        if not _traded(bar):
            trade.end("expired", "halted", signal["session"])
            return
        _buy(trade, signal["session"], trade.levels["entry"])
        if _sellable(bar):
            _sell_in_session(trade, signal["session"], bar)
    _each_session(trade, stock, sessions, set(stored), told, newest, watched, rules)


def _each_session(trade, stock, sessions, stored, told, newest, watched, rules) -> None:  # type: ignore[no-untyped-def]
    scanner, missing, gone = trade.signal["scanner"], 0, False
    last, any_traded = sessions[told], False
    for number in range(told + 1, newest + 1):
        session = sessions[number]
        bar = stock.get(session)
        if trade.status in ("target", "stopped", "expired"):
            return
        if bar is None:
            missing += session in stored
            gone = gone or missing > rules.gone_after
        elif not gone:
            missing = 0
            before = stock[last]
            if (
                sessions.index(last) == number - 1
                and bar["base"]
                and not bar["adjusted"]
                and not before["adjusted"]
            ):
                trade.scale(bar["base"] / before["close"])
            last = session
            trade.looked.append(session)
        if gone and trade.filled:
            traded = [s for s in trade.looked if _traded(stock[s])]
            halted = _factor(stock, sessions, traded[-1], trade.looked[-1])
            trade.factor = _factor(stock, sessions, trade.filled, trade.looked[-1])
            trade.end("expired", "delisted", session, stock[traded[-1]]["close"] * halted)
            return
        here = bar is not None and not gone
        if trade.filled:
            if here and _sellable(bar):
                _sell(trade, sessions, number, bar, rules)
        elif watched:
            if rules.daytrading.watch_entry == "next_open" and here and _traded(bar):
                low, high = trade.levels.get("stop", 0), trade.levels.get("target", 1e18)
                if low < bar["open"] < high and bar["open"] != _upper(bar):
                    _buy(trade, session, bar["open"])
                    if _sellable(bar):
                        _sell(trade, sessions, number, bar, rules)
            if not trade.filled:
                trade.end("expired", "watch_over", session)
        elif scanner == "vcp":
            if here and _traded(bar):
                any_traded = True
                _try_entry(trade, sessions, number, bar, rules)
            if not trade.filled and trade.status == "open" and number == told + rules.vcp.wait:
                trade.end("expired", "not_filled" if any_traded else "halted", session)
    if trade.status == "filled" and not _traded(stock[trade.looked[-1]]):
        trade.reason = "halted"


def _factor(stock, sessions, start, end) -> float:  # type: ignore[no-untyped-def]
    """From the scale of session `start` to that of `end`."""
    factor = 1.0
    for before, now in pairwise(sessions):
        if start < now <= end and before in stock and now in stock:
            one, other = stock[before], stock[now]
            if other["base"] and not one["adjusted"] and not other["adjusted"]:
                factor *= other["base"] / one["close"]
    return factor


def _try_entry(trade, sessions, number, bar, rules) -> None:  # type: ignore[no-untyped-def]
    entry, opened = trade.levels["entry"], bar["open"]
    if not _reaches(max(bar["high"], opened, bar["close"]), entry):
        return
    if _reaches(opened, entry) and (
        opened > rules.vcp.chase * trade.levels["pivot"] * (1 + SAME)
        or ("target" in trade.levels and _reaches(opened, trade.levels["target"]))
    ):
        trade.end("expired", "opened_beyond", sessions[number])
        return
    price = max(float(opened), entry)
    if price == _upper(bar):
        return
    _buy(trade, sessions[number], price)
    if _sellable(bar):
        _sell(trade, sessions, number, bar, rules)


def _buy(trade: Trade, session: date, price: float) -> None:
    trade.status, trade.filled, trade.price = "filled", session, float(price)


def _sell(trade, sessions, number, bar, rules) -> None:  # type: ignore[no-untyped-def]
    session, bought = sessions[number], sessions.index(trade.filled)
    scanner = trade.signal["scanner"]
    stop, target = trade.levels.get("stop", -1.0), trade.levels.get("target", 1e18)
    opened, close = float(bar["open"]), float(bar["close"])
    low, high = min(opened, bar["low"], close), max(opened, bar["high"], close)
    rule = rules.closing_bet.exit
    hold = {
        "vcp": rules.vcp.hold,
        "daytrading": 0,
        "closing_bet": rules.closing_bet.hold if rule == "levels" else 1,
    }[scanner]
    due = number - bought >= hold
    at_open = scanner == "closing_bet" and rule in ("next_open", "next_0930")
    if number > bought:
        if _reaches(stop, opened):
            return trade.end("stopped", "opened_beyond_stop", session, opened)
        if _reaches(opened, target):
            return trade.end("target", "opened_beyond_target", session, opened)
        if due and at_open:
            known = rule == "next_0930" and bar.get("price_0930")
            price = float(bar["price_0930"]) if known else opened
            return trade.end("expired", "next_0930" if known else "next_open", session, price)
    if _reaches(stop, low):
        why = "stop_and_target" if _reaches(high, target) else "stop"
        return trade.end("stopped", why, session, stop)
    if _reaches(high, target):
        return trade.end("target", "target", session, target)
    if due and not at_open:
        names = {"daytrading": "session_close", "vcp": "time_limit"}
        levels = "time_limit" if rule == "levels" else "next_close"
        return trade.end("expired", names.get(scanner, levels), session, close)
    return None


def _sell_in_session(trade: Trade, session: date, bar: Bar) -> None:
    """Only the close is known to come after the purchase, and levels not reached before it."""
    stop, target = trade.levels["stop"], trade.levels["target"]
    high, low = trade.signal.get("high_so_far"), trade.signal.get("low_so_far")
    stopped = bar["close"] <= stop or (low is not None and low > stop and bar["low"] <= stop)
    hit = bar["close"] >= target or (high is not None and high < target and bar["high"] >= target)
    if stopped:
        trade.end("stopped", "stop_and_target" if hit else "stop", session, stop)
    elif hit:
        trade.end("target", "target", session, target)
    else:
        trade.end("expired", "session_close", session, float(bar["close"]))


def _reaches(price: float, level: float) -> bool:
    return price >= level * (1 - SAME)


def _traded(bar: Bar) -> bool:
    return bool(bar["volume"] > 0 and bar["open"] > 0)


def _upper(bar: Bar) -> int | None:
    return None if bar["adjusted"] or not bar["base"] else upper_limit(bar["base"])


def _sellable(bar: Bar) -> bool:
    if bar["adjusted"] or not bar["base"]:
        return _traded(bar)
    top = max(bar["open"], bar["high"], bar["close"])
    return _traded(bar) and top != lower_limit(bar["base"])
