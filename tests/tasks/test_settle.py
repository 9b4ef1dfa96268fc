"""Settling: steps appended once, status and figures kept, withdrawn signals followed, one pass."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest
from api_market import new_run, signal
from trade_stories import OTHER, TOLD, bars_of, sessions_of

import tasks.settle
from db import Database
from db.repositories.outcomes import TRADE
from db.repositories.snapshots import KeptSnapshot
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.schemas import DailyBars, IndexBars
from outcomes.rules import TradeRules
from tasks.performance import performance_report
from tasks.settle import settle_signals

CALENDAR, RULES = TradingCalendar(), TradeRules()
BARS = [
    "10000 10050 9900 10000",
    "10050 10150 10000 10100",
    "10100 10300 10050 10250",
    "10500 11200 10400 11000",
    "11000 11100 10800 10900",
    "10900 11000 10800 10950",
    "10950 11000 10900 10980",
]
DAYS = sessions_of(len(BARS))


@pytest.fixture
def market(database: Database) -> Database:
    """One stock's week, and an index that gains one percent a session."""
    with database.transaction() as tx:
        tx.instruments.observe(_instruments())
        tx.bars.store(DailyBars.cast(bars_of(BARS)))
        tx.index_bars.store(IndexBars.cast(_index()))
    return database


def publish(db: Database, rows: list[dict[str, Any]], *, scanner: str = "vcp", slot: str = "close",
            session: date = DAYS[0]) -> None:  # fmt: skip
    frame = pl.DataFrame(rows) if rows else pl.DataFrame([told()]).clear()
    with db.transaction() as tx:
        run = tx.runs.add([new_run(scanner, session, slot)])[0]
        tx.signals.replace(scanner, slot, {session: run}, frame, rules_hash="abc",
                           status="watch" if scanner == "daytrading" else "open")  # fmt: skip


def told(session: date = DAYS[0], **changes: Any) -> dict[str, Any]:
    """A vcp signal that is bought on the second day and reaches its target on the fourth."""
    levels = {"entry": 10100, "target": 11100, "stop": 9600, "close": 10000, "grade": "A"}
    parts = json.dumps({"pivot": {"points": 5.0, "out_of": 5.0, "price": 10050.0}})
    row = signal("vcp", session, 0)
    return row | {"ticker": TOLD, "parts": parts} | levels | changes


def settle(db: Database, day: int) -> tuple[int, int, int]:
    done = settle_signals(db, CALENDAR, RULES, DAYS[day])
    return done.followed, done.transitions, done.changed


def state(db: Database) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """The first signal's status, its outcome, its steps."""
    with db.reader() as tx:
        found = tx.signals.find(ticker=TOLD, withdrawn=True)
        number = found["id"][0]
        return (
            found["status"][0],
            tx.outcomes.of_signals([number])[number],
            tx.outcomes.transitions([number]),
        )


def test_each_evening_appends_what_happened_in_it(market: Database) -> None:
    publish(market, [told()])
    assert settle(market, 0) == (1, 0, 1)
    assert state(market)[0] == "open"
    assert settle(market, 1) == (1, 1, 1)
    status, outcome, steps = state(market)
    assert (status, outcome["filled_session"], outcome["filled_price"]) == (
        "filled",
        DAYS[1],
        10100,
    )
    assert outcome["open_return"] == pytest.approx(0.0)
    assert [(s["from_status"], s["status"], s["session"], s["price"]) for s in steps] == [
        ("open", "filled", DAYS[1], 10100)
    ]
    settle(market, 2)
    assert settle(market, 3) == (1, 1, 1)
    status, outcome, steps = state(market)
    assert (status, outcome["closed_session"], outcome["closed_price"]) == (
        "target",
        DAYS[3],
        11100,
    )
    assert [s["status"] for s in steps] == ["filled", "target"]
    assert outcome["gross_return"] == pytest.approx(1000 / 10100)
    # 2024: 0.18 % tax, 0.015 % commission, 0.0036396 % fees, a tick of 10 won a side.
    sold = 0.00015 + 0.000036396 + 10 / 11100 + 0.0018
    bought = 0.00015 + 0.000036396 + 10 / 10100
    assert outcome["net_return"] == pytest.approx(11100 / 10100 * (1 - sold) / (1 + bought) - 1)


