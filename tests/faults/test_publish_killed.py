"""A process killed after it wrote its signals and before it announced them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from api_listener import listening
from api_market import WED, publish
from api_server import serving

from db.database import Database

ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from api_market import WED, publish
from db.database import Database
from db.repositories.events import Events
def die(self):
    written = self._connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
    os.kill(os.getpid(), signal.SIGKILL if written == 3 else signal.SIGTERM)
Events.flush = die
publish(Database(sys.argv[1]), "vcp", WED, 3)
"""


def test_killed_between_write_and_announcement_the_next_run_is_told_once(
    database: Database, postgres_url: str
) -> None:
    async def follow(address: str) -> None:
        async with listening(address, ["signal:vcp"]) as client:
            await client.until("subscribed")
            killed = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", KILLED, postgres_url],
                env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"},
                timeout=120,
            )
            assert killed.returncode == -signal.SIGKILL
            with database.reader() as tx:
                assert tx.events.last_id() == 0
                assert tx.signals.find().is_empty()
                assert tx.runs.recent(1) == []
            await asyncio.to_thread(publish, database, "vcp", WED, 3)  # by the retry
            await asyncio.to_thread(publish, database, "vcp", WED, 3)  # and once more
            told = await client.until("signal_update")
            assert (told["data"]["count"], told["data"]["new"]) == (3, 3)
            assert await client.ask(type="ping") == {"type": "pong"}  # nothing in between

    with serving(database) as served:
        asyncio.run(follow(served.ws))
        with database.reader() as tx:
            assert [event["kind"] for event in tx.events.after(0)] == ["signal_update"]
