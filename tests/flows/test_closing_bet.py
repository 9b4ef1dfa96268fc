"""Buying at the close: on a real session played again, and from the fake Kiwoom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from closing_bets import bets, decide, run
from databases import emptied
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from fake_open_apis import KEY, KEY_ID, FakeDart, FakeNaver
from kiwoom_rooms import LAST, RATE, kiwoom_room, sample_market, store_before
from replayed import (
    CALENDAR,
    RULES,
    SESSION,
    at,
    clock_at,
    history,
    largest,
    recorded,
    room_at,
    store,
)

import settings
from db.database import Database
from flows.closing_bet import run_check, run_scan
from flows.exits import run_exits
from flows.room import Room
from market.clock import FixedClock
from market.data import MarketData
from market.schemas import Quotes
from scanners.rules import Rules
from sources.replay import RecordedMarket, ReplaySource

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]

NEXT = date(2026, 3, 19)
# Neither news nor net buying of those days was kept, and there is less than a year of bars.
FEW_KNOWN = {**RULES, "closing_bet": {"min_out_of": 6}}


def events(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return [e for e in tx.events.after(0) if e["topic"] == "signal:closing_bet"]


@pytest.fixture
def played(
    postgres_url: str, real_data: Path
) -> Iterator[tuple[Database, RecordedMarket, Callable[[str, date], Room]]]:
    with emptied(postgres_url) as database:
        store(database, history(real_data, largest(real_data, 150)))
        market = recorded(real_data, database)

        def room(clock: str, session: date = SESSION) -> Room:
            made = room_at(market, database, clock_at(clock, session))
            return replace(made, rules=Rules.from_mapping(FEW_KNOWN))

        yield database, market, room


def test_a_real_session_is_decided_on_its_live_prices(played: Any) -> None:
    db, _market, room = played
    preview = run(lambda: run_scan(room("15:05"), SESSION, at("15:05"), decide=False)).result()
    assert preview.notes == ["prices of 15:02:45, 2 min old"]
    decided = run(lambda: run_scan(room("15:12"), SESSION, at("15:12"), decide=True)).result()
    assert decided.notes[0] == "prices of 15:02:45, 9 min old"
    found = bets(db, SESSION, "15:12")
    assert found.height == decided.scanners["closing_bet"].signals > 20
    assert found["preliminary"].all()
    assert set(found["status"]) == {"open"}
    assert set(found["change"]) == {"carried"}
    samsung = found.row(by_predicate=pl.col("ticker") == "005930", named=True)
    assert (samsung["entry"], samsung["target"], samsung["stop"]) == (207_500, 238_500, 197_200)
    sized = found.filter(pl.col("position_size") > 0)
    assert sized.height == 5
    assert sized["position_size"].sum() == pytest.approx(0.5)
    with db.reader() as tx:
        assert tx.gates.get(SESSION, "15:12") is None
    assert [e["payload"]["as_of"] for e in events(db)] == ["15:05", "15:12"]


def test_deciding_again_on_the_same_prices_changes_nothing(played: Any) -> None:
    db, _market, room = played
    for _ in range(2):
        run(lambda: run_scan(room("15:12"), SESSION, at("15:12"), decide=True)).result()
    assert len(events(db)) == 1
    with db.reader() as tx:
        assert len(tx.runs.recent(10, scanner="closing_bet")) == 2


def test_the_morning_after_tells_what_the_positions_opened_at(played: Any) -> None:
    db, _market, room = played
    run(lambda: run_scan(room("15:12"), SESSION, at("15:12"), decide=True)).result()
    morning = room("10:00", NEXT)
    told = len(events(db))
    for reminder in (False, True, True):
        summary = run(lambda late=reminder: run_exits(morning, NEXT, reminder=late)).result()
    assert summary.notes == ["5 positions of 2026-03-18, 5 have opened"]
    # 207,500 was paid, or would have been; the 19th opened at 199,900 and stood at 202,000 at ten.
    samsung = bets(db, SESSION, "15:12").row(by_predicate=pl.col("ticker") == "005930", named=True)
    assert samsung["reasons"].count("exit: ") == 1
    assert (
        "exit: opened at 199,900 won, -3.7 % on the entry; 202,000 won at 10:00, -2.7 %"
        in (samsung["reasons"])
    )
    assert samsung["status"] == "open"
    reminders = [e["payload"] for e in events(db)[told:]]
    assert [(p["session"], p["as_of"], p["changed"]) for p in reminders] == [
        ("2026-03-18", "15:12", 5),
        ("2026-03-18", "15:12", 5),
    ]


class TwoSilent(ReplaySource):
    """Of the first stock asked for nothing can be read, the second shows the session before."""

    def quotes(self, tickers: Iterable[str]) -> dy.DataFrame[Quotes]:
        found = super().quotes(tickers).slice(1)
        first = pl.col("ticker") == found["ticker"][0]
        day = pl.when(first).then(pl.lit(SESSION)).otherwise("session")
        return Quotes.cast(found.with_columns(session=day))


def test_a_position_without_a_quote_is_named_and_the_others_are_told(played: Any) -> None:
    _db, market, room = played
    run(lambda: run_scan(room("15:12"), SESSION, at("15:12"), decide=True)).result()
    source = TwoSilent(market, CALENDAR, clock_at("10:00", NEXT))
    morning = replace(room("10:00", NEXT), source=source)
    summary = run(lambda: run_exits(morning, NEXT, reminder=True)).result()
    assert summary.notes[0] == "4 positions of 2026-03-18, 3 have opened"
    assert summary.notes[1].startswith("no quote of ")


def test_a_morning_without_positions_is_skipped(played: Any) -> None:
    _db, _market, room = played
    state = run(lambda: run_exits(room("10:00"), SESSION, reminder=False))
    assert (state.name, state.message) == (
        "Skipped",
        "nothing was bought at the close of 2026-03-17",
    )


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return sample_market()


@pytest.fixture
def kiwoom(sample: MarketData) -> Iterator[FakeKiwoom]:
    market = replace(kiwoom_of(sample, LAST), net_buying_session=CALENDAR.previous(LAST))
    with FakeKiwoom(market, speed=RATE) as running:
        yield running


def test_the_decision_asks_who_bought_the_shortlist_and_marks_it_provisional(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    kiwoom.market.net_buying_session = LAST
    with kiwoom_room(database, kiwoom.url, "15:12") as room:
        summary = decide(room)
    asked = {call.body["stk_cd"] for call in kiwoom.of("ka10059")}
    assert 0 < len(asked) <= 60
    assert summary.notes[1] == f"provisional net buying of {len(asked)} of the best {len(asked)}"
    found = bets(database, LAST, "15:12").filter(pl.col("net_buying_session") == LAST)
    assert set(found["ticker"]) <= asked
    assert found.height > 0
    assert found["parts"].str.contains('"provisional": true').all()
    stored = database.read_market_data(LAST, LAST).net_buying
    assert stored["provisional"].all()
    assert set(stored["ticker"]) == asked
    assert kiwoom.refused() == 0


def test_a_decision_without_net_buying_says_so_and_uses_the_day_before(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    with kiwoom_room(database, kiwoom.url, "15:12") as room:
        late = replace(room, clock=FixedClock(room.clock.now() + timedelta(seconds=140)))
        summary = decide(late)
    assert kiwoom.of("ka10059") == []
    assert summary.notes[2].startswith("no time for the net buying of")
    found = bets(database, LAST, "15:12")
    assert set(found["net_buying_session"].drop_nulls()) == {CALENDAR.previous(LAST)}


def test_the_check_withdraws_what_the_auction_makes_pointless(
    database: Database, kiwoom: FakeKiwoom, sample: MarketData
) -> None:
    store_before(database, sample)
    with kiwoom_room(database, kiwoom.url, "15:12") as room:
        decide(room)
    decided = bets(database, LAST, "15:12").filter(pl.col("status") == "open")
    limit, fallen, *kept = decided["ticker"].to_list()
    assert kept
    for stock in kiwoom.market.stocks:
        if stock.code == limit:
            stock.close = stock.base * 13 // 10
        elif stock.code == fallen:
            stock.close = stock.base
        elif stock.code in kept:
            stock.close = max(stock.close, stock.base + 1)
        prices = [stock.close, *stock.range]
        stock.bar = {**stock.bar, "high": max(prices), "low": min(prices)}
    told = len(events(database))

    def blank(body: dict[str, Any]) -> None:
        for row in body["atn_stk_infr"]:
            if row["stk_cd"] == kept[-1]:
                row.update(dict.fromkeys(row, ""))

    kiwoom.break_("ka10095", "change", change=blank, times=99)
    for _ in range(2):
        with kiwoom_room(database, kiwoom.url, "15:26") as room:
            summary = run(lambda: run_check(room, LAST)).result()
    after = bets(database, LAST, "15:12")
    gone = after.filter(pl.col("status") == "withdrawn")
    assert {limit, fallen} <= set(gone["ticker"])
    by_ticker = dict(gone.select("ticker", "reasons").iter_rows())
    assert "is at its upper limit, can't be bought" in by_ticker[limit]
    assert "isn't above the base price any more" in by_ticker[fallen]
    assert summary.notes[0].startswith("0 of ")
    assert summary.notes[1] == f"no quote of {kept[-1]}"
    assert kept[-1] not in by_ticker
    [event] = events(database)[told:]
    assert event["payload"]["withdrawn"] == gone.height


def test_a_check_without_a_decision_is_skipped(database: Database, kiwoom: FakeKiwoom) -> None:
    with kiwoom_room(database, kiwoom.url, "15:26") as room:
        state = run(lambda: run_check(room, LAST))
    assert (state.name, state.message) == ("Skipped", "nothing stands of the decision of 15:12")
    with kiwoom_room(database, kiwoom.url, "15:31") as room:
        state = run(lambda: run_check(room, LAST))
    assert (state.name, state.message) == ("Skipped", "the auction of 15:30 is over")


def test_a_session_played_again_asks_nobody_for_the_news_of_today(played: Any) -> None:
    db, _market, room = played
    with FakeDart() as dart, FakeNaver() as naver:
        config = settings.Settings(
            source="replay",
            dart_key=KEY,
            dart_base_url=dart.url,
            naver_key_id=KEY_ID,
            naver_key=KEY,
            naver_base_url=naver.url,
        )
        again = replace(room("15:12"), settings=config)
        run(lambda: run_scan(again, SESSION, at("15:12"), decide=True)).result()
        assert (dart.asked, naver.asked) == ([], [])
    assert bets(db, SESSION, "15:12").height > 20
