"""Many clients, slow clients, clients that go away: nothing is left checked out or waiting."""

from __future__ import annotations

import asyncio
import gc
import json
import threading

import httpx
import psutil
import pytest
from api_listener import Listener, listening
from api_market import WED, publish, publish_everything
from api_server import eventually, serving
from databases import emptied
from websockets.asyncio.client import connect

from api.freshness import last_scans


@pytest.mark.slow
def test_aborted_requests_leave_no_connection_checked_out(postgres_url):
    async def ask(port, path, *, abort):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        if abort:
            writer.transport.abort()
            return 0
        status = int((await reader.readline()).split()[1])
        await reader.read()
        writer.close()
        return status

    async def load(port):
        free = asyncio.Semaphore(100)

        async def one(number):
            async with free:
                path = (
                    "/api/kr/scans",
                    "/api/kr/stocks/005930/chart?days=" + str(number % 900 + 1),
                )
                return await ask(port, path[number % 4 == 0], abort=number % 2 == 0)

        return await asyncio.gather(*(one(number) for number in range(2000)))

    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database, api_connections=5) as served:
            statuses = asyncio.run(load(served.port))
            assert statuses.count(0) == 1000
            assert set(statuses) <= {0, 200, 503}, "busy is an answer, on a slow machine"
            assert statuses.count(200) > 0
            eventually(lambda: served.services.reading.checked_out == 0)
            with served.client() as client:
                assert client.get("/api/kr/scans").status_code == 200


def test_requests_that_take_every_thread_delay_no_message_to_the_clients(postgres_url):
    over = threading.Event()

    async def talk(served, database):
        reading = served.services.reading
        long_reads = [asyncio.run_coroutine_threadsafe(reading(hold), served.loop) for _ in "12345"]
        async with listening(served.ws, ["signal:vcp"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(publish, database, "vcp", WED, 5)
            assert (await client.next())["data"]["count"] == 5
        assert not any(read.done() for read in long_reads)
        over.set()
        assert all([await asyncio.wrap_future(read) for read in long_reads])

    def hold(tx):
        return over.wait(60)

    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database, api_connections=5) as served:
            try:
                asyncio.run(talk(served, database))
            finally:
                over.set()


def test_however_many_ask_for_health_it_is_read_once(postgres_url, monkeypatch):
    over, reads = threading.Event(), []

    def slowly(*about):
        reads.append(about)
        over.wait(60)
        return last_scans(*about)

    monkeypatch.setattr("api.routes.health.last_scans", slowly)

    async def talk(served):
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as http:
            asking = [asyncio.create_task(http.get("/health")) for _ in range(40)]
            requests = served.server.server_state.tasks
            await asyncio.to_thread(eventually, lambda: len(requests) == 40 and reads)
            over.set()
            assert {a.status_code for a in await asyncio.gather(*asking)} == {200}

    with emptied(postgres_url) as database, serving(database) as served:
        try:
            asyncio.run(talk(served))
        finally:
            over.set()
    assert len(reads) == 1


def test_a_slow_reader_is_closed_with_1013_and_slows_nobody(postgres_url, monkeypatch):
    monkeypatch.setattr("api.transport.PATIENCE", 120.0)  # it reads on once all is over
    events = 260

    async def talk(served, database):
        slow = await connect(
            f"{served.ws}?subscribe=signal:vcp",
            max_size=None,
            max_queue=1,
            ping_interval=None,
            open_timeout=60,
        )
        async with listening(served.ws, ["signal:vcp"]) as quick:
            await quick.until("subscribed")
            publishing = asyncio.create_task(asyncio.to_thread(flood, database))
            for _ in range(events):
                assert (await quick.next())["type"] == "signal_update"
            await publishing
            await asyncio.to_thread(eventually, lambda: len(served.services.notifier.clients) == 1)
        return await Listener(slow).closed()

    def flood(database):
        for _ in range(events):
            about = {"session": WED.isoformat(), "as_of": "close", "signal_type": "vcp"}
            counts = {"new": 0, "changed": 1, "withdrawn": 0}
            with database.transaction() as tx:
                tx.events.append("signal:vcp", "signal_update", about | counts)

    with emptied(postgres_url) as database:
        publish(database, "vcp", WED, 100)
        with serving(database) as served:
            assert asyncio.run(talk(served, database)) == (1013, "too slow to read")


def test_who_does_not_end_a_request_is_hung_up_on_and_nobody_else(postgres_url, monkeypatch):
    monkeypatch.setattr("api.transport.REQUEST_SECONDS", 5.0)
    whole = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    begun = b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"

    async def hung_up(served, *sent):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for one in sent:
            writer.write(one)
            await asyncio.sleep(0.05)
        said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return said.count(b"200 OK")

    async def talk(served):
        async with listening(served.ws) as client:
            await client.until("connected")
            told = await asyncio.gather(
                hung_up(served),
                hung_up(served, whole[:20]),
                hung_up(served, whole, whole[:20]),
                hung_up(served, begun),
            )
            assert told == [0, 0, 1, 0]
            assert await client.ask(type="ping") == {"type": "pong"}

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served))
        eventually(lambda: not served.server.server_state.connections)