def test_a_back_filled_history_is_one_pass_with_the_same_result(market: Database) -> None:
    publish(market, [told()])
    assert settle(market, 6) == (1, 2, 1)
    status, outcome, steps = state(market)
    assert status == "target"
    assert [(s["status"], s["session"]) for s in steps] == [
        ("filled", DAYS[1]),
        ("target", DAYS[3]),
    ]
    assert outcome["return_1"] == pytest.approx(0.01)
    assert outcome["return_5"] == pytest.approx(0.095)
    assert outcome["return_20"] is None
    assert outcome["market_1"] == pytest.approx(0.01)
    assert outcome["market_5"] == pytest.approx(1.01**5 - 1)


def test_settling_again_changes_nothing_and_announces_nothing(market: Database) -> None:
    publish(market, [told()])
    settle(market, 4)
    before = state(market)
    with market.reader() as tx:
        event, report = tx.events.last_id(), tx.outcomes.performance("all")
    assert settle(market, 4) == (1, 0, 0)
    assert state(market) == before
    with market.reader() as tx:
        assert tx.events.last_id() == event
        assert tx.outcomes.performance("all") == report


def test_what_the_api_shows_is_announced(market: Database) -> None:
    publish(market, [told()])
    with market.reader() as tx:
        event = tx.events.last_id()
    settle(market, 1)
    with market.reader() as tx:
        found = tx.events.after(event)
    assert [(e["topic"], e["payload"]["changed"]) for e in found] == [
        ("data", ["outcomes", "performance"])
    ]


def test_a_withdrawn_signal_is_followed_and_stays_withdrawn(market: Database) -> None:
    publish(market, [told()])
    publish(market, [])
    assert settle(market, 4) == (1, 2, 1)
    status, outcome, steps = state(market)
    assert (status, outcome["status"], len(steps)) == ("withdrawn", "target", 2)


@pytest.mark.slow
def test_a_withdrawn_signal_found_again_is_what_became_of_it(market: Database) -> None:
    publish(market, [told()])
    publish(market, [])
    settle(market, 4)
    publish(market, [told()])
    assert state(market)[0] == "target"


@pytest.mark.slow
def test_publishing_again_keeps_what_was_settled(market: Database) -> None:
    publish(market, [told()])
    settle(market, 1)
    publish(market, [told(score=60.0)])
    assert state(market)[0] == "filled"
    publish(market, [])
    assert state(market)[0] == "filled"


def test_the_watch_list_ends_with_the_next_session(market: Database) -> None:
    publish(market, [told()], scanner="daytrading")
    settle(market, 0)
    assert state(market)[0] == "watch"
    settle(market, 1)
    status, outcome, steps = state(market)
    assert (status, outcome["reason"]) == ("expired", "watch_over")
    assert [(s["from_status"], s["status"], s["price"]) for s in steps] == [
        ("watch", "expired", None)
    ]


def test_of_several_slots_the_first_counts_in_the_figures(market: Database) -> None:
    for slot in ("15:12", "close"):
        publish(
            market, [told(entry=10000, target=11500, stop=9500)], scanner="closing_bet", slot=slot
        )
    settle(market, 6)
    report = performance_report(market, RULES)
    assert report is not None
    whole = next(g for g in report["groups"] if g["grade"] == "all" and g["gate"] == "all")
    assert (whole["scanner"], whole["signals"], whole["trades"]) == ("closing_bet", 1, 1)
    assert whole["expectancy"] < 0.005  # bought at 10,000, sold at 10,050 less costs
    assert report["delisted_held"] is None


@pytest.mark.slow
def test_a_trade_that_ended_stays_as_it_was_recorded(market: Database) -> None:
    publish(market, [told()])
    settle(market, 4)
    before = state(market)
    corrected = [*BARS[:3], "10500 10600 10400 10500", *BARS[4:]]  # the target isn't reached
    with market.transaction() as tx:
        tx.bars.store(DailyBars.cast(bars_of(corrected)))
    settle(market, 6)
    status, outcome, steps = state(market)
    assert (status, steps) == (before[0], before[2])
    assert {name: outcome[name] for name in TRADE} == {name: before[1][name] for name in TRADE}


