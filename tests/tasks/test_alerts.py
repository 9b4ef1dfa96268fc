"""Alerts out of real events in a real PostgreSQL, to real receivers on loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from alert_desks import EVENING, at, make_desk, send
from api_market import MON, THU, TUE, WED, fill, new_run, publish, publish_gate, signal

from alerts.situation import ScanFact
from db.guards import StoredGuards
from market.clock import SEOUL
from tasks.alerts import judge_events

FRI = THU + timedelta(days=1)


def test_a_publication_becomes_one_message_of_its_new_and_good_signals(desk):
    publish(desk.db, "closing_bet", WED, 6)
    publish(desk.db, "vcp", WED, 3)
    messages = send(desk)
    assert len(messages) == 1
    told = {(n["ticker"], n["grade"], n["change"]) for n in messages[0]}
    assert told == {
        ("000660", "A", "new"),
        ("035720", "S", "new"),
        ("900004", "A", "new"),
        ("900005", "S", "new"),
    }
    one = next(n for n in messages[0] if n["ticker"] == "000660")
    assert (one["entry"], one["target"], one["stop"]) == (10_001, 11_600, None)
    assert send(desk) == []


@pytest.mark.slow
def test_what_was_told_is_told_again_only_when_it_becomes_better(desk):
    publish(desk.db, "closing_bet", WED, 2)
    assert len(send(desk)[0]) == 1
    publish(desk.db, "closing_bet", WED, 2, base=51.0)  # other scores, the same grades
    assert send(desk) == []
    publish(desk.db, "closing_bet", WED, 0)  # withdrawn ...
    publish(desk.db, "closing_bet", WED, 2)  # ... and back
    assert send(desk) == []


@pytest.mark.slow
def test_carried_signals_are_old_news(desk):
    publish(desk.db, "closing_bet", TUE, 6, announce=False)
    publish(desk.db, "closing_bet", WED, 6)
    assert send(desk) == []


@pytest.mark.parametrize("judged", [True, False])
def test_one_that_a_missed_scan_found_first_is_told_of_at_the_next(desk, judged):
    thursday = at(desk, datetime(2026, 2, 5, 15, 13, tzinfo=SEOUL))
    publish(desk.db, "closing_bet", WED, 1)
    publish(desk.db, "closing_bet", THU, 2, slot="15:05", preliminary=True)
    if judged:
        assert len(send(thursday)) == 1
    publish(desk.db, "closing_bet", THU, 2, slot="15:12", preliminary=True)
    told = [(n["ticker"], n["as_of"], n["change"]) for m in send(thursday) for n in m]
    assert told == ([] if judged else [("000660", "15:12", "new")])


@pytest.mark.slow
def test_one_that_the_session_before_ended_with_is_old_news_at_every_slot(desk):
    publish(desk.db, "closing_bet", WED, 2, announce=False)
    thursday = at(desk, datetime(2026, 2, 5, 15, 13, tzinfo=SEOUL))
    publish(desk.db, "closing_bet", THU, 0, slot="15:05", preliminary=True)
    assert send(thursday) == []
    better = [signal("closing_bet", THU, 1), signal("closing_bet", THU, 0) | {"grade": "A"}]
    publish(desk.db, "closing_bet", THU, slot="15:12", preliminary=True, rows=better)
    told = [(n["ticker"], n["before"], n["change"]) for m in send(thursday) for n in m]
    assert told == [("005930", "B", "upgraded")]


def test_a_day_trade_found_in_the_session_is_told_though_the_list_before_watched_it(
    database, receiver
):
    desk = make_desk(database, receiver, rules=["daytrading grade A or better"])
    judge_events(desk)
    watched = [signal("daytrading", WED, 1)]
    publish(desk.db, "daytrading", WED, rows=watched, announce=False)
    thursday = at(desk, datetime(2026, 2, 5, 10, 6, tzinfo=SEOUL))
    found = [signal("daytrading", THU, 1)]
    for slot in ("10:00", "10:05"):
        publish(desk.db, "daytrading", THU, slot=slot, preliminary=True, rows=found)
        told = [(n["ticker"], n["grade"], n["change"]) for m in send(thursday) for n in m]
        assert told == ([("000660", "A", "new")] if slot == "10:00" else [])


def test_only_the_newest_session_alerts_and_never_a_back_fill(desk):
    publish(desk.db, "closing_bet", TUE, 6)
    assert send(desk) == []  # Wednesday has closed
    publish(desk.db, "closing_bet", WED, 6, announce=False)
    with desk.db.transaction() as tx:
        payload = {"from": str(MON), "to": str(WED), "as_of": "close", "sessions": 3}
        tx.events.append("scan", "scan_update", payload)
    assert send(desk) == []
    thursday = at(desk, EVENING + timedelta(days=1))
    publish(desk.db, "closing_bet", WED, 7)
    assert send(thursday) == []


@pytest.mark.slow
def test_what_happened_while_nobody_judged_is_told_if_it_is_still_the_newest(desk):
    publish(desk.db, "closing_bet", TUE, 1)
    publish(desk.db, "closing_bet", WED, 2)
    assert [n["session"] for n in send(desk)[0]] == ["2026-02-04"]


@pytest.mark.slow
def test_the_first_time_begins_now(database, receiver):
    publish(database, "closing_bet", WED, 6)
    fresh = make_desk(database, receiver)
    assert send(fresh) == []
    with database.reader() as tx:
        assert tx.alerts.position() == tx.events.last_id()


def test_the_gate_is_told_of_when_its_colour_changes(desk):
    publish_gate(desk.db, TUE, 55.0)
    assert send(desk) == []
    with desk.db.transaction() as tx:
        tx.gates._connection.exec_driver_sql("UPDATE market_gates SET status = 'GREEN'")
    publish_gate(desk.db, WED, 40.0)
    assert [(n["kind"], n["before"], n["status"]) for n in send(desk)[0]] == [
        ("gate", "GREEN", "YELLOW")
    ]
    publish_gate(desk.db, WED, 41.0)
    assert send(desk) == []


def with_pivots(database, pivot):
    with database.transaction() as tx:
        tx.signals._connection.exec_driver_sql(
            "UPDATE signals SET parts = parts || jsonb_build_object('pivot',"
            " jsonb_build_object('price', %(pivot)s::int))"
            " WHERE scanner = 'vcp' AND ticker = '005930'",
            {"pivot": pivot},
        )
        tx.events.append("signal:vcp", "signal_update", about("vcp"))


def about(scanner):
    counts = {"new": 0, "changed": 1, "withdrawn": 0}
    return {"signal_type": scanner, "session": str(WED), "as_of": "close"} | counts


@pytest.mark.parametrize(("pivot", "near"), [(73_300, True), (71_900, True), (73_500, False)])
@pytest.mark.slow
def test_a_stock_near_its_pivot_is_told_once_until_it_was_away(desk, pivot, near):
    fill(desk.db)  # 005930 closes at 72,600
    publish(desk.db, "vcp", WED, 3)
    assert send(desk) == []
    with_pivots(desk.db, pivot)
    messages = send(desk)
    assert [n["ticker"] for m in messages for n in m] == (["005930"] if near else [])
    if near:
        distance = round((72_600 / pivot - 1) * 100, 2)
        assert (messages[0][0]["price"], messages[0][0]["distance_pct"]) == (72_600, distance)
        with_pivots(desk.db, pivot)
        assert send(desk) == []
        with_pivots(desk.db, 90_000)
        assert send(desk) == []
        with_pivots(desk.db, pivot)
        assert len(send(desk)) == 1


def stream_price(database, price, at):
    """What the live stream leaves: the last price of 005930."""
    told = {
        "ticker": "005930",
        "price": price,
        "change_rate": 1.0,
        "volume": 10,
        "source": "kiwoom",
    }
    with database.transaction() as tx:
        tx.prices.store(pl.DataFrame([told | {"at": at}]))


@pytest.mark.slow
def test_a_price_of_the_stream_that_comes_near_a_pivot_is_told(desk):
    fill(desk.db)
    publish(desk.db, "vcp", WED, 3)
    with_pivots(desk.db, 80_000)
    assert send(desk) == []
    morning = at(desk, EVENING + timedelta(hours=18))  # Thursday, the market is open
    stream_price(desk.db, 78_900, morning.clock.now())
    assert send(morning) == []
    stream_price(desk.db, 79_280, morning.clock.now() + timedelta(seconds=5))
    told = send(morning)
    assert [(n["kind"], n["price"], n["distance_pct"]) for n in told[0]] == [
        ("near_pivot", 79_280, -0.9)
    ]
    stream_price(desk.db, 79_300, morning.clock.now() + timedelta(seconds=10))
    assert send(morning) == []  # still near


@pytest.mark.slow
def test_a_stock_still_near_its_pivot_is_not_told_again_in_the_evening(desk):
    fill(desk.db)
    publish(desk.db, "vcp", WED, 3)
    with_pivots(desk.db, 73_300)
    assert len(send(desk)) == 1
    thursday = at(desk, datetime(2026, 2, 5, 15, 33, tzinfo=SEOUL))
    stream_price(desk.db, 72_700, thursday.clock.now())  # it has closed, its scan goes on
    assert send(thursday) == []
    publish(desk.db, "vcp", THU, 3)
    with_pivots(desk.db, 73_300)
    assert send(thursday) == []
    publish(desk.db, "vcp", THU, 0, slot="final")  # off the list ...
    with_pivots(desk.db, 73_300)
    assert send(thursday) == []
    friday = at(desk, datetime(2026, 2, 6, 15, 40, tzinfo=SEOUL))
    publish(desk.db, "vcp", FRI, 0)
    with_pivots(desk.db, 73_300)
    assert send(friday) == []
    publish(desk.db, "vcp", FRI, 3, slot="final")  # ... and back on it a session later
    with_pivots(desk.db, 73_300)
    assert len(send(friday)) == 1


@pytest.mark.slow
def test_a_source_is_told_of_when_its_breaker_opens_and_when_it_closes(desk):
    guards = StoredGuards(desk.db)
    events = []

    def fail():
        permit, _ = guards.enter("kiwoom", probe_for=0.1)
        if permit:
            guards.failed("kiwoom", permit, threshold=2, cool_down=0.01, reason="HTTP 502")
        with desk.db.reader() as tx:
            events.append(tx.events.last_id())

    fail()
    assert send(desk) == []
    fail()
    assert [(n["kind"], n["name"], n["reason"]) for n in send(desk)[0]] == [
        ("source_down", "kiwoom", "HTTP 502")
    ]
    assert events[1] > events[0]  # listeners are woken
    permit = 0
    while not permit:
        permit, _ = guards.enter("kiwoom", probe_for=1)
    guards.succeeded("kiwoom", permit)
    with desk.db.reader() as tx:
        assert tx.events.last_id() > events[1]
    assert [n["kind"] for n in send(desk)[0]] == ["source_up"]
    guards.succeeded("kiwoom", guards.enter("kiwoom", probe_for=1)[0])
    assert send(desk) == []


def scan(desk, scanner, status, slot="close", session=WED):
    with desk.db.transaction() as tx:
        tx.runs.add([replace(new_run(scanner, session, slot), status=status, reason="no bars")])


def told(messages):
    return [(n["kind"], n.get("as_of")) for message in messages for n in message]


def test_a_scanner_that_fails_all_hour_is_told_of_once_and_once_that_it_is_well(desk):
    for slot in ("10:00", "10:05", "10:10"):
        scan(desk, "daytrading", "failed", slot)
        messages = send(desk)
        assert told(messages) == ([("scan_failed", "10:00")] if slot == "10:00" else [])
        if messages:
            assert messages[0][0]["reason"] == "no bars"
    scan(desk, "daytrading", "completed", "10:15")
    assert told(send(desk)) == [("scan_well", "10:00")]
    assert send(desk) == []
    scan(desk, "daytrading", "failed", "11:00")
    assert told(send(desk)) == [("scan_failed", "11:00")]


@pytest.mark.slow
def test_each_session_that_still_fails_is_told_of_and_well_only_once(desk):
    scan(desk, "daytrading", "failed", "15:15")
    assert told(send(desk)) == [("scan_failed", "15:15")]
    thursday = at(desk, EVENING + timedelta(hours=18))
    scan(desk, "daytrading", "failed", "09:05", THU)
    assert told(send(thursday)) == [("scan_failed", "09:05")]
    scan(desk, "daytrading", "skipped", "09:10", THU)  # it had nothing to say, but did its work
    assert [kind for kind, _ in told(send(thursday))] == ["scan_well"]


@pytest.mark.slow
def test_what_failed_is_not_told_of_when_it_is_well_already_or_old(desk):
    scan(desk, "vcp", "failed", session=TUE)
    scan(desk, "vcp", "failed")
    scan(desk, "vcp", "completed")
    assert send(desk) == []


@pytest.mark.slow
def test_a_late_scan_is_told_of_once_and_once_that_it_is_there(desk):
    due = datetime(2026, 2, 4, 15, 31, tzinfo=SEOUL)
    awaited = [ScanFact("market_gate", WED, "close", due=due)]
    messages = send(desk, awaited)
    assert [(n["kind"], n["due"]) for n in messages[0]] == [("scan_late", due.isoformat())]
    assert send(desk, awaited) == []
    scan(desk, "market_gate", "completed")
    assert told(send(desk, awaited)) == [("scan_well", "close")]


@pytest.mark.slow
def test_a_scan_that_failed_is_not_told_of_as_late_too(desk):
    awaited = [ScanFact("market_gate", WED, "close", due=EVENING)]
    scan(desk, "market_gate", "failed")
    assert told(send(desk, awaited)) == [("scan_failed", "close")]
    assert send(desk, awaited) == []


@pytest.mark.slow
def test_a_scan_that_is_there_is_not_late(desk):
    publish_gate(desk.db, WED)
    judge_events(desk, [ScanFact("market_gate", WED, "close", due=EVENING)])
    assert [n["kind"] for m in send(desk) for n in m if n["kind"] == "scan_late"] == []


@pytest.mark.slow
def test_judging_wakes_nobody(desk):
    publish(desk.db, "closing_bet", WED, 2)
    with desk.db.reader() as tx:
        last = tx.events.last_id()
    assert len(send(desk)) == 1
    with desk.db.reader() as tx:
        assert tx.events.last_id() == last


def test_nothing_is_judged_if_the_transaction_fails(desk, monkeypatch):
    publish(desk.db, "closing_bet", WED, 2)

    def broken(*_):
        raise RuntimeError("here")

    with monkeypatch.context() as patch:
        patch.setattr("db.repositories.alerts.AlertsRepository.advance", broken)
        with pytest.raises(RuntimeError):
            judge_events(desk)
    assert len(send(desk)) == 1  # neither lost nor remembered as told
