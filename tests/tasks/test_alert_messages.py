"""Messages of alerts: when they are sent, again, and no more."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from alert_desks import EVENING, GRADES, at, make_desk, send
from alert_receivers import SECRET
from api_market import WED, publish

from market.clock import SEOUL
from tasks.alerts import deliver, judge_events, next_delivery


@pytest.mark.slow
def test_quiet_hours_gather_everything_into_one_message(database, receiver):
    desk = make_desk(database, receiver, quiet_hours="15:00-07:00")
    judge_events(desk)
    publish(database, "closing_bet", WED, 2)
    assert send(desk) == []
    publish(database, "closing_bet", WED, 3)
    assert send(desk) == []
    over = datetime(2026, 2, 5, 7, 0, tzinfo=SEOUL)
    assert next_delivery(desk) == ([], over)
    messages = send(at(desk, over))
    assert [[n["ticker"] for n in m] for m in messages] == [["000660", "035720"]]


@pytest.mark.slow
def test_quiet_hours_bind_what_is_sent_again_and_what_waited_for_the_process(database, receiver):
    desk = make_desk(database, receiver, quiet_hours="16:00-07:00")
    judge_events(desk)
    receiver.answer = 503
    publish(database, "closing_bet", WED, 2)
    assert len(send(desk)) == 1
    receiver.answer = 200
    night = at(desk, EVENING + timedelta(hours=1))
    over = datetime(2026, 2, 5, 7, 0, tzinfo=SEOUL)
    assert next_delivery(night) == ([], over)
    asyncio.run(deliver(night, "desk"))
    assert len(receiver.got) == 1
    assert len(send(at(desk, over))) == 1


def test_a_refused_message_is_tried_again_and_its_key_stays(desk, receiver):
    receiver.answer = 503
    publish(desk.db, "closing_bet", WED, 2)
    assert len(send(desk)) == 1
    receiver.answer = 200
    later = at(desk, EVENING + timedelta(seconds=1))
    assert len(send(later)) == 1
    first, second = receiver.got
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert second.json["repeat"] is False  # the first was refused for certain
    assert send(at(desk, EVENING + timedelta(hours=1))) == []
    with desk.db.reader() as tx:
        (message,) = tx.alerts.recent(10)
    assert (message["status"], message["attempts"], message["error"]) == ("sent", 2, None)


@pytest.mark.slow
def test_after_a_day_it_is_given_up_and_long_before_that_can_be_seen(database, receiver):
    desk = make_desk(database, receiver)
    judge_events(desk)
    receiver.answer = 401
    publish(database, "closing_bet", WED, 2)
    for tries in range(1, 26):
        send(at(desk, EVENING + timedelta(hours=tries - 1)))
        assert len(receiver.got) == tries
        with database.reader() as tx:
            waits, failed = (0, 1) if tries >= 6 else (1, 0)
            shown = {"waiting": waits, "sending": 0, "sent": 0, "failed": failed}
            assert tx.alerts.counts() == shown
            (message,) = tx.alerts.recent(10)
    assert (message["status"], message["error"]) == ("failed", "HTTP 401")
    send(at(desk, EVENING + timedelta(hours=30)))
    assert len(receiver.got) == 25
    receiver.answer = 200
    publish(database, "closing_bet", WED, 3)
    assert len(send(desk)) == 1
    with database.reader() as tx:
        assert tx.alerts.counts()["failed"] == 0  # made good


@pytest.mark.slow
def test_a_message_as_old_as_a_week_still_has_its_attempts(database, receiver):
    desk = make_desk(database, receiver)
    judge_events(desk)
    publish(database, "closing_bet", WED, 2)
    judge_events(desk)
    receiver.answer = 503
    for minute in range(8):  # the process was away all that time
        asyncio.run(deliver(at(desk, EVENING + timedelta(days=7, minutes=minute)), "desk"))
    assert len(receiver.got) == 6


def test_a_message_left_in_the_middle_is_sent_again_and_says_so(desk, receiver):
    publish(desk.db, "closing_bet", WED, 2)
    judge_events(desk)
    with desk.db.transaction() as tx:  # as a process does that dies before it records the end
        left = tx.alerts.begin("desk", EVENING)
    assert not left.repeat
    send(desk)
    assert [one.json["repeat"] for one in receiver.got] == [True]
    assert receiver.got[0].headers["idempotency-key"] == left.key
    text = receiver.got[0].json["text"]
    assert text["title"].startswith("(sent again)")
    assert "Arisen 2026-02-04 15:40" in text["body"]


@pytest.mark.slow
def test_each_recipient_gets_its_own_rules_and_one_that_is_gone_fails_visibly(database, receiver):
    here = {"webhook": receiver.url, "secret": SECRET}
    rules = [{"when": GRADES, "to": ["other"]}, "gate changes colour"]
    desk = make_desk(database, receiver, recipients={"desk": here, "other": here}, rules=rules)
    judge_events(desk)
    publish(database, "closing_bet", WED, 2)
    judge_events(desk)
    assert next_delivery(desk)[0] == ["other"]
    asyncio.run(deliver(make_desk(database, receiver), "other"))
    with database.reader() as tx:
        (message,) = tx.alerts.recent(10)
    assert (message["status"], message["error"]) == ("failed", "no such recipient any more")


@pytest.mark.slow
def test_old_messages_are_forgotten(desk):
    publish(desk.db, "closing_bet", WED, 2)
    assert len(send(desk)) == 1
    judge_events(at(desk, EVENING + timedelta(days=31)))
    with desk.db.reader() as tx:
        assert tx.alerts.recent(10) == []