def test_a_reader_that_never_reads_again_is_cut_off(postgres_url, monkeypatch):
    monkeypatch.setattr("api.transport.PATIENCE", 0.2)

    async def talk(served):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: [::1]\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b"101" in await reader.readline()
        await asyncio.to_thread(eventually, lambda: len(served.services.notifier.clients) == 1)
        await asyncio.to_thread(eventually, lambda: not served.server.server_state.connections)
        writer.transport.abort()

    with (
        emptied(postgres_url) as database,
        serving(database, ping_seconds=0.2, silent_seconds=0.5) as served,
    ):
        asyncio.run(talk(served))


def test_500_clients_dropped_at_once_leave_nothing(postgres_url):
    async def talk(served, database):
        sockets = await asyncio.gather(
            *(
                connect(
                    f"{served.ws}?subscribe=signal:vcp,scan", ping_interval=None, open_timeout=120
                )
                for _ in range(500)
            )
        )
        notifier = served.services.notifier
        await asyncio.to_thread(eventually, lambda: len(notifier.clients) == 500)
        for socket in sockets:
            socket.transport.abort()
        await asyncio.to_thread(publish, database, "vcp", WED, 2)
        await asyncio.to_thread(eventually, lambda: not notifier.clients)
        assert not notifier._subscribers
        with database.reader() as tx:
            last = tx.events.last_id()
        await asyncio.to_thread(served.settle, last)
        async with listening(served.ws, ["signal:vcp"]) as client:
            await client.until("subscribed")
            await asyncio.to_thread(publish, database, "vcp", WED, 3)
            assert (await client.next())["data"]["count"] == 3

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served, database))


@pytest.mark.slow
def test_nothing_is_left_of_10000_clients_that_came_and_went(postgres_url):
    async def come_and_go(port, rounds):
        for _ in range(rounds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"GET /ws?subscribe=signal:vcp,scan HTTP/1.1\r\nHost: [::1]\r\n"
                b"Upgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await reader.readuntil(b'"scan"}')
            writer.transport.abort()

    async def everybody(port):
        await asyncio.gather(*(come_and_go(port, 200) for _ in range(25)))

    def held():
        """Bytes, once everybody has gone."""
        notifier = served.services.notifier
        eventually(lambda: not notifier.clients and not served.server.server_state.connections)
        assert not notifier._subscribers
        gc.collect()
        return psutil.Process().memory_info().rss

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(everybody(served.port))
        before = held()
        asyncio.run(everybody(served.port))
        assert held() - before < 16 * 2**20  # of 5,000 clients, each of which needs 20 KB at least
        left = [o for o in gc.get_objects() if type(o).__name__ in ("Client", "Connection")]
        assert [o for o in left if type(o).__module__.startswith("api.")] == []


def test_after_a_shutdown_no_task_and_no_connection_is_left_and_clients_were_told(postgres_url):
    async def talk(served):
        sockets = [
            await connect(f"{served.ws}?subscribe=scan", ping_interval=None) for _ in range(20)
        ]
        for socket in sockets:
            assert json.loads(await socket.recv())["type"] == "connected"
        served.server.should_exit = True
        return {(await Listener(socket).closed())[0] for socket in sockets}

    with emptied(postgres_url) as database:
        with serving(database) as served:
            codes = asyncio.run(talk(served))
        assert codes <= {1001, 1012}
        assert served.leftovers == []
        assert served.database.checked_out == 0
        with database.connection() as connection:
            from sqlalchemy import text

            left = text("SELECT count(*) FROM pg_stat_activity WHERE usename = 'closebell_reader'")
            eventually(lambda: connection.scalar(left) == 0)


def test_a_timeout_of_the_work_itself_is_not_called_a_slow_database(postgres_url):
    def late(tx):
        raise TimeoutError("of its own")

    with emptied(postgres_url) as database, serving(database) as served:
        with pytest.raises(TimeoutError, match="of its own"):
            served.run(served.services.reading(late))
        assert served.services.reading.checked_out == 0
