"""`/ws`: what clients may say, what they are told, and when they are closed."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from api_listener import listening
from api_market import (
    SAMSUNG,
    THU,
    WED,
    announce_scan,
    fill,
    new_run,
    publish,
    publish_everything,
    publish_gate,
)
from api_server import eventually, serving
from databases import emptied

from api import models
from api.keys import make_key

TOPICS = ("signal:vcp", "signal:daytrading", "signal:closing_bet", "market-gate", "scan")


@pytest.fixture(scope="module")
def live(postgres_url):
    """A server and the database it shows."""
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served:
            yield served, database


def test_a_client_is_greeted_and_its_subscriptions_are_confirmed(live):
    served, database = live
    with database.reader() as tx:
        newest = tx.events.last_id()

    async def talk():
        async with listening(served.ws, ["signal:vcp", "market-gate"]) as client:
            greeting = await client.next()
            assert greeting == {
                "type": "connected",
                "client_id": greeting["client_id"],
                "last_event_id": newest,
            }
            for topic in ("signal:vcp", "market-gate"):
                assert await client.next() == {"type": "subscribed", "topic": topic}
            said = await client.ask(type="subscribe", topic="scan")
            assert said == {"type": "subscribed", "topic": "scan"}
            said = await client.ask(action="subscribe", topic=f"price:{SAMSUNG}")
            assert said == {"type": "subscribed", "topic": f"price:{SAMSUNG}"}
            said = await client.ask(type="unsubscribe", topic="scan")
            assert said == {"type": "unsubscribed", "topic": "scan"}
            assert await client.ask(type="ping") == {"type": "pong"}

    asyncio.run(talk())


def test_a_published_scan_reaches_who_subscribed_and_nobody_else(live):
    served, database = live

    async def talk():
        async with (
            listening(served.ws, ["signal:vcp"]) as one,
            listening(served.ws, ["market-gate", "market:kospi"]) as other,
        ):
            await one.until("subscribed")
            await other.until("subscribed")
            await other.until("subscribed")
            await asyncio.to_thread(publish, database, "vcp", WED, 120)
            told = await one.next()
            assert set(told) == {"type", "event_id", "topic", "data"}
            assert (told["type"], told["topic"]) == ("signal_update", "signal:vcp")
            data = told["data"]
            assert set(data) == {
                "signal_type",
                "session",
                "as_of",
                "signals",
                "count",
                "new",
                "changed",
                "withdrawn",
                "truncated",
                "next",
                "timestamp",
            }
            assert (data["count"], len(data["signals"]), data["truncated"]) == (120, 100, True)
            assert (data["new"], data["changed"], data["withdrawn"]) == (117, 0, 0)
            models.Signal.model_validate(data["signals"][0])
            with served.client() as client:
                rest = client.get(data["next"]).json()
            assert len(rest) == 20
            assert not {s["id"] for s in rest} & {s["id"] for s in data["signals"]}

            await asyncio.to_thread(publish_gate, database, WED, 44.0)
            gate = await other.next()
            assert gate["type"] == "market_gate_update"
            models.Gate.model_validate(gate["data"])
            assert gate["event_id"] > told["event_id"]
            index = await other.next()
            assert (index["type"], index["name"]) == ("index_update", "KOSPI")
            assert index["data"]["value"] == 2731.5

    asyncio.run(talk())


def test_a_back_fill_is_one_scan_update(live):
    served, database = live

    def back_fill():
        with database.transaction() as tx:
            announce_scan(tx)

    async def talk():
        async with listening(served.ws, ["scan"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(back_fill)
            told = await client.next()
            assert told["type"] == "scan_update"
            models.Scan.model_validate(told["data"])
            assert told["data"]["session"] == "2026-02-04"

    asyncio.run(talk())


def test_an_emptied_list_is_pushed(live):
    served, database = live

    async def talk():
        async with listening(served.ws, ["signal:daytrading"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(publish, database, "daytrading", THU, 0, slot="09:10")
            data = (await client.until("signal_update"))["data"]
            assert (data["as_of"], data["signals"], data["count"]) == ("09:10", [], 0)
            assert (data["new"], data["changed"], data["withdrawn"]) == (0, 0, 0)

    asyncio.run(talk())


def test_a_failed_run_is_found_however_many_came_after_it(live):
    served, database = live
    about = {"from": WED.isoformat(), "to": WED.isoformat(), "as_of": "close"}
    with database.transaction() as tx:
        before = tx.events.last_id()
        (number,) = tx.runs.add([replace(new_run("vcp", WED), status="failed", reason="late")])
        tx.runs.add([new_run("market_gate", WED, "10:00") for _ in range(120)])
        tx.events.append("scan", "scan_update", about | {"run": number})

    async def talk():
        async with listening(served.ws, ["scan"], before) as client:
            data = (await client.until("scan_update"))["data"]
            assert (data["id"], data["reason"]) == (number, "late")

    asyncio.run(talk())


def test_a_scan_of_which_nothing_is_stored_is_not_told(live):
    served, database = live
    about = {"from": WED.isoformat(), "to": WED.isoformat(), "as_of": "close", "run": 2**40}

    def announce():
        with database.transaction() as tx:
            tx.events.append("scan", "scan_update", about)
            tx.events.append("scan", "scan_update", about | {"run": None, "as_of": "23:59"})
            announce_scan(tx)

    async def talk():
        async with listening(served.ws, ["scan"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(announce)
            assert (await client.next())["data"]["session"] == "2026-02-04"

    asyncio.run(talk())


def test_new_bars_become_price_updates(postgres_url):
    async def talk(served, database):
        async with listening(served.ws, [f"price:{SAMSUNG}"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(fill, database)
            assert await client.next() == {
                "type": "price_update",
                "ticker": SAMSUNG,
                "data": {
                    "price": 72_600,
                    "change": 300,
                    "change_rate": 0.4149,
                    "volume": 1000,
                    "timestamp": "2026-02-04T15:44:00+09:00",
                },
                "timestamp": "2026-02-04T15:44:00+09:00",
            }

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served, database))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ("null", "bad_message"),
        ("[" * 2000, "bad_message"),
        (b"\x00\x01", "not_text"),
        ('{"type":"shout"}', "unknown_type"),
        ('{"type":["ping"]}', "unknown_type"),
        ('{"type":"subscribe"}', "unknown_type"),
        ('{"type":"subscribe","topic":"signal:rsi"}', "unknown_topic"),
        ('{"type":"subscribe","topic":"price:59"}', "unknown_topic"),
    ],
)
def test_what_can_not_be_understood_is_answered_and_the_connection_goes_on(live, frame, code):
    async def talk():
        async with listening(live[0].ws) as client:
            await client.until("connected")
            await client.socket.send(frame)
            told = await client.next()
            assert (told["type"], told["code"]) == ("error", code)
            assert set(told) == {"type", "code", "message"}
            assert await client.ask(type="ping") == {"type": "pong"}

    asyncio.run(talk())


def test_random_frames_never_break_the_server(live):
    served, _ = live
    pieces = ("type", "topic", "subscribe", "signal:vcp", "ping", "auth", 1, None, [], {})
    chance = random.Random(4)

    def frame():
        if chance.random() < 0.3:
            return chance.randbytes(chance.randrange(200))
        if chance.random() < 0.3:
            return "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(200)))
        said = {str(chance.choice(pieces)): chance.choice(pieces) for _ in range(3)}
        return json.dumps(said)

    async def talk():
        for _ in range(15):
            async with listening(served.ws) as client:
                await client.until("connected")
                for _ in range(40):
                    await client.socket.send(frame())
                    assert (await client.next())["type"] in ("error", "pong", "subscribed")

    async def garbage():
        for _ in range(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(
                b"GET /ws HTTP/1.1\r\nHost: [::1]\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            writer.write(chance.randbytes(300))
            writer.close()

    asyncio.run(talk())
    asyncio.run(garbage())
    eventually(lambda: not served.services.notifier.clients)


def test_too_much_at_once_is_closed_with_1009(live):
    async def large(size):
        async with listening(live[0].ws) as client:
            await client.until("connected")
            await client.socket.send("x" * size)
            assert (await client.closed())[0] == 1009

    async def rapid():
        async with listening(live[0].ws) as client:
            await client.until("connected")
            for _ in range(60):
                assert await client.ask(type="ping") == {"type": "pong"}
            await client.say(type="ping")
            assert (await client.closed())[0] == 1009

    asyncio.run(large(5_000))
    asyncio.run(large(60_000))
    asyncio.run(rapid())


def test_subscriptions_are_bounded(live):
    async def talk():
        topics = [f"price:{number:06}" for number in range(205)]
        async with listening(live[0].ws, topics) as client:
            await client.until("connected")
            told = [await client.next() for _ in range(205)]
            assert [t["type"] for t in told] == ["subscribed"] * 200 + ["error"] * 5
            assert told[-1]["code"] == "too_many_topics"

    asyncio.run(talk())


def test_a_client_is_pinged_and_a_silent_one_closed_with_1001(postgres_url):
    async def talk(served):
        async with listening(served.ws) as silent, listening(served.ws) as alive:

            async def answer():
                async for text in alive.socket:
                    if json.loads(text)["type"] == "ping":
                        await alive.say(type="pong")

            answering = asyncio.create_task(answer())
            assert await silent.until("ping") == {"type": "ping"}
            assert (await silent.closed())[0] == 1001
            assert not answering.done()
            answering.cancel()

    with (
        emptied(postgres_url) as database,
        serving(database, ping_seconds=0.5, silent_seconds=4.0) as served,
    ):
        asyncio.run(talk(served))


def test_with_keys_only_who_has_one_is_let_in(postgres_url):
    async def talk(served, key, other):
        async with listening(served.ws, additional_headers={"X-API-Key": key.text}) as client:
            assert (await client.next())["type"] == "connected"
        async with listening(served.ws) as client:
            await client.say(type="auth", key=key.text)
            assert (await client.next())["type"] == "connected"
        async with listening(served.ws) as client:
            told = await client.ask(type="auth", key="cb_wrong")
            assert (told["type"], told["code"]) == ("error", "unauthorized")
            assert (await client.closed())[0] == 1008
        for headers in ({"X-API-Key": "cb_wrong"}, {"X-API-Key": other.text}):
            async with listening(served.ws, additional_headers=headers) as client:
                assert (await client.closed())[0] == 1008
        async with listening(served.ws, ["signal:vcp"]) as client:
            assert (await client.next())["code"] == "unauthorized"  # nothing came in time
            assert (await client.closed())[0] == 1008

    with emptied(postgres_url) as database:
        key, other = make_key(), make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "mine", ["live"], key.secret_hash)
            tx.keys.add(other.id, "no socket", ["read"], other.secret_hash)
        with serving(database) as served:
            asyncio.run(talk(served, key, other))


def test_what_is_said_while_keys_are_still_read_is_acted_on_afterwards(postgres_url):
    async def talk(served, database, key):
        header = {"X-API-Key": key.text}
        with psycopg.connect(database.url) as other:
            other.execute("LOCK TABLE api_keys")  # whoever reads keys waits now
            served.services.keyring.changed()
            async with (
                listening(served.ws, additional_headers=header) as known,
                listening(served.ws) as stranger,
            ):
                await stranger.say(type="auth", key=key.text)
                for client in (known, stranger):
                    await client.say(type="subscribe", topic="scan")
                    await client.say(type="ping")
                await asyncio.sleep(0.2)
                other.rollback()
                for client in (known, stranger):
                    told = [await client.next() for _ in range(3)]
                    assert [t["type"] for t in told] == ["connected", "subscribed", "pong"]

    with emptied(postgres_url) as database:
        key = make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "mine", ["live"], key.secret_hash)
        with serving(database) as served:
            asyncio.run(talk(served, database, key))


def test_where_no_key_is_needed_the_first_frame_may_be_any(postgres_url):
    async def talk(served, database):
        with psycopg.connect(database.url) as other:
            other.execute("LOCK TABLE api_keys")
            served.services.keyring.changed()
            async with listening(served.ws) as client:
                await client.say(type="subscribe", topic="scan")
                await asyncio.sleep(0.2)
                other.rollback()
                told = [await client.next() for _ in range(2)]
                assert [t["type"] for t in told] == ["connected", "subscribed"]

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served, database))


def test_where_a_key_is_needed_the_first_frame_is_auth_whatever_cookies_came(postgres_url):
    odd = {"Cookie": 'theme=dark; pref={"a": 1}'}

    async def talk(served, key):
        async with listening(served.ws, additional_headers=odd) as client:
            told = await client.ask(type="subscribe", topic="scan")
            assert (told["type"], told["code"]) == ("error", "unauthorized")
            assert (await client.closed())[0] == 1008
        async with listening(served.ws, additional_headers=odd) as client:
            assert (await client.ask(type="auth", key=key.text))["type"] == "connected"

    with emptied(postgres_url) as database:
        key = make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "mine", ["live"], key.secret_hash)
        with serving(database) as served:
            asyncio.run(talk(served, key))


def test_a_revoked_key_ends_its_open_connections(postgres_url):
    async def talk(served, database, key):
        async with listening(served.ws, additional_headers={"X-API-Key": key.text}) as client:
            await client.until("connected")

            def revoke():
                with database.transaction() as tx:
                    tx.keys.revoke(key.id)

            await asyncio.to_thread(revoke)
            assert await client.closed() == (1008, "the key was revoked")

    with emptied(postgres_url) as database:
        key = make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "mine", ["live"], key.secret_hash)
        with serving(database) as served:
            asyncio.run(talk(served, database, key))


def test_a_session_opens_the_socket_from_the_servers_own_pages_only(postgres_url):
    async def talk(served, cookie):
        headers = {"Cookie": f"closebell_session={cookie}"}
        async with listening(served.ws, additional_headers=headers, origin=served.url) as client:
            assert (await client.next())["type"] == "connected"
        for origin in ("https://evil.example", "null"):
            async with listening(served.ws, additional_headers=headers, origin=origin) as client:
                assert (await client.closed())[0] == 1008

    with emptied(postgres_url) as database:
        key = make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "page", ["read", "live"], key.secret_hash)
        with serving(database) as served, served.client() as client:
            client.post("/session", json={"key": key.text})
            asyncio.run(talk(served, client.cookies["closebell_session"]))


def test_more_clients_than_allowed_are_asked_to_come_later(postgres_url):
    async def talk(served):
        async with listening(served.ws) as one, listening(served.ws) as two:
            await one.until("connected")
            await two.until("connected")
            async with listening(served.ws) as third:
                assert (await third.closed())[0] == 1013
        eventually(lambda: not served.services.notifier.clients)
        async with listening(served.ws) as again:
            await again.until("connected")

    with emptied(postgres_url) as database, serving(database, api_clients=2) as served:
        asyncio.run(talk(served))


def test_an_address_has_only_so_many_clients(postgres_url):
    async def talk(served):
        async with listening(served.ws) as one, listening(served.ws) as two:
            await one.until("connected")
            await two.until("connected")
            async with listening(served.ws) as third:
                assert await third.closed() == (1013, "too many clients of this address")
        await asyncio.to_thread(eventually, lambda: not served.services.notifier.clients)
        async with listening(served.ws) as again:
            await again.until("connected")

    with (
        emptied(postgres_url) as database,
        serving(database, api_clients_per_address=2) as served,
    ):
        asyncio.run(talk(served))


def test_connecting_counts_for_the_rate_of_the_address(postgres_url):
    async def come(served):
        async with listening(served.ws) as client:
            return (await client.next())["type"]

    async def talk(served):
        assert [await come(served) for _ in range(3)] == ["connected"] * 3
        async with listening(served.ws) as client:
            assert await client.closed() == (1013, "too many requests")

    with emptied(postgres_url) as database, serving(database, api_rate_limit="3/hour") as served:
        asyncio.run(talk(served))


def test_an_address_has_only_so_many_clients_that_still_owe_their_key(postgres_url, monkeypatch):
    monkeypatch.setattr("api.guard.MAX_STRANGERS", 2)

    async def talk(served, key):
        header = {"X-API-Key": key.text}
        async with listening(served.ws) as one, listening(served.ws) as two:
            async with listening(served.ws) as third:
                assert await third.closed() == (1013, "too many requests")
            async with listening(served.ws, additional_headers=header) as known:
                assert (await known.next())["type"] == "connected"
            for client in (one, two):
                assert (await client.ask(type="auth", key=key.text))["type"] == "connected"

    with emptied(postgres_url) as database:
        key = make_key()
        with database.transaction() as tx:
            tx.keys.add(key.id, "mine", ["live"], key.secret_hash)
        with serving(database) as served:
            asyncio.run(talk(served, key))


def test_a_page_whose_name_was_led_to_this_machine_is_told_nothing(postgres_url):
    async def talk(served):
        for host, greeted in (("evil.example:8000", False), ("localhost:8000", True)):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(
                f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            await reader.readuntil(b"\r\n\r\n")
            said = await reader.read(200)
            assert (b'"connected"' in said, b'"wrong-host"' in said) == (greeted, not greeted)
            writer.close()

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served))


def test_nothing_is_left_of_clients_that_came_and_went(live):
    served, _ = live
    notifier = served.services.notifier

    async def come_and_go(rounds):
        for _ in range(rounds):
            async with listening(served.ws, TOPICS) as client:
                await client.until("connected")

    async def everybody():
        await asyncio.gather(*(come_and_go(20) for _ in range(10)))

    asyncio.run(everybody())
    eventually(lambda: not notifier.clients and not notifier._subscribers)


@pytest.fixture
def filled(postgres_url):
    """A server of its own over three stocks and their bars."""
    with emptied(postgres_url) as database:
        fill(database)
        with serving(database) as served:
            yield served, database


def heard(price: int, at: datetime) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [SAMSUNG],
            "price": [price],
            "change_rate": [(price - 73_000) / 73_000 * 100],
            "volume": [5_000],
            "at": [at],
            "source": ["kiwoom"],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def test_a_price_heard_is_pushed_once_and_shown_until_the_bar_comes(filled):
    served, database = filled
    thursday = datetime(2026, 2, 5, 1, 0, tzinfo=UTC)

    def hear(price, at):
        with database.transaction() as tx:
            tx.prices.store(heard(price, at))

    async def talk():
        async with listening(served.ws, [f"price:{SAMSUNG}"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(hear, 74_100, thursday)
            told = await client.next()
            assert told["data"] == {
                "price": 74_100,
                "change": 1_100,
                "change_rate": 1.5068,
                "volume": 5_000,
                "timestamp": "2026-02-05T10:00:00+09:00",
            }
            await asyncio.to_thread(hear, 74_000, thursday - timedelta(seconds=1))
            await asyncio.to_thread(hear, 74_200, thursday + timedelta(seconds=1))
            assert (await client.next())["data"]["price"] == 74_200, "no older, none twice"

    asyncio.run(talk())
    with served.client() as client:
        stock = client.get(f"/api/kr/stocks/{SAMSUNG}").json()
    assert (stock["current_price"], stock["price_change"]) == (74_200, 1_200)
    assert stock["updated_at"] == "2026-02-05T10:00:01+09:00"
    assert stock["session"] == "2026-02-05"


def test_an_index_heard_is_pushed(filled):
    served, database = filled
    at = datetime(2030, 1, 2, 1, 0, tzinfo=UTC)

    def hear():
        with database.transaction() as tx:
            tx.prices.store_indices(
                pl.DataFrame(
                    {"name": ["KOSPI"], "value": [2750.25], "change_pct": [0.68], "at": [at]},
                    schema_overrides={"at": pl.Datetime("us", "UTC")},
                )
            )

    async def talk():
        async with listening(served.ws, ["market:kospi"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(hear)
            told = await client.next()
            assert (told["type"], told["name"]) == ("index_update", "KOSPI")
            assert told["data"] == {
                "value": 2750.25,
                "change_pct": 0.68,
                "timestamp": "2030-01-02T10:00:00+09:00",
            }

    asyncio.run(talk())
