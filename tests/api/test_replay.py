"""A client that was away reads on: every event once, in order, also those of this very moment."""

from __future__ import annotations

import asyncio
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from api_listener import listening
from api_market import WED, publish, publish_everything
from api_server import eventually, serving
from databases import emptied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, WebSocketException

from db.listening import wakes
from market.clock import SystemClock

TOPICS = ("signal:vcp", "market-gate")


@pytest.fixture(scope="module")
def live(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served:
            yield served, database


def announce(database, topic="signal:vcp"):
    """An event without anything new behind it."""
    about = {"session": WED.isoformat(), "as_of": "close"}
    with database.transaction() as tx:
        if topic == "market-gate":
            tx.events.append(topic, "market_gate_update", about)
        else:
            counts = {"new": 0, "changed": 1, "withdrawn": 0, "signal_type": topic[7:]}
            tx.events.append(topic, "signal_update", about | counts)


def announced(database, after):
    """The ids of the events of TOPICS after one."""
    with database.reader() as tx:
        return [e["id"] for e in tx.events.after(after, 10_000) if e["topic"] in TOPICS]


class Follower:
    """A client that remembers the last event it saw, and is cut off again and again."""

    def __init__(self, served, start):
        self.served = served
        self.last = start
        self.seen = []

    async def read(self, most, *, abruptly=False, patience=0.5):
        """Connect, read at most that many events, disconnect."""
        async with listening(self.served.ws, TOPICS, self.last) as client:
            for _ in range(most):
                try:
                    while "event_id" not in (frame := await client.next(patience)):
                        assert frame["type"] != "error", frame
                except (TimeoutError, ConnectionClosed):
                    break
                self.last = frame["event_id"]
                self.seen.append(self.last)
            if abruptly:
                client.socket.transport.abort()


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    writers=st.lists(
        st.lists(st.sampled_from((*TOPICS, "signal:daytrading")), max_size=25),
        min_size=1,
        max_size=3,
    ),
    reads=st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=6),
    seed=st.integers(0, 2**16),
)
def test_no_event_is_missed_or_doubled_however_often_the_line_is_cut(live, writers, reads, seed):
    served, database = live
    with database.reader() as tx:
        start = tx.events.last_id()
    follower = Follower(served, start)

    def write(topics, pace):
        for topic in topics:
            pace.random()
            announce(database, topic)

    async def follow():
        for most, abruptly in reads:
            await follower.read(most, abruptly=abruptly)

    with ThreadPoolExecutor(len(writers)) as threads:
        writing = [threads.submit(write, w, random.Random(seed + n)) for n, w in enumerate(writers)]
        asyncio.run(follow())
        for one in writing:
            one.result()
    expected = announced(database, start)
    asyncio.run(follower.read(len(expected) - len(follower.seen), patience=30))
    assert follower.seen == expected


def test_many_clients_that_come_back_at_once_miss_nothing(live):
    served, database = live
    with database.reader() as tx:
        start = tx.events.last_id()
    for _ in range(60):
        announce(database)
    followers = [Follower(served, start) for _ in range(40)]

    async def follow():
        reading = [asyncio.create_task(f.read(90, patience=60)) for f in followers]
        for _ in range(30):
            await asyncio.to_thread(announce, database)
        await asyncio.gather(*reading)

    asyncio.run(follow())
    expected = announced(database, start)
    assert len(expected) == 90
    for follower in followers:
        assert follower.seen == expected


def test_an_event_committed_while_a_replay_finds_nothing_is_not_missed(live, monkeypatch):
    served, database = live
    notifier = served.services.notifier
    with database.reader() as tx:
        start = tx.events.last_id()
    served.settle(start)
    real, delayed = notifier._batch, []

    async def slow(reading, number):
        found = await real(reading, number)
        if not delayed and not found[0]:  # the replay's; by now it is out of date
            delayed.append(number)
            await asyncio.to_thread(announce, database)
            while (notifier.position or 0) == start:
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(notifier, "_batch", slow)
    refused = []

    def not_at_first(client, real=notifier.go_live):
        if not refused:
            refused.append(client)
            return False
        return real(client)

    monkeypatch.setattr(notifier, "go_live", not_at_first)
    follower = Follower(served, start)
    asyncio.run(follower.read(1, patience=60))
    assert delayed == [start]
    assert follower.seen == announced(database, start)
    assert len(follower.seen) == 1


def test_who_subscribes_without_a_last_event_gets_only_what_is_new(live):
    served, database = live

    async def talk():
        async with listening(served.ws, TOPICS) as client:
            greeting = await client.next()
            await client.until("subscribed")
            await client.until("subscribed")
            await asyncio.to_thread(announce, database)
            assert (await client.next())["event_id"] > greeting["last_event_id"]

    asyncio.run(talk())


def test_a_last_event_id_that_is_no_number_is_an_error(live):
    async def talk():
        async with listening(f"{live[0].ws}?last_event_id=x") as client:
            told = [await client.next(), await client.next()]
            assert {t["type"] for t in told} == {"connected", "error"}
            assert "bad_last_event_id" in {t.get("code") for t in told}

    asyncio.run(talk())


