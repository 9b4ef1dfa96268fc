"""The whole of closebell on several hosts, and what may happen to it: nothing is lost.

Each test takes the next session of the sample market. With CLOSEBELL_BAD_DAY=FILE the table of
what was done and seen is written there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from alert_receivers import Receiver, receiving
from api_listener import listening
from databases import DEBIAN
from followers import Follower, following
from house import House, house, wait_for
from many_hosts import kill_tree

from db.database import Database
from market.calendar import TradingCalendar

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.system,
    pytest.mark.timeout(1500),
]

TOPICS = ("signal:vcp", "signal:daytrading", "signal:closing_bet", "market-gate", "scan")
SILENCE = timedelta(seconds=75)  # instead of 150, so that the test needn't wait as long
CUT = 10  # seconds
FIRST = date(2026, 3, 9)


@dataclass
class Day:
    """What goes on through all tests."""

    house: House
    followers: list[Follower]
    """One behind the proxy, one that knows only the API that will die."""
    alarms: Receiver
    sessions: Iterator[date]
    done: list[date] = field(default_factory=list)
    lost: dict[UUID, str] = field(default_factory=dict)
    """Runs that ended badly, and how: those a person must be told of."""
    table: list[tuple[str, str, str]] = field(default_factory=list)

    def next_session(self) -> date:
        session = next(self.sessions)
        self.done.append(session)
        return session

    def saw(self, fault: str, seen: str, lost: str = "nothing") -> None:
        self.table.append((fault, seen, lost))

    def ended(self, run: UUID) -> str:
        if (state := self.house.ended(run)) != "Completed":
            self.lost[run] = state
        return state

    def complete(self, session: date) -> list[tuple[Any, ...]]:
        """Run it, through whichever server and worker is there; what is published."""
        state = self.house.run("end-of-day", session=session.isoformat())
        assert self.ended(state) == "Completed", self.house.state(state)
        published = self.house.published(session)
        assert published
        return published


def _require_tools() -> None:
    missing = [tool for tool in ("caddy", "redis-server", "ip") if shutil.which(tool) is None]
    if missing or not (DEBIAN / "postgres").is_file() or os.geteuid() != 0:
        pytest.skip(f"needs root and Debian's packages (missing: {missing})")


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    _require_tools()
    calendar = TradingCalendar()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="closebell-")))
        folder.chmod(0o755)
        built, alarms = stack.enter_context(house_with_alarms(folder))
        patience(built, "closebell: a run fell silent", SILENCE)
        patience(built, "closebell: closing-bet is late", timedelta(seconds=10))
        addresses = (built.api, f"http://{built.hosts['api-a'].address}:8000")
        followers = [
            stack.enter_context(following(f"{address}/ws".replace("http", "ws"), TOPICS, 0))
            for address in addresses
        ]
        sessions = iter(calendar.sessions(FIRST, FIRST + timedelta(days=60)))
        yield Day(built, followers, alarms, sessions)


@contextmanager
def house_with_alarms(folder: Path) -> Iterator[tuple[House, Receiver]]:
    with receiving("0.0.0.0") as alarms, house(folder, alarms.port) as built:
        yield built, alarms


def patience(built: House, name: str, within: timedelta) -> None:
    """Make an automation wait less long."""
    for automation in built.ask("POST", "/automations/filter"):
        if automation["name"] == name:
            kept = ("name", "description", "enabled", "trigger", "actions", "tags")
            body = {k: v for k, v in automation.items() if k in kept}
            body["trigger"]["within"] = within.total_seconds()
            built.ask("PUT", f"/automations/{automation['id']}", **body)
            return
    raise AssertionError(f"there is no automation {name}")


@contextmanager
def held(built: House, table: str) -> Iterator[psycopg.Connection[Any]]:
    """Nobody can write to that table of the sample market: a run stops there until this ends."""
    connection = psycopg.connect(built.postgres.url("closebell"))
    try:
        connection.execute(f"LOCK TABLE sample.{table} IN EXCLUSIVE MODE")
        yield connection
    finally:
        connection.close()


def started_up_to(built: House, session: date, table: str) -> UUID:
    """A run of that session that waits to write to the table."""
    run = built.run("end-of-day", session=session.isoformat())
    wait_for(f"a run waits for {table}", lambda: built.waiting_on(table))
    return run


def host_of(built: House, run: UUID) -> tuple[str, int]:
    return wait_for("a worker does the run", lambda: built.process_of(run))


def test_each_of_two_servers_starts_runs_and_each_of_two_apis_tells_of_them(day: Day) -> None:
    built = day.house

    async def told(name: str, server: str, session: date) -> dict[str, Any]:
        address = f"ws://{built.hosts[name].address}:8000/ws"
        since = await asyncio.to_thread(last_event, built)
        async with listening(address, TOPICS, since) as client:
            run = await asyncio.to_thread(
                built.run, "end-of-day", server, session=session.isoformat()
            )
            ended = asyncio.create_task(asyncio.to_thread(day.ended, run))
            while "event_id" not in (frame := await client.next(300)):
                if frame["type"] == "ping":
                    await client.say(type="pong")
            assert await ended == "Completed"
            return frame

    for server, name in (("prefect-a", "api-b"), ("prefect-b", "api-a")):
        session = day.next_session()
        frame = asyncio.run(told(name, server, session))
        assert frame["topic"] in TOPICS
        assert built.published(session)
    day.saw("none", "runs of both servers' APIs done by the pool, told of by both APIs")


def last_event(built: House) -> int:
    with built.db.reader() as tx:
        return int(tx.events.last_id())


def test_a_scan_that_nobody_begins_is_told_of_by_prefect_s_server(day: Day) -> None:
    built = day.house
    built.ask("PATCH", "/work_pools/closebell", is_paused=True)
    run = built.run("closing-bet")
    try:
        wait_for("the webhook is called", lambda: late(day))
    finally:
        built.ask("DELETE", f"/flow_runs/{run}")
        built.ask("PATCH", "/work_pools/closebell", is_paused=False)
    assert [text.split(" (")[0] for text in late(day)] == [
        "closebell: closing-bet hasn't ended 4 minutes after it was due"
    ]
    day.saw("no worker takes a closing bet", "Prefect's server calls the webhook, once")


def late(day: Day) -> list[str]:
    texts = [str(got.json["text"]) for got in day.alarms.got]
    return [text for text in texts if "hasn't ended" in text]


def test_a_run_killed_in_each_step_leaves_nothing_half(day: Day) -> None:
    built, session = day.house, day.next_session()
    for table in ("daily_bars", "scan_runs", "events"):
        with held(built, table):
            run = started_up_to(built, session, table)
            kill_tree(host_of(built, run)[1])
        assert day.ended(run) == "Crashed"
        assert built.published(session) == []
    # The next session's run catches up with it.
    day.saw(
        "run killed (SIGKILL) storing, publishing, announcing",
        "worker marks it Crashed, nothing half is stored; the next run completes",
    )


def test_two_hosts_at_the_same_session_leave_the_rows_of_one(day: Day) -> None:
    built, session = day.house, day.next_session()
    command = ("run", "end-of-day", "--session", session.isoformat())
    racing = [built.closebell(host, *command) for host in ("worker-a", "worker-b")]
    for process in racing:
        assert process.wait(400) == 0
    assert built.published(session)
    assert set(told_of(built, session).values()) == {1}
    day.saw("two hosts race for one session", "both complete, each event once")


def told_of(built: House, session: date) -> Counter[str]:
    with built.db.reader() as tx:
        events = tx.events.after(0)
    return Counter(
        e["topic"]
        for e in events
        if e["topic"] in TOPICS and e["payload"].get("session") == session.isoformat()
    )


def test_a_postgresql_that_crashes_in_the_middle_of_a_run_loses_nothing(day: Day) -> None:
    built, session = day.house, day.next_session()
    with held(built, "scan_runs"):
        run = started_up_to(built, session, "scan_runs")
        built.postgres.stop("immediate")
    built.postgres.start()
    state = day.ended(run)
    day.complete(session)
    day.saw("PostgreSQL crashes during a run", f"that run ended {state}; the next completes")


def test_a_prefect_server_an_api_and_redis_that_die_leave_the_work_to_the_others(day: Day) -> None:
    built, session = day.house, day.next_session()
    with held(built, "scan_runs"):
        run = started_up_to(built, session, "scan_runs")
        built.hosts["prefect-a"].die()
        built.hosts["api-a"].die()
        built.kill_redis()
        built.start_redis()
    assert day.ended(run) == "Completed"
    assert built.published(session)
    built.start_server("prefect-a")
    built.start_api("api-a")
    day.saw(
        "one of two Prefect servers and one of two APIs die, Redis is killed and restarted",
        "the run goes on and completes; clients come back to the twin",
    )


def test_a_cable_pulled_for_a_while_is_waited_for(day: Day) -> None:
    built, session = day.house, day.next_session()
    with held(built, "scan_runs"):
        run = started_up_to(built, session, "scan_runs")
        host = built.hosts[host_of(built, run)[0]]
        host.pull_the_cable()
    time.sleep(CUT)
    host.plug_the_cable_in()
    state = day.ended(run)
    day.complete(session)
    day.saw(
        f"network between a worker and everything else cut for {CUT} s", f"that run ended {state}"
    )


def test_a_full_disk_stops_writing_and_nothing_stored_before_is_touched(day: Day) -> None:
    built, session = day.house, day.next_session()
    before = {done: built.published(done) for done in day.done[:-1]}
    with held(built, "daily_bars"):
        run = started_up_to(built, session, "daily_bars")
        filler = built.postgres.fill_the_disk()
    wait_for("the disk's end is noticed", lambda: "No space left" in built.postgres.said())
    filler.unlink()
    built.postgres.start_unless_up()
    state = day.ended(run)
    assert {done: built.published(done) for done in day.done[:-1]} == before
    day.complete(session)
    day.saw("PostgreSQL's disk is full", f"that run ended {state}; room made, the next completes")


def test_a_host_that_loses_power_has_its_run_ended_and_its_work_done_by_the_other(day: Day) -> None:
    built, session = day.house, day.next_session()
    with held(built, "scan_runs"):
        run = started_up_to(built, session, "scan_runs")
        name, pid = host_of(built, run)
        kill_tree(pid)
        built.hosts[name].die()
    assert built.state(run)["type"] == "RUNNING"
    assert day.ended(run) == "Crashed"
    assert "nothing was heard of it" in built.state(run)["message"]
    day.complete(session)
    built.start_worker(name)
    day.saw(
        "a worker's host loses power",
        f"its run is ended as Crashed {SILENCE.seconds} s after its last sign; the other goes on",
    )


def test_at_the_end_of_the_day_everything_is_there_once(day: Day) -> None:
    built = day.house
    undisturbed = rows_of_an_undisturbed_day(built, day.done)
    for session in day.done:
        assert built.published(session) == undisturbed[session], session

    with built.db.reader() as tx:
        told = [e["id"] for e in tx.events.after(0) if e["topic"] in TOPICS]
    for follower in day.followers:
        wait_for("the client has read to the end", lambda f=follower: f.seen[-1:] == told[-1:])
        assert follower.seen == told
    assert day.followers[1].returns >= 1

    runs = built.ask("POST", "/flow_runs/filter")
    ours = [r for r in runs if "auto-scheduled" not in r["tags"]]
    assert {r["state_type"] for r in ours} <= {"COMPLETED", "FAILED", "CRASHED"}
    assert set(day.lost) == {UUID(r["id"]) for r in ours if r["state_type"] != "COMPLETED"}

    wait_for("each lost run was told of", lambda: len(alarmed(day)) >= len(day.lost))
    assert alarmed(day) == Counter(name_of(built, run) for run in day.lost)

    wait_for("no connection is left to closebell's database", lambda: not leaked(built))
    day.saw("all of it", f"{len(day.done)} sessions, {len(told)} events, {len(day.lost)} alarms")
    write(day.table)


def rows_of_an_undisturbed_day(
    built: House, sessions: list[date]
) -> dict[date, list[tuple[Any, ...]]]:
    """The same sessions, one after the other, in a database that nothing happened to."""
    with psycopg.connect(built.postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE quiet")
    quiet = Database(built.postgres.url("quiet"), "sample")
    try:
        quiet.upgrade()
        first, last = sessions[0].isoformat(), sessions[-1].isoformat()
        filling = built.closebell(
            *("services", "backfill", "--from", first, "--to", last),
            CLOSEBELL_DATABASE_URL=built.postgres.url("quiet"),
        )
        assert filling.wait(400) == 0, built.hosts["services"].log("backfill")
        disturbed, built.db = built.db, quiet
        found = {session: built.published(session) for session in sessions}
        built.db = disturbed
    finally:
        quiet.close()
    return found


def alarmed(day: Day) -> Counter[str]:
    """The names of the runs that the webhook was told of as not done."""
    texts = [got.json["text"] for got in day.alarms.got]
    return Counter(t.split("(")[1].split(",")[0] for t in texts if "wasn't done" in t)


def name_of(built: House, run: UUID) -> str:
    return str(built.ask("GET", f"/flow_runs/{run}")["name"])


def leaked(built: House) -> list[tuple[Any, ...]]:
    """Connections of workers although no run goes on, and transactions that nobody ends."""
    workers = [built.hosts[name].address for name in ("worker-a", "worker-b")]
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        return connection.execute(
            "SELECT pid, client_addr, state FROM pg_stat_activity WHERE datname = 'closebell' AND"
            " (host(client_addr) = ANY(%s) OR state = 'idle in transaction')",
            [workers],
        ).fetchall()


def write(table: list[tuple[str, str, str]]) -> None:
    if chosen := os.environ.get("CLOSEBELL_BAD_DAY"):
        lines = [f"| {fault} | {seen} | {lost} |" for fault, seen, lost in table]
        head = ["| fault | seen | lost |", "|---|---|---|"]
        Path(chosen).write_text("\n".join([*head, *lines]) + "\n")
