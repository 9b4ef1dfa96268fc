"""The dead-man's ping: for tonight's signals once they are stored, and it breaks nothing."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import date

import pytest
from alert_receivers import receiving
from flow_rooms import CALENDAR, at, in_flow, room_at
from pydantic import SecretStr

from alerts.deadman import ping
from flows.end_of_day import run_end_of_day
from settings import Settings
from tasks.deadman import tell_deadman

SESSION = date(2026, 3, 13)


async def no_pause(_seconds: float) -> None:
    return


def test_a_ping_that_is_refused_is_repeated_three_times_and_the_address_isn_t_told():
    with receiving() as receiver:
        receiver.answer = 503
        why = asyncio.run(ping(SecretStr(receiver.url), "text", wait=no_pause))
        assert why == "HTTP 503, 3 times"
        assert [got.body for got in receiver.got] == [b"text"] * 3


def test_a_ping_that_gets_through_at_last_is_no_loss():
    answers = iter([500, 200])
    with receiving() as receiver:
        receiver.answer = lambda: next(answers)
        assert asyncio.run(ping(SecretStr(receiver.url), "text", wait=no_pause)) is None
        assert len(receiver.got) == 2


def test_nobody_there_is_said_not_raised():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/secret"
        assert asyncio.run(ping(SecretStr(url), "", wait=no_pause)) == "ConnectError, 3 times"


@pytest.mark.parametrize(
    ("source", "session"), [("replay", SESSION), ("sample", CALENDAR.previous(SESSION))]
)
def test_replays_and_sessions_of_the_past_do_not_ping(source, session):
    settings = Settings(deadman_url="http://127.0.0.1:9/nobody")
    assert tell_deadman(settings, CALENDAR, at(SESSION, "15:40"), source, session) == []


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.parametrize(("status", "noted"), [(200, 0), (500, 1)])
def test_the_session_is_told_when_its_signals_are_there_and_a_refusal_is_only_noted(
    database, prefect_server, status, noted
):
    with receiving() as receiver:
        stored = []

        def answer():
            with database.reader() as tx:
                stored.append(tx.runs.newest_session("market_gate", "close"))
            return status

        receiver.answer = answer
        room = room_at(database, at(SESSION, "15:32"))
        room = replace(room, settings=Settings(source="sample", deadman_url=receiver.url))
        summary = in_flow(lambda: run_end_of_day(room, SESSION))
    assert receiver.got[0].body == f"closebell: signals of {SESSION} are stored\n".encode()
    assert set(stored) == {SESSION}
    assert len([note for note in summary.notes if "dead-man" in note]) == noted