def snapshot(clock: time, bar: str, day: int = 0) -> KeptSnapshot:
    at = datetime.combine(DAYS[day], clock, SEOUL)
    bars = bars_of([bar]).with_columns(session=pl.lit(DAYS[day]))
    return KeptSnapshot(DAYS[day], at, "told", DailyBars.cast(bars), IndexBars.create_empty())


def test_a_day_trade_is_told_by_the_snapshot_kept_of_its_slot(market: Database) -> None:
    low = told(entry=9950, target=10450, stop=9910)  # the session's low is 9,900, at its close
    publish(market, [low], scanner="daytrading", slot="10:30")
    with market.transaction() as tx:
        tx.snapshots.add(snapshot(time(10, 29), "10000 10050 9940 9950"))
    settle(market, 0)
    status, outcome, _ = state(market)
    assert (status, outcome["closed_price"]) == ("stopped", 9910)


@pytest.mark.slow
def test_without_a_snapshot_a_day_trade_is_told_by_its_close(market: Database) -> None:
    low = told(entry=9950, target=10450, stop=9910)
    publish(market, [low], scanner="daytrading", slot="10:30")
    settle(market, 0)
    status, outcome, _ = state(market)
    assert (status, outcome["reason"]) == ("expired", "session_close")
    assert outcome["closed_price"] == 10000


@pytest.mark.slow
def test_a_closing_bet_leaves_at_half_past_nine_where_the_price_was_kept(market: Database) -> None:
    bet = told(entry=10000, target=11500, stop=9500)
    publish(market, [bet], scanner="closing_bet")
    with market.transaction() as tx:
        tx.snapshots.add(snapshot(time(9, 31), "10050 10080 10040 10070", day=1))
    rules = TradeRules.from_mapping({"outcomes": {"closing_bet": {"exit": "next_0930"}}})
    settle_signals(market, CALENDAR, rules, DAYS[1])
    _, outcome, _ = state(market)
    assert (outcome["reason"], outcome["closed_price"]) == ("next_0930", 10070)


def test_without_signals_there_is_nothing_to_settle_and_no_report(market: Database) -> None:
    assert settle(market, 3) == (0, 0, 0)
    assert performance_report(market, RULES) is None


@pytest.mark.slow
def test_years_have_figures_of_their_own(market: Database) -> None:
    publish(market, [told()])
    settle(market, 6)
    with market.reader() as tx:
        year = tx.outcomes.performance(str(DAYS[0].year))
        assert year is not None
        assert tx.outcomes.performance("1999") is None
    assert year["groups"][0]["signals"] == 1
    assert year["settled_to"] == DAYS[6]


def _instruments() -> pl.DataFrame:
    rows = [
        {"ticker": ticker, "session": DAYS[0], "name": ticker, "market": "KOSPI", "kind": "common",
         "sector": None, "flags": [], "listed": None, "delisted": None}
        for ticker in (TOLD, OTHER)
    ]  # fmt: skip
    kinds = {
        "flags": pl.List(pl.String),
        "sector": pl.String,
        "listed": pl.Date,
        "delisted": pl.Date,
    }
    return pl.DataFrame(rows, schema_overrides=kinds)


def _index() -> pl.DataFrame:
    closes = [2000.0 * 1.01**n for n in range(len(DAYS))]
    return pl.DataFrame({"session": DAYS, "index": "KOSPI", "close": closes}).with_columns(
        *[pl.lit(None, pl.Float64).alias(n) for n in ("open", "high", "low")],
        *[pl.lit(None, pl.Int64).alias(n) for n in ("volume", "value")],
    )


def test_two_settlings_at_once_append_every_step_once(
    market: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(market, [told()])
    follow = tasks.settle.settled

    def overtaken(*given: Any) -> pl.DataFrame:
        monkeypatch.setattr(tasks.settle, "settled", follow)
        assert settle(market, 3) == (1, 2, 1)
        return follow(*given)

    monkeypatch.setattr(tasks.settle, "settled", overtaken)
    assert settle(market, 3) == (1, 0, 0)
    status, _, steps = state(market)
    assert status == "target"
    assert [step["status"] for step in steps] == ["filled", "target"]