def test_who_stayed_away_too_long_is_told_and_gets_how_things_stand(postgres_url):
    async def talk(served, database, last):
        async with listening(served.ws, (*TOPICS, "scan"), last) as client:
            assert (await client.until("error"))["code"] == "event_gone"
            told = [await client.next() for _ in range(3)]
            assert [t["topic"] for t in told] == ["signal:vcp", "market-gate", "scan"]
            assert len(told[0]["data"]["signals"]) == 3
            ids = {t["event_id"] for t in told}
            await asyncio.to_thread(publish, database, "vcp", WED, 4)
            following = await client.next()
            assert following["data"]["count"] == 4
            assert following["event_id"] > max(ids)
        async with listening(served.ws, TOPICS, following["event_id"]) as client:
            assert [(await client.next())["type"] for _ in range(3)] == [
                "connected",
                "subscribed",
                "subscribed",
            ]

    with emptied(postgres_url) as database:
        publish_everything(database)
        with database.reader() as tx:
            events = tx.events.after(0)
            first = events[0]["id"]
        with database.transaction() as tx:
            assert tx.events.prune(SystemClock().now() + timedelta(days=1)) == len(events)
        with database.reader() as tx:
            assert tx.events.pruned_to() == tx.events.last_id()
        with serving(database) as served:
            asyncio.run(talk(served, database, first))
            asyncio.run(talk_of_the_future(served))


def test_who_comes_back_before_anybody_listens_to_the_database_misses_nothing(
    postgres_url, monkeypatch
):
    gate = asyncio.Event()

    async def late(database):
        await gate.wait()
        async for wake in wakes(database):
            yield wake

    monkeypatch.setattr("api.app.wakes", late)

    async def talk(served, database, start):
        newest = announced(database, start)[-1]
        async with (
            listening(served.ws, TOPICS, start) as back,
            listening(served.ws, TOPICS) as fresh,
        ):
            await asyncio.sleep(0.3)
            served.loop.call_soon_threadsafe(gate.set)
            assert (await fresh.next())["last_event_id"] == newest
            await asyncio.to_thread(announce, database)
            seen = [(await back.until("signal_update"))["event_id"] for _ in range(4)]
            assert seen == announced(database, start)
            assert (await fresh.until("signal_update"))["event_id"] == seen[-1]

    with emptied(postgres_url) as database:
        publish_everything(database)
        with database.reader() as tx:
            start = tx.events.last_id()
        for _ in range(3):
            announce(database)
        with serving(database, wait=False) as served:
            asyncio.run(talk(served, database, start))


def test_who_comes_while_nobody_can_listen_is_asked_to_come_later(postgres_url, monkeypatch):
    async def never(_database):
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr("api.app.wakes", never)
    monkeypatch.setattr("api.notifier.BEGIN_SECONDS", 0.2)

    async def talk(served):
        async with listening(served.ws, TOPICS, 1) as client:
            assert (await client.closed())[0] == 1013

    with emptied(postgres_url) as database, serving(database, wait=False) as served:
        asyncio.run(talk(served))


@pytest.mark.slow
def test_an_api_restarted_during_a_flood_leaves_no_gap_and_doubles_nothing(postgres_url):
    events, restarts = 120, 4
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def follow(address, start):
        seen = []
        while len(seen) < events:
            try:
                async with listening(address, TOPICS, seen[-1] if seen else start) as client:
                    while len(seen) < events:
                        frame = await client.next()
                        assert frame["type"] != "error", frame
                        if "event_id" in frame:
                            seen.append(frame["event_id"])
            except (OSError, WebSocketException):
                await asyncio.sleep(0.02)  # away at this moment
        return seen

    async def everybody(address, start):
        return await asyncio.gather(*(follow(address, start) for _ in range(8)))

    with emptied(postgres_url) as database, ThreadPoolExecutor(1) as threads:
        publish_everything(database)
        with database.reader() as tx:
            start = tx.events.last_id()
        following = threads.submit(asyncio.run, everybody(f"ws://127.0.0.1:{port}/ws", start))
        for _ in range(restarts):
            with serving(database, wait=False, api_port=port):
                for _ in range(events // restarts):
                    announce(database)
        with serving(database, api_port=port):
            seen = following.result(120)
        expected = announced(database, start)
    assert len(expected) == events
    assert seen == [expected] * 8


def test_clients_of_a_database_put_back_to_an_earlier_state_come_back_and_are_told(postgres_url):
    def put_back(database, notifier):
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("TRUNCATE events RESTART IDENTITY")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'closebell-listener' AND datname = current_database()"
            )
        losses = notifier._metrics.losses
        eventually(lambda: losses._value.get() > 0)

    async def talk(served, database):
        async with listening(served.ws, TOPICS) as client:
            last = (await client.until("connected"))["last_event_id"]
            await asyncio.to_thread(put_back, database, served.services.notifier)
            assert (await client.closed())[0] == 1012
        async with listening(served.ws, TOPICS, last) as client:
            assert (await client.until("error"))["code"] == "event_gone"
            assert [(await client.next())["topic"] for _ in TOPICS] == list(TOPICS)
            await asyncio.to_thread(announce, database)
            assert (await client.until("signal_update"))["event_id"] == 1

    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served:
            asyncio.run(talk(served, database))


async def talk_of_the_future(served):
    async with listening(served.ws, TOPICS, 10**15) as client:
        assert (await client.until("error"))["code"] == "event_gone"
