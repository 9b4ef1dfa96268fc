"""The day that tests/system/test_bad_day.py goes through, and what is reckoned up at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
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
from bad_day_reckoning import TOPICS, prefect_said, rows
from databases import DEBIAN
from followers import Follower, following
from house import FINAL, House, house, wait_for
from many_hosts import kill_tree
from rehearsal import BEFORE, DAY, Rehearsal, play_quietly, rehearsal

from db.database import Database

SILENCE = timedelta(seconds=75)  # instead of 150, so that the test needn't wait as long
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
WELL = ("Completed", "Skipped")


@dataclass
class Day:
    """What goes on through all tests."""

    house: House
    market: Rehearsal
    followers: list[Follower]
    """One behind the proxy, one that knows only the API that will die."""
    alarms: Receiver
    """What Prefect's server calls."""
    alerts: Receiver
    """What closebell's own alerts are sent to."""
    done: list[tuple[str, str, date]] = field(default_factory=list)
    """Flow, time and session of what was completed, in order."""
    lost: dict[UUID, str] = field(default_factory=dict)
    """Runs that ended badly, and how."""
    table: list[tuple[str, str, str]] = field(default_factory=list)

    def saw(self, fault: str, seen: str, lost: str = "nothing") -> None:
        self.table.append((fault, seen, lost))
        write(self.table)

    def ended(self, run: UUID) -> str:
        if (state := self.house.ended(run)) not in WELL:
            self.lost[run] = state
        return state

    def begin(self, flow: str, clock: str, session: date = DAY, **more: str) -> UUID:
        """It is that time now, and the flow is due."""
        self.market.at(clock, session)
        return self.house.run(flow, **more)

    def completed(self, run: UUID, flow: str, clock: str, session: date = DAY) -> None:
        assert self.ended(run) == "Completed", f"{flow} of {clock}: {self.house.state(run)}"
        self.done.append((flow, clock, session))

    def does(self, flow: str, clock: str) -> None:
        self.completed(self.begin(flow, clock), flow, clock)

    def done_in_the_end(self, run: UUID, flow: str, clock: str) -> str:
        """How the run ended, and what was done about it if badly: it is run again."""
        if (state := self.ended(run)) != "Completed":
            self.does(flow, clock)
            return f"that run ended {state}; the next completes"
        self.done.append((flow, clock, DAY))
        return "that very run waits and completes"

    def held_at(self, table: str, flow: str, clock: str) -> UUID:
        """A run that waits to write to a table that is `held`."""
        run = self.begin(flow, clock)
        wait_for(f"{flow} waits for {table}", lambda: self.waits(run, table))
        return run

    def waits(self, run: UUID, table: str) -> bool:
        if (state := self.house.state(run))["type"] in FINAL:
            raise AssertionError(f"it was to wait for {table}, but ended: {state}")
        return bool(self.house.waiting_on(table))

    def kill_at(self, table: str, flow: str, clock: str) -> None:
        """SIGKILL a run that is about to write to that table."""
        with held(self.house, table):
            run = self.held_at(table, flow, clock)
            kill_tree(host_of(self.house, run)[1])
        assert self.ended(run) == "Crashed", self.house.state(run)


def _require_tools() -> None:
    missing = [tool for tool in ("caddy", "redis-server", "ip") if shutil.which(tool) is None]
    missing += [str(file) for file in (DEBIAN / "postgres", FAKETIME) if not file.is_file()]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and Debian's packages (missing: {missing})")


@contextmanager
def bad_day() -> Iterator[Day]:
    """Everything up, the day before it not yet begun; skips where it can't be."""
    _require_tools()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="closebell-")))
        folder.chmod(0o755)
        market = stack.enter_context(rehearsal(folder))
        alarms = stack.enter_context(receiving("0.0.0.0"))
        alerts = stack.enter_context(receiving("0.0.0.0"))
        built = stack.enter_context(
            house(folder, lambda address: market.environment(address, alerts.port), alarms.port)
        )
        market.store_history(built.db)
        patience(built, "closebell: a run fell silent", SILENCE)
        addresses = (built.api, f"http://{built.hosts['api-a'].address}:8000")
        followers = [
            stack.enter_context(following(f"{address}/ws".replace("http", "ws"), TOPICS, 0))
            for address in addresses
        ]
        yield Day(built, market, followers, alarms, alerts)


def patience(built: House, name: str, within: timedelta) -> timedelta:
    """Make an automation wait that long; gives how long it did before."""
    for automation in built.ask("POST", "/automations/filter"):
        if automation["name"] == name:
            kept = ("name", "description", "enabled", "trigger", "actions", "tags")
            body = {k: v for k, v in automation.items() if k in kept}
            before = timedelta(seconds=body["trigger"]["within"])
            body["trigger"]["within"] = within.total_seconds()
            built.ask("PUT", f"/automations/{automation['id']}", **body)
            return before
    raise AssertionError(f"there is no automation {name}")


@contextmanager
def held(built: House, table: str) -> Iterator[None]:
    """Nobody can write to that table: a run stops there until this ends."""
    connection = psycopg.connect(built.postgres.url("closebell"))
    try:
        connection.execute(f"LOCK TABLE public.{table} IN EXCLUSIVE MODE".encode())
        yield
    finally:
        connection.close()


def host_of(built: House, run: UUID) -> tuple[str, int]:
    return wait_for("a worker does the run", lambda: built.process_of(run))


def an_undisturbed_day(day: Day) -> dict[str, Counter[tuple[Any, ...]]]:
    """The same runs, one after the other, in a database that nothing happens to."""
    built = day.house
    with psycopg.connect(built.postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE quiet")
    quiet = Database(built.postgres.url("quiet"), "real")
    try:
        quiet.upgrade()
        day.market.store_history(quiet)
        play_quietly(built, day.market, "quiet", list(dict.fromkeys(day.done)))
    finally:
        quiet.close()
    return rows(built, "quiet", BEFORE.isoformat())


def expected_of_prefect(day: Day) -> Counter[tuple[str, str]]:
    """One that was late, and each scan people wait for that was lost."""
    expected = Counter[tuple[str, str]]()
    for run in day.lost:
        flow = flow_of(day.house, run)
        if flow in ("closing-bet", "end-of-day"):
            expected[f"{flow} wasn't done", name_of(day.house, run)] += 1
    lates = [said for said in prefect_said(day.alarms) if "hasn't ended" in said[0]]
    expected[lates[0]] += 1
    return expected


def differing(seen: list[int], told: list[int]) -> str:
    twice = [n for n, times in Counter(seen).items() if times > 1]
    return (
        f"not seen {sorted(set(told) - set(seen))}, twice {twice}, in order {seen == sorted(seen)}"
    )


def flow_of(built: House, run: UUID) -> str:
    deployment = built.ask("GET", f"/flow_runs/{run}")["deployment_id"]
    return str(built.ask("GET", f"/deployments/{deployment}")["name"])


def name_of(built: House, run: UUID) -> str:
    return str(built.ask("GET", f"/flow_runs/{run}")["name"])


def write(table: list[tuple[str, str, str]]) -> None:
    if chosen := os.environ.get("CLOSEBELL_BAD_DAY"):
        lines = [f"| {fault} | {seen} | {lost} |" for fault, seen, lost in table]
        head = ["| fault | seen | lost |", "|---|---|---|"]
        Path(chosen).write_text("\n".join([*head, *lines]) + "\n")
