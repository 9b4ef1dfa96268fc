"""PostgreSQL goes away and comes back under load."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import psutil
import pytest
from api_listener import listening
from api_market import WED, publish, publish_everything
from api_server import eventually, serving
from databases import migrated

from db import Database
from db.embedded import embedded_server
from db.embedded.binaries import find_binaries, runnable_by
from db.embedded.owner import owner_for
from db.embedded.process import Server

TOPICS = ("signal:vcp", "signal:daytrading")


@pytest.fixture
def stoppable(tmp_path: Path):
    """A database and the server under it, to stop and start."""
    with embedded_server(tmp_path, options={"fsync": "off"}) as url, migrated(url):
        folder = tmp_path / "postgresql"
        owner = owner_for(folder)
        server = Server(folder / "cluster", owner, folder / "server.log", url)
        programs = runnable_by(owner, find_binaries(), tmp_path / "shelf")
        database = Database(url)
        try:
            yield database, server, lambda: server.start(programs, 60, lambda _: None)
        finally:
            database.close()


def test_a_database_that_hangs_is_503_in_time_and_answers_when_it_goes_on(stoppable, monkeypatch):
    database, server, _ = stoppable
    publish_everything(database)
    with serving(database) as served, served.client() as client:
        assert client.get("/api/kr/scans").status_code == 200
        postmaster = psutil.Process(server.noted_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.suspend()
        monkeypatch.setattr("api.reading.READ_SECONDS", 0.5)
        try:
            answer = client.get("/api/kr/scans?limit=3")
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:closebell:problem:database-refused"
            health = client.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        finally:
            monkeypatch.undo()
            for process in family:
                process.resume()
        eventually(lambda: served.services.reading.checked_out == 0)
        assert client.get("/api/kr/scans?limit=3").status_code == 200


@pytest.mark.slow
def test_requests_fail_fast_meanwhile_and_nothing_is_lost_afterwards(stoppable):
    database, server, start = stoppable
    publish_everything(database)
    with database.reader() as tx:
        began = tx.events.last_id()
    answers: list[tuple[int, str, float]] = []
    over = threading.Event()

    def load(served):
        with served.client() as client:
            while not over.is_set():
                answer = client.get("/api/kr/scans")
                kind = "" if answer.status_code == 200 else answer.json()["type"]
                answers.append((answer.status_code, kind, answer.elapsed.total_seconds()))

    async def follow(served):
        async with listening(served.ws, TOPICS, began) as client:
            await client.until("subscribed")
            await client.until("subscribed")
            await asyncio.to_thread(publish, database, "vcp", WED, 4)
            seen = [(await client.next())["event_id"]]
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(eventually, lambda: not served.services.notifier.listening)
            with served.client() as http:
                health = await asyncio.to_thread(http.get, "/health")
                assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
                assert (await asyncio.to_thread(http.get, "/health/ready")).status_code == 503
                assert (await asyncio.to_thread(http.get, "/health/live")).status_code == 200
            await asyncio.to_thread(start)
            # Committed before anybody listens again.
            await asyncio.to_thread(publish, database, "vcp", WED, 5)
            await asyncio.to_thread(publish, database, "daytrading", WED, 5)
            seen += [(await client.next(90))["event_id"], (await client.next())["event_id"]]
            await asyncio.to_thread(publish, database, "vcp", WED, 6)
            seen.append((await client.next())["event_id"])
            return seen

    with serving(database) as served:
        loaders = [threading.Thread(target=load, args=(served,)) for _ in range(6)]
        for thread in loaders:
            thread.start()
        try:
            seen = asyncio.run(follow(served))
            with served.client() as client:
                eventually(lambda: client.get("/health/ready").status_code == 200)
                assert len(client.get("/api/kr/signals?signal_type=vcp").json()) == 6
        finally:
            over.set()
            for thread in loaders:
                thread.join()
        assert served.services.reading.checked_out == 0
    with database.reader() as tx:
        assert seen == [e["id"] for e in tx.events.after(began) if e["topic"] in TOPICS]
    assert {status for status, _, _ in answers} == {200, 503}
    kinds = {kind.rpartition(":")[2] for _, kind, _ in answers if kind}
    assert kinds <= {"database-unavailable", "busy"}
    assert answers[-1][0] == 200
    assert max(seconds for _, _, seconds in answers) < 25  # the API's own limits, twice over
