"""Pre-open and morning: the listing, today's levels, what was missed, the official bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from flow_rooms import CALENDAR, LiveSample, at, in_flow, live_room, state_of

import flows.morning
from db import Database
from errors import BadMarketData, SourceUnavailable
from flows.end_of_day import run_end_of_day
from flows.evening import rescore
from flows.morning import run_morning
from flows.pre_open import run_pre_open
from flows.room import Room
from flows.summary import RunSummary
from flows.timetable import Due
from market.clock import Clock, FixedClock
from market.data import MarketData
from market.schemas import DailyBars
from sources.krx.source import NotPublished

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]

LAST = date(2026, 3, 13)
TODAY = CALENDAR.next(LAST)
BEFORE = CALENDAR.previous(LAST)


@pytest.fixture
def scanned(database: Database) -> Database:
    """A database whose last session was scanned at its close and in the evening."""

    def day() -> None:
        run_end_of_day(live_room(database, at(LAST, "15:33")), LAST)
        rescore(live_room(database, at(LAST, "20:10")), LAST)

    in_flow(day)
    return database


def runs(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return tx.runs.recent(100)


def signals(db: Database) -> pl.DataFrame:
    with db.reader() as tx:
        return tx.signals.find(session=LAST).sort("scanner", "ticker")


def test_the_listing_is_stored_and_levels_are_told_on_today_s_scale(scanned: Database) -> None:
    before = signals(scanned)
    leveled = before.filter(pl.col("entry").is_not_null()).row(0, named=True)
    room = live_room(scanned, at(TODAY, "07:40"), leveled["ticker"])
    summary = in_flow(lambda: run_pre_open(room, TODAY))
    assert "stocks listed, of them" in summary.notes[0]
    [level] = [note for note in summary.notes if note.startswith(leveled["ticker"])][:1]
    assert f"levels of {LAST} × 0.5" in level
    assert f"entry {leveled['entry']:,} →" in level
    assert signals(scanned).equals(before), "what is stored stays as traded"
    assert len(summary.notes) == 2 or all("levels of" in note for note in summary.notes[1:])


def test_a_broker_without_base_prices_is_degraded_and_the_rest_is_done(
    scanned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwell(*_: object) -> None:
        raise SourceUnavailable("kiwoom ka10095: HTTP 500")

    monkeypatch.setattr(LiveSample, "quotes", unwell)
    monkeypatch.setattr("tasks.quotes.bases_step.retries", 0)
    summary = in_flow(lambda: run_pre_open(live_room(scanned, at(TODAY, "07:40")), TODAY))
    assert summary.notes[1].startswith("kiwoom is degraded, today's scale of levels is missing")


def last_closes(monkeypatch: pytest.MonkeyPatch, db: Database, *changes: pl.Expr) -> list[str]:
    """What pre-open says of last closes that are the stored ones, changed."""
    listing = LiveSample.instruments
    closes = db.read_market_data(LAST, LAST).bars.select("ticker", "close").with_columns(*changes)
    with monkeypatch.context() as patched:
        patched.setattr(
            LiveSample,
            "instruments",
            lambda self, session: replace(listing(self, session), last_closes=closes),
        )
        summary = in_flow(lambda: run_pre_open(live_room(db, at(TODAY, "07:40")), TODAY))
    return [note for note in summary.notes if "last closes" in note]


def test_the_stored_closes_are_compared_with_the_morning_s_last_ones_and_left_as_they_are(
    scanned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = scanned.read_market_data(LAST, LAST).bars
    ticker, close, n = bars["ticker"][0], bars["close"][0], bars.height
    [same] = last_closes(monkeypatch, scanned)
    assert same == f"{n} of {n} closes of {LAST} are this morning's last closes"
    other = pl.when(pl.col("ticker") == ticker).then(pl.col("close") + 5).otherwise("close")
    [off] = last_closes(monkeypatch, scanned, other.alias("close"))
    assert off.startswith(f"{n - 1} of {n} closes")
    assert off.endswith(f"not {ticker} {close:,} is {close + 5:,}")
    [unlike] = last_closes(monkeypatch, scanned, pl.col("close") * 2)
    assert unlike == f"this morning's last closes aren't those of {LAST}: 0 agree"
    assert scanned.read_market_data(LAST, LAST).bars.equals(bars)


def test_what_the_exchange_will_tell_is_left_to_the_morning_which_does_without_it_if_need_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flow(lambda: run_end_of_day(live_room(database, at(BEFORE, "15:33")), BEFORE))
    summary = in_flow(lambda: run_pre_open(with_key(database, at(TODAY, "07:40")), TODAY))
    assert summary.notes[-1].startswith(f"{LAST} had not been scanned at its close, which is left")
    assert signals(database).is_empty()
    room = with_key(database, at(TODAY, "08:10"))
    assert morning(monkeypatch, room, Krx(room, unpublished=99)).is_failed()
    assert not signals(database).is_empty()


def test_what_the_last_session_missed_is_caught_up_with_before_the_open(
    database: Database,
) -> None:
    in_flow(lambda: run_end_of_day(live_room(database, at(BEFORE, "15:33")), BEFORE))
    in_flow(lambda: rescore(live_room(database, at(BEFORE, "20:10")), BEFORE))
    summary = in_flow(lambda: run_pre_open(live_room(database, at(TODAY, "07:40")), TODAY))
    assert f"{LAST} had not been scanned at its close and was now" in summary.notes
    assert f"{LAST} had not been settled and was now" in summary.notes
    done = {(run["session"], run["as_of"]) for run in runs(database)}
    assert done == {(day, slot) for day in (BEFORE, LAST) for slot in ("close", "final")}


class Krx:
    """The exchange: the sample market, with one close corrected; published from the nth time."""

    name = "krx"

    def __init__(self, room: Room, ticker: str = "", unpublished: int = 0) -> None:
        self._source, self._ticker, self.unpublished = room.source, ticker, unpublished

    def history(self, first: date, last: date) -> MarketData:
        if self.unpublished:
            self.unpublished -= 1
            raise NotPublished("krx: nothing is published")
        assert self._source is not None
        data = self._source.history(first, last)
        price = pl.when(pl.col("ticker") == self._ticker).then(pl.col("close") + 5)
        bars = data.bars.with_columns(price.otherwise("close").alias("close"), source=pl.lit("krx"))
        return replace(data, bars=DailyBars.cast(bars))


def morning(
    monkeypatch: pytest.MonkeyPatch, room: Room, krx: Krx, *, scheduled: bool = False
) -> Any:
    @contextmanager
    def opened(name: str, *_: object) -> Iterator[Krx]:
        assert name == "krx"
        yield krx

    monkeypatch.setattr(flows.morning, "open_source", opened)
    monkeypatch.setattr("tasks.reconcile.reconcile.retries", 0)
    turn = Due(TODAY, at(TODAY, "08:10").now() if scheduled else None)
    return state_of(lambda: run_morning(room, turn))


def with_key(db: Database, clock: FixedClock) -> Room:
    return live_room(db, clock, krx_auth_key="a-key")


def test_a_corrected_bar_has_the_session_scanned_again_in_its_slots(
    scanned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = with_key(scanned, at(TODAY, "08:10"))
    ticker = signals(scanned)["ticker"][0]
    ran = len(runs(scanned))
    state = morning(monkeypatch, room, Krx(room, ticker))
    summary: RunSummary = state.result()
    assert "1 stocks' close corrected" in summary.notes
    assert [note for note in summary.notes if "scanned again" in note] == [
        "close scanned again: changed",
        "final scanned again: changed",
    ]
    assert len(runs(scanned)) == ran + 8
    again: RunSummary = morning(monkeypatch, room, Krx(room, ticker)).result()
    assert not [note for note in again.notes if "corrected" in note or "scanned again" in note]
    assert len(runs(scanned)) == ran + 8


def test_the_official_bars_do_for_a_session_that_was_never_collected(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flow(lambda: run_end_of_day(live_room(database, at(BEFORE, "15:33")), BEFORE))
    room = with_key(database, at(TODAY, "08:10"))
    summary: RunSummary = morning(monkeypatch, room, Krx(room)).result()
    assert f"{LAST} had not been scanned at its close and was now" in summary.notes
    assert signals(database).height > 0


class Passing:
    """A clock that jumps to whatever moment it is waited for."""

    def __init__(self, clock: Clock) -> None:
        self._now = clock.now()
        self.waits = 0

    def now(self) -> Any:
        return self._now

    def wait_until(self, moment: Any) -> None:
        self._now, self.waits = moment, self.waits + 1


@pytest.mark.parametrize("trouble", [SourceUnavailable("krx is down"), TimeoutError("too slow")])
def test_what_was_missed_is_caught_up_with_also_where_the_exchange_has_nothing_to_say(
    database: Database, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    caught_up: list[date] = []

    def catch_up(_: Room, session: date) -> list[str]:
        caught_up.append(session)
        raise BadMarketData("half of the stocks are missing")

    def history(*_: object) -> MarketData:
        raise trouble

    monkeypatch.setattr(flows.morning, "catch_up", catch_up)
    monkeypatch.setattr(Krx, "history", history)
    room = with_key(database, at(TODAY, "08:10"))
    state = morning(monkeypatch, room, Krx(room))
    assert caught_up == [LAST]
    raised = state.result(raise_on_failure=False)
    assert isinstance(raised, type(trouble))
    assert str(trouble) in str(raised), "the first error is the one that is told"


def test_a_scheduled_run_waits_for_what_isn_t_published_yet_a_person_s_does_not(
    scanned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Passing(at(TODAY, "08:10"))
    room = replace(with_key(scanned, at(TODAY, "08:10")), clock=clock)
    state = morning(monkeypatch, room, Krx(room, unpublished=2), scheduled=True)
    assert state.is_completed(), state.message
    assert clock.waits == 2
    assert f"{clock.now():%H:%M}" == "08:20"
    assert morning(monkeypatch, room, Krx(room, unpublished=99), scheduled=True).is_failed()
    assert clock.waits == 2 + 5
    assert morning(monkeypatch, room, Krx(room, unpublished=1)).is_failed()
    assert clock.waits == 2 + 5


@pytest.mark.parametrize(
    ("source", "key", "reason"),
    [
        ("sample", "a-key", "the exchange knows no sample market"),
        ("kiwoom", None, "krx isn't configured: CLOSEBELL_KRX_AUTH_KEY is missing"),
    ],
)
def test_without_the_exchange_the_morning_is_skipped_with_the_reason(
    database: Database, source: str, key: str | None, reason: str
) -> None:
    room = live_room(database, at(TODAY, "08:10"), krx_auth_key=key)
    state = state_of(lambda: run_morning(replace(room, source_name=source), Due(TODAY, None)))
    assert (state.name, state.message) == ("Skipped", reason)
