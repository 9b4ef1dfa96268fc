"""Backtests over what is stored or collected: read, run, recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dataframely as dy

from backtest.plan import Plan
from backtest.run import Result, as_json, backtest
from db import Database
from db.repositories.backtests import NewBacktest
from errors import BadMarketData
from market.asof import Slot
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import Schedule
from scanners import LOOKBACK
from sources.sample import SampleSource
from tasks.markets import SAMPLE
from tasks.news import NEWS_DAYS, news_known
from tasks.windows import window_start

Say = Callable[[str], None]


@dataclass(frozen=True)
class Panel:
    """The market over a plan's range and what its scanners reach back to."""

    data: MarketData
    schedule: dy.DataFrame[Schedule]
    plan: Plan
    notes: list[str]


@dataclass(frozen=True)
class Recorded:
    """A backtest, the id it was recorded under, and how many were tried so far."""

    id: int
    result: Result
    seconds: float


def read_panel(db: Database, source: str, calendar: TradingCalendar, plan: Plan) -> Panel:
    """Everything the plan reads; its range is cut to the sessions that have bars.

    The sample market is made; of the real one only what is stored is tried, from any source.

    Raises:
        BadMarketData: there are none.
    """
    sessions = calendar.sessions(plan.first, plan.last)
    if not sessions:
        raise BadMarketData(f"there is no session from {plan.first} to {plan.last}")
    start = window_start(calendar, sessions[0])
    reads_news = plan.scanner == "closing_bet"
    stored = SampleSource(calendar) if source == SAMPLE else _Stored(db, sessions[0], reads_news)
    data = stored.history(start, sessions[-1])
    begin, end = data.bars["session"].min(), data.bars["session"].max()
    if not isinstance(begin, date) or not isinstance(end, date) or end < sessions[0]:
        raise BadMarketData(
            f"nothing is stored from {plan.first} to {plan.last}",
            remedy="import it, or choose another range (closebell doctor says what is stored)",
        )
    cut = plan.between(max(sessions[0], begin), min(sessions[-1], end))
    notes = []
    if (cut.first, cut.last) != (sessions[0], sessions[-1]):
        notes.append(
            f"asked for were {plan.first} to {plan.last}; bars are stored from {begin} to {end}"
        )
    before = len(calendar.sessions(begin, cut.first)) - 1
    if before < LOOKBACK:
        notes.append(
            f"{before} sessions of history lie before the range; until {LOOKBACK} do, the parts "
            "that need a year are missing and fewer stocks are graded"
        )
    schedule = calendar.schedule(min(begin, cut.first), cut.last, Slot.CLOSE)
    return Panel(data, schedule, cut, notes)


@dataclass(frozen=True)
class _Stored:
    """What is in the database, as a source.

    News only for a scanner that reads them, and if they are known since before `scored`.
    """

    db: Database
    scored: date
    reads_news: bool
    name: str = "stored"

    def history(self, first: date, last: date) -> MarketData:
        with self.db.reader() as tx:
            stored = tx.bars.sessions(self.scored, last)
            news = (
                self.reads_news
                and bool(stored)
                and news_known(tx, stored[0] - NEWS_DAYS, stored[-1], working=False)
            )
        return self.db.read_market_data(first, last, news=news)


def run_backtest(
    db: Database,
    source: str,
    calendar: TradingCalendar,
    plan: Plan,
    say: Say = lambda _: None,
) -> Recorded:
    """Try the plan and record what came of it.

    Raises:
        BadMarketData: nothing is stored in the range.
    """
    started = time.perf_counter()
    say(f"reading the market from {plan.first} to {plan.last}")
    panel = read_panel(db, source, calendar, plan)
    say(f"scanning and trading {panel.plan.first} to {panel.plan.last}")
    result = backtest(panel.data, panel.schedule, panel.plan)
    key = panel.plan.key(source)
    with db.reader() as tx:
        tried = tx.backtests.tried(plan.scanner, key)
    facts = result.facts | {"trials": tried, "notes": [*panel.notes, *result.facts["notes"]]}
    result = replace(result, facts=facts)
    seconds = time.perf_counter() - started
    with db.transaction() as tx:
        number = tx.backtests.add(
            new_backtest(result, key, source, seconds), result.equity, result.trades
        )
    return Recorded(number, result, seconds)


def new_backtest(result: Result, key: str, source: str, seconds: float) -> NewBacktest:
    """The run as it is recorded."""
    plan = result.plan
    spec: dict[str, Any] = plan.spec | {"rules": plan.rules.model_dump(mode="json")}
    return NewBacktest(
        key=key,
        scanner=plan.scanner,
        first=plan.first,
        last=plan.last,
        source=source,
        capital=plan.capital,
        rules_hash=plan.rules.hash,
        rules_version=plan.rules.version,
        spec=spec,
        facts=result.facts,
        figures=as_json(result.figures),
        seconds=seconds,
    )
