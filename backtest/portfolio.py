"""One account over history: which of the possible trades it takes, and what it is worth.

Session by session: corporate actions change the shares held; then purchases with the cash of
the session's start and sales, or, for purchases in the closing auction, first the sales before it;
at the end the positions are valued at the close. Money is whole won, shares are whole.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import polars as pl

from backtest.limits import Limits
from backtest.prices import Prices
from market.schemas import EquityCurve, TradeList

# The markets and the names of stocks are put beside them later.
EQUITY: Final = {
    k: v for k, v in EquityCurve.create_empty().schema.items() if k not in ("kospi", "universe")
}
TRADES: Final = {k: v for k, v in TradeList.create_empty().schema.items() if k != "name"}
# A share of a share that floating point makes of a whole one.
WHOLE = 1e-6


class Candidate(NamedTuple):
    """A signal that was filled: places of sessions, prices in won as traded.

    `closed` is None while it is open; `fraction` of capital is the most it may take; the rates
    are the costs of buying and of selling, slippage among them, as fractions of the amount; `late`:
    sold in the closing auction itself or after it.
    """

    code: int
    ticker: str
    filled: int
    bought_at: int
    volume: int
    closed: int | None
    sold_at: int | None
    buy_rate: float
    sell_rate: float
    reason: str
    fraction: float
    value20: float | None
    row: dict[str, Any]
    late: bool = False


@dataclass
class Position:
    """Shares of one stock, and what has come and gone for them."""

    candidate: Candidate
    shares: int
    bought_shares: int
    spent: int
    fees: int
    received: int = 0
    sold: int | None = None


@dataclass
class Account:
    """What is left of the capital, and what it holds."""

    cash: int
    positions: dict[int, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """`equity` by session, `trades` by purchase, and how many candidates weren't taken, and why."""

    equity: pl.DataFrame
    trades: pl.DataFrame
    not_bought: dict[str, int]


def simulate(
    candidates: list[Candidate],
    prices: Prices,
    limits: Limits,
    capital: int,
    *,
    sell_first: bool,
) -> Outcome:
    """Trade the candidates, which are sorted by session of purchase and best first.

    Args:
        sell_first: purchases are made in the closing auction, with what sales before it brought.
    """
    run = _Run(prices, limits, capital)
    waiting = iter([*candidates, None])
    upcoming = next(waiting)
    curve = []
    for at, session in enumerate(prices.sessions):
        run.corporate_actions(at)
        chosen = []
        while upcoming is not None and upcoming.filled == at:
            chosen.append(upcoming)
            upcoming = next(waiting)
        if sell_first:
            run.sell(at, late=False)
        run.buy(at, chosen)
        run.sell(at)
        holdings = run.value(at)
        run.equity = run.account.cash + holdings
        held = len(run.account.positions)
        curve.append((session, run.equity, run.account.cash, holdings, held))
    equity = pl.DataFrame(curve, schema=EQUITY, orient="row")
    rows = [run.told(number, one) for number, one in enumerate(run.taken, 1)]
    trades = pl.DataFrame(rows, schema=TRADES, orient="row")
    return Outcome(equity, trades, dict(sorted(run.refused.items())))


def fee_of(won: int, rate: float) -> int:
    """The costs of an amount, rounded up to a whole won."""
    return math.ceil(won * rate - WHOLE)


