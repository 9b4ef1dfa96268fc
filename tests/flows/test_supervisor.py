"""Parts kept running: in order, again after an end, and all gone when it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from flows.supervisor import Part, State, Supervisor, last_words

FOREVER = ("sh", "-c", "echo here; exec sleep 600")


def said(supervisor_changes, name):
    return [state for n, state, _ in supervisor_changes if n == name]


async def started(parts, logs, until, **options):
    """Run until `until(supervisor, changes)` holds, stop, and give what was told."""
    changes: list[tuple[str, State, str]] = []
    supervisor = Supervisor(
        parts,
        logs,
        lambda name, seen: changes.append((name, seen.state, seen.detail)),
        first_delay=0.05,
        **options,
    )
    running = asyncio.ensure_future(supervisor.run())
    async with asyncio.timeout(60):
        while not until(supervisor, changes):
            assert not running.done()
            await asyncio.sleep(0.02)
    pids = [seen.pid for seen in supervisor.seen.values() if seen.pid]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    return changes


def test_a_part_waits_for_what_it_needs_and_stops_before_it(tmp_path):
    mark = tmp_path / "mark"

    async def marked():
        return mark.exists()

    first = Part("first", ("sh", "-c", f"sleep 0.3; touch {mark}; exec sleep 600"), ready=marked)
    second = Part("second", FOREVER, needs=("first",))
    log = tmp_path / "logs" / "second.log"

    def up(supervisor, _changes):
        running = supervisor.seen["second"].state == State.RUNNING
        return running and log.read_text() == "here\n"

    changes = asyncio.run(started([first, second], log.parent, up))
    order = [(name, state) for name, state, _ in changes]
    assert order == [
        ("first", State.STARTING),
        ("first", State.RUNNING),
        ("second", State.STARTING),
        ("second", State.RUNNING),
        ("second", State.STOPPED),
        ("first", State.STOPPED),
    ]


def test_a_part_that_ends_is_started_again_and_its_words_are_told(tmp_path):
    fails = Part("fails", ("sh", "-c", "echo error: no luck; echo '  try: more'; exit 3"))
    changes = asyncio.run(started([fails], tmp_path, lambda s, _: s.seen["fails"].restarts >= 3))
    again = [detail for _, state, detail in changes if state == State.AGAIN]
    assert again[0].startswith("ended with exit code 3: error: no luck; again in")
    assert len(again) == 3


def test_a_killed_part_is_started_again(tmp_path):
    killed = []

    def until(supervisor, changes):
        seen = supervisor.seen["part"]
        if seen.state == State.RUNNING and not killed:
            killed.append(seen.pid)
            os.kill(seen.pid, signal.SIGKILL)
        return bool(killed) and seen.state == State.RUNNING and seen.pid != killed[0]

    changes = asyncio.run(started([Part("part", FOREVER)], tmp_path, until))
    assert any("ended by signal 9" in detail for _, _, detail in changes)


def test_what_runs_once_is_done_and_only_then_lets_others_begin(tmp_path):
    once = Part("once", ("sh", "-c", "sleep 0.3"), once=True)
    after = Part("after", FOREVER, needs=("once",))
    changes = asyncio.run(
        started([once, after], tmp_path, lambda s, _: s.seen["after"].state == State.RUNNING)
    )
    order = [(name, state) for name, state, _ in changes]
    assert order.index(("once", State.DONE)) < order.index(("after", State.STARTING))
    assert said(changes, "once")[-1] == State.DONE


def test_the_log_of_a_part_that_runs_on_is_kept_small(tmp_path):
    speaks = Part("speaks", ("sh", "-c", "while :; do echo a line of thirty characters; done"))
    log, older = tmp_path / "speaks.log", tmp_path / "speaks.log.1"

    def emptied_and_filled_again(_supervisor, _changes):
        return older.exists() and older.read_text() and log.stat().st_size > 0

    limits = {"largest_log": 10_000, "look_at_log_every": 0.05}
    asyncio.run(started([speaks], tmp_path, emptied_and_filled_again, **limits))
    assert older.read_text().startswith("a line")


def test_what_a_part_said_before_its_log_was_emptied_or_it_was_started_again_does_not_count(
    tmp_path,
):
    log, went, go = (tmp_path / name for name in ("worker.log", "went", "go"))
    log.write_text("up!\n" * 5_000)
    again = f"while [ ! -e {go} ]; do sleep 0.05; done"
    script = f"[ -e {went} ] && {again}; touch {went}; echo up!; exec sleep 600"
    worker = Part("worker", ("sh", "-c", script), says="up!")
    killed, looked = [], []

    def until(supervisor, changes):
        seen = supervisor.seen["worker"]
        if seen.state == State.RUNNING and not killed:
            killed.append(seen.pid)
            os.kill(seen.pid, signal.SIGKILL)
        if killed and seen.state == State.STARTING:
            looked.append(seen.pid)
            if len(looked) == 40:
                go.touch()
        return said(changes, "worker").count(State.RUNNING) == 2

    changes = asyncio.run(started([worker], tmp_path, until, largest_log=10_000))
    begun = [State.STARTING, State.RUNNING]
    assert said(changes, "worker") == [*begun, State.AGAIN, *begun, State.STOPPED]
    assert len(looked) >= 40
    assert log.read_text() == "up!\n" * 2


def test_what_does_not_stop_is_killed_with_its_children(tmp_path):
    deaf = Part(
        "deaf", ("sh", "-c", "trap '' TERM; sleep 601 & echo $!; wait; wait; wait"), grace=0.3
    )
    log = tmp_path / "deaf.log"
    asyncio.run(started([deaf], tmp_path, lambda *_: log.exists() and log.read_text().strip()))
    child = int(log.read_text().split()[0])
    deadline = time.monotonic() + 20
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_parts_do_not_outlive_a_killed_supervisor(tmp_path):
    program = (
        "import asyncio, sys; from pathlib import Path; from flows.supervisor import *\n"
        f"part = Part('part', {FOREVER!r})\n"
        "show = lambda name, seen: print(seen.state, seen.pid, flush=True)\n"
        f"asyncio.run(Supervisor([part], Path({str(tmp_path)!r}), show).run())"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with parent:
        for line in parent.stdout:
            if line.startswith("running"):
                break
        child = psutil.Process(int(line.split()[1]))
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=20)
    assert not alive or alive[0].status() == psutil.STATUS_ZOMBIE


def test_the_last_words_are_the_error_if_one_was_told(tmp_path):
    log = tmp_path / "log"
    assert last_words(log) == "nothing was printed"
    log.write_text("")
    assert last_words(log) == "nothing was printed"
    log.write_text("one\ntwo\n")
    assert last_words(log) == "two"
    log.write_text("one\nerror: broken\n  try: mend it\n")
    assert last_words(log) == "error: broken"
