"""A flow that fails leaves a failed run, which its readers are told of."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from prefect.client.schemas.objects import State

import settings
from api.messages import Teller
from errors import BadMarketData, DatabaseUnavailable, TooEarly
from flows.failures import failures_recorded
from flows.room import Room
from flows.timetable import Due
from flows.turn import in_turn
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock, SystemClock
from scanners.rules import Rules

DAY = date(2026, 2, 4)


@pytest.fixture
def room(database):
    return Room(
        settings=settings.Settings(source="sample"),
        calendar=TradingCalendar(),
        clock=SystemClock(),
        rules=Rules.from_mapping({}),
        db=database,
        source=None,
        source_name="stored",
    )


@pytest.mark.parametrize(
    ("flow", "at", "scanner", "slot"),
    [
        ("end-of-day", (15, 31), "market_gate", "close"),
        ("closing-bet", (15, 12), "closing_bet", "15:12"),
        ("settle", (20, 10), "settle", "final"),
        ("morning", (8, 10), "morning", "08:10"),
    ],
)
def test_what_went_wrong_is_recorded_announced_and_rises(room, flow, at, scanner, slot):
    moment = datetime(2026, 2, 4, *at, tzinfo=SEOUL)
    refused = BadMarketData("half of the stocks are missing")
    with pytest.raises(BadMarketData), failures_recorded(room, flow, Due(DAY, moment)):
        raise refused
    with room.db.reader() as tx:
        (run,) = tx.runs.recent(10)
        (event,) = tx.events.after(0)
        told = Teller(tx, "http://prefect").of_event(event)
    found = (run["scanner"], run["as_of"], run["status"], run["reason"])
    assert found == (scanner, slot, "failed", refused.detail)
    assert told is not None
    assert json.loads(told.text)["data"]["id"] == run["id"]
    assert json.loads(told.text)["data"]["status"] == "failed"


def test_what_was_asked_for_too_early_records_nothing(room):
    with pytest.raises(TooEarly), failures_recorded(room, "end-of-day", Due(DAY, None)):
        raise TooEarly("it hasn't closed yet")
    with room.db.reader() as tx:
        assert tx.runs.recent(1) == []
        assert tx.events.after(0) == []


def test_a_mistake_of_ours_is_recorded_without_its_words(room):
    with pytest.raises(ValueError, match="secret"), failures_recorded(room, "x", Due(DAY, None)):
        raise ValueError("secret")
    with room.db.reader() as tx:
        assert tx.runs.recent(1)[0]["reason"] == "ValueError"


def test_what_goes_well_records_nothing(room):
    with failures_recorded(room, "end-of-day", Due(DAY, None)):
        pass
    with room.db.reader() as tx:
        assert tx.runs.recent(1) == []


@pytest.mark.parametrize("flow", ["exits", "intraday", "closing-bet"])
def test_a_source_that_is_not_live_skips_what_needs_one_and_opens_nothing(monkeypatch, flow):
    def never(*_: object):
        raise AssertionError("it is at work")

    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    outcome = in_turn(flow, never, clock=FixedClock(datetime(2026, 2, 4, 15, 13, tzinfo=SEOUL)))
    assert isinstance(outcome, State)
    assert (outcome.name, outcome.message) == (
        "Skipped",
        "stored doesn't tell of a session that is on",
    )


def test_when_the_database_is_gone_too_the_first_error_rises(room, monkeypatch):
    def gone():
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(room.db, "transaction", gone)
    with pytest.raises(BadMarketData), failures_recorded(room, "x", Due(DAY, None)):
        raise BadMarketData("first")