class _Run:
    def __init__(self, prices: Prices, limits: Limits, capital: int) -> None:
        self.prices, self.limits = prices, limits
        self.account = Account(capital)
        self.equity = capital
        self.taken: list[Position] = []
        self.refused: Counter[str] = Counter()
        self.due: dict[int, list[Position]] = {}

    def corporate_actions(self, at: int) -> None:
        """Shares become shares / factor; whole ones are kept, the rest is paid at the base price.

        The same for splits, consolidations, bonus and rights issues: the factor makes a right
        worth its theoretical value, as if it were sold and put back into the share.
        """
        for code, factor, base in self.prices.factors.get(at, ()):
            if (position := self.account.positions.get(code)) is not None:
                exact = position.shares / factor
                position.shares = math.floor(exact + WHOLE)
                rest = int(max(exact - position.shares, 0.0) * base + WHOLE)
                position.received += rest
                self.account.cash += rest

    def sell(self, at: int, *, late: bool = True) -> None:
        """What is due; `late` ones too, or they wait."""
        due = self.due.pop(at, [])
        if not late:
            self.due[at] = [one for one in due if one.candidate.late]
            due = [one for one in due if not one.candidate.late]
        for position in due:
            candidate = position.candidate
            assert candidate.sold_at is not None
            won = position.shares * candidate.sold_at
            fee = min(fee_of(won, candidate.sell_rate), won)
            position.received += won - fee
            position.fees += fee
            position.sold = position.shares
            self.account.cash += won - fee
            del self.account.positions[candidate.code]

    def buy(self, at: int, chosen: list[Candidate]) -> None:
        if not chosen:
            return
        account, limits = self.account, self.limits
        bought = 0
        used = sum(p.shares * self.last_close(at, p) for p in account.positions.values())
        for one in chosen:
            room = limits.max_exposure * self.equity - used
            if refusal := self.refusal(one, bought, room):
                self.refused[refusal] += 1
                continue
            shares, short_of = self.shares(one, room)
            if shares < 1:
                self.refused[short_of] += 1
                continue
            won = shares * one.bought_at
            fee = fee_of(won, one.buy_rate)
            account.cash -= won + fee
            position = Position(one, shares, shares, won + fee, fee)
            account.positions[one.code] = position
            self.taken.append(position)
            if one.closed is not None:
                self.due.setdefault(one.closed, []).append(position)
            used += won
            bought += 1

    def refusal(self, one: Candidate, bought: int, room: float) -> str | None:
        """Why it isn't bought at all."""
        if one.code in self.account.positions:
            return "held already"
        if one.fraction <= 0:
            return "no capital is meant for it"
        if bought >= self.limits.max_positions:
            return "positions of the session used up"
        if len(self.account.positions) >= self.limits.max_open:
            return "as many positions as may be held"
        least = self.limits.min_part * one.fraction * self.equity
        return "exposure used up" if room <= 0 or room < least else None

    def shares(self, one: Candidate, room: float) -> tuple[int, str]:
        """How many shares every cap allows, and which cap is the narrowest."""
        caps = {
            "a share costs more than a position may": one.fraction * self.equity,
            "exposure used up": room,
            "traded too little": self.limits.max_value20 * (one.value20 or 0.0),
        }
        whole = {name: int(won / one.bought_at + WHOLE) for name, won in caps.items()}
        whole["volume of the session too small"] = int(self.limits.max_volume * one.volume)
        whole["no cash left"] = self.affordable(one)
        narrowest = min(whole, key=lambda name: whole[name])
        return whole[narrowest], narrowest

    def affordable(self, one: Candidate) -> int:
        """The most shares whose price and fee the cash covers."""
        cash, price = self.account.cash, one.bought_at
        shares = int(cash / (price * (1 + one.buy_rate)))
        while shares > 0 and shares * price + fee_of(shares * price, one.buy_rate) > cash:
            shares -= 1
        return max(shares, 0)

    def last_close(self, at: int, position: Position) -> int:
        """What a share was worth at the last close, on today's scale."""
        code = position.candidate.code
        for changed, _, base in self.prices.factors.get(at, ()):
            if changed == code:
                return base
        return int(self.prices.close[at - 1, code])

    def value(self, at: int) -> int:
        """The positions at the close, won."""
        close = self.prices.close[at]
        return sum(p.shares * int(close[code]) for code, p in self.account.positions.items())

    def told(self, number: int, position: Position) -> tuple[Any, ...]:
        """A row of the trade list; an open position at its last close, before costs of selling."""
        one, row, sessions = position.candidate, position.candidate.row, self.prices.sessions
        last = len(sessions) - 1
        worth = position.received
        if position.sold is None:
            worth += position.shares * int(self.prices.close[last, one.code])
        profit = worth - position.spent
        done = position.sold is not None
        return (
            number,
            one.ticker,
            row["session"],
            row["grade"],
            row["score"],
            row["out_of"],
            row["gate"],
            sessions[one.filled],
            one.bought_at,
            position.bought_shares,
            sessions[one.closed] if done and one.closed is not None else None,
            one.sold_at if done else None,
            position.sold,
            one.reason if done else "open",
            position.fees,
            profit,
            profit / position.spent * 100,
            (one.closed if done and one.closed is not None else last) - one.filled,
        )
