"""Senders against real servers: what arrives, how it may fail, what errors say."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from datetime import datetime

import pytest
from alert_receivers import SECRET, receiving

from alerts.config import read_alerts
from alerts.senders import make_senders
from alerts.sending import NotDelivered, Outgoing
from alerts.situation import Notice
from alerts.words import render
from market.clock import SEOUL, FixedClock
from settings import Settings

NOW = datetime(2026, 2, 4, 15, 33, tzinfo=SEOUL)
SIGNAL = {
    "scanner": "closing_bet",
    "session": "2026-02-04",
    "as_of": "15:12",
    "preliminary": True,
    "ticker": "005930",
    "name": "삼성전자 <b>&",
    "market": "KOSPI",
    "grade": "A",
    "score": 9.0,
    "out_of": 12.0,
    "change": "new",
    "entry": 72_000,
    "target": 75_600,
    "stop": 70_600,
    "pivot": None,
    "price": None,
}


def sender(recipient, **more):
    config = read_alerts(Settings(alerts={"recipients": {"one": recipient}} | more))
    return make_senders(config, FixedClock(NOW))["one"]


def outgoing(*, repeat=False, language="ko", count=1):
    notices = [Notice("signal", "closing_bet grade A or better", SIGNAL)] * count
    text = render(notices, language, "https://board.example", repeat=repeat)
    return Outgoing("msg_1", notices, text, repeat, NOW)


def webhook(receiver, **more):
    return sender({"webhook": receiver.url, "secret": SECRET}, **more)


def test_a_webhook_is_signed_and_can_be_told_from_its_repeat():
    with receiving() as receiver:
        way = webhook(receiver)
        asyncio.run(way.send(outgoing()))
        asyncio.run(way.send(outgoing(repeat=True)))
        first, second = receiver.got
    for one in (first, second):
        assert one.is_signed()
        assert one.headers["idempotency-key"] == one.headers["webhook-id"] == "msg_1"
        assert one.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
        assert not one.is_signed("whsec_" + "A" * 32)
    assert (first.json["repeat"], second.json["repeat"]) == (False, True)
    notice = first.json["notices"][0]
    assert notice == {"kind": "signal", "rule": "closing_bet grade A or better"} | SIGNAL
    assert second.json["text"]["title"].startswith("(재전송)")


def test_a_changed_body_does_not_verify():
    with receiving() as receiver:
        asyncio.run(webhook(receiver).send(outgoing()))
    receiver.got[0].body += b" "
    assert not receiver.got[0].is_signed()


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (500, False),
        (429, False),
        (302, False),
        (410, True),
        (400, True),
        (401, False),
        (404, False),
    ],
)
def test_a_refusal_says_its_status_and_whether_trying_again_helps(status, final):
    with receiving() as receiver:
        receiver.answer = status
        receiver.headers = {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}
        with pytest.raises(NotDelivered) as refused:
            asyncio.run(webhook(receiver).send(outgoing()))
    assert refused.value.detail == f"HTTP {status}"
    assert (refused.value.final, refused.value.unsure, refused.value.after) == (final, False, 7.0)
    assert len(receiver.got) == 1


def test_who_can_not_be_reached_surely_got_nothing():
    way = sender({"webhook": "http://127.0.0.1:1/private-path", "secret": SECRET})
    with pytest.raises(NotDelivered, match="can't be reached") as refused:
        asyncio.run(way.send(outgoing()))
    assert not refused.value.unsure
    assert "private-path" not in str(refused.value)


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_who_never_answers_may_have_got_it_and_costs_a_bounded_time(kind):
    with receiving() as receiver:
        receiver.answer = lambda: time.sleep(1.5) or 200
        address = {"webhook": receiver.url, "secret": SECRET}
        other = f"json://127.0.0.1:{receiver.port}/private-path"
        way = sender(address if kind == "webhook" else other, attempt_seconds=0.3)
        began = time.monotonic()

        async def attempt():
            with pytest.raises(NotDelivered) as refused:
                await way.send(outgoing())
            return refused.value, time.monotonic() - began

        error, seconds = asyncio.run(attempt())
    assert error.unsure
    assert seconds < 1.5
    assert "private-path" not in str(error)


@pytest.mark.parametrize(
    ("language", "title", "line"),
    [
        (
            "ko",
            "closebell: 알림 1건",
            "종가베팅 A등급: 삼성전자 <b>& (005930), 9/12점, 신규, 잠정",
        ),
        (
            "en",
            "closebell: 1 notice",
            "Closing bet A: 삼성전자 <b>& (005930), 9/12, new, preliminary",
        ),
    ],
)
def test_apprise_sends_the_text_in_the_chosen_language(language, title, line):
    with receiving() as receiver:
        way = sender(f"json://127.0.0.1:{receiver.port}/x", language=language)
        asyncio.run(way.send(outgoing(language=language)))
    told = receiver.got[0].json
    assert told["title"] == title
    lines = told["message"].splitlines()
    assert lines[0] == line
    assert "72,000" in lines[1]
    assert "75,600" in lines[1]
    assert "70,600" in lines[1]
    assert "https://board.example/#/stock/005930" in lines


def test_many_notices_make_one_text_that_says_how_many_more():
    text = outgoing(language="en", count=45).text
    assert text.title == "closebell: 45 notices"
    assert "… and 25 more" in text.body
    assert text.body.count("Closing bet A") == 20


@pytest.mark.parametrize(("address", "most"), [("", None), ("?overflow=truncate", 1)])
def test_what_is_longer_than_a_service_takes_comes_in_pieces(address, most):
    with receiving() as receiver:
        way = sender(f"json://127.0.0.1:{receiver.port}/x{address}")
        long = outgoing(count=20)
        body = "\n".join(f"{line} {'.' * 3000}" for line in long.text.body.splitlines())
        asyncio.run(way.send(replace(long, text=replace(long.text, body=body))))
        got = [one.json["message"] for one in receiver.got]
    assert all(len(one) <= 32_768 for one in got)  # what Apprise's json:// takes
    assert len(got) == (most or 5)
    if most is None:
        assert "".join("".join(got).split()) == "".join(body.split())


def test_a_long_reason_is_shortened_for_people():
    about = {"scanner": "vcp", "session": "2026-02-04", "as_of": "close", "reason": "x" * 3000}
    text = render([Notice("scan_failed", "r", about)], "en", "https://b.example", repeat=False)
    assert len(text.body) < 500


def test_what_apprise_says_of_a_failure_is_told_without_the_address(caplog, capfd):
    with receiving() as receiver, caplog.at_level(logging.DEBUG, logger="apprise"):
        receiver.answer = 500
        address = f"json://user:hunter22@127.0.0.1:{receiver.port}/private-path?-token=verysecret"
        with pytest.raises(NotDelivered) as refused:
            asyncio.run(sender(address).send(outgoing()))
    assert refused.value.unsure
    assert "500" in refused.value.detail
    told = refused.value.detail + caplog.text + "".join(capfd.readouterr())
    for secret in ("hunter22", "private-path", "verysecret"):
        assert secret not in told
