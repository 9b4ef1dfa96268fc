"""A whole market day on several hosts, and what may happen to it: nothing is lost.

The tests are the hours of one day, in order. With CLOSEBELL_BAD_DAY=FILE the table of what was
done and seen is written there.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pprint import pformat
from typing import Any
from uuid import UUID

import pytest
from api_listener import listening
from bad_day import (
    FAKETIME,
    SILENCE,
    WELL,
    Day,
    an_undisturbed_day,
    bad_day,
    differing,
    expected_of_prefect,
    held,
    host_of,
    name_of,
    patience,
)
from bad_day_reckoning import (
    TOPICS,
    announced,
    calls_counted,
    closebell_said,
    event_ids,
    leaked,
    prefect_said,
    rows,
    scanned,
    source_state,
    spells,
)
from house import FINAL, House, wait_for
from rehearsal import BEFORE, COOL_DOWN, DAY, THRESHOLD

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.system,
    pytest.mark.timeout(1500),
]

SOON = timedelta(seconds=10)
CUT = 10  # seconds
CLOSE = "15:31:40"
UP_AND_DOWN = Counter({("source_down", "kiwoom"): 1, ("source_up", "kiwoom"): 1})


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with bad_day() as begun:
        yield begun


def test_each_of_two_servers_starts_runs_and_each_of_two_apis_tells_of_them(day: Day) -> None:
    built = day.house

    async def told(name: str, server: str, flow: str, clock: str) -> dict[str, Any]:
        address = f"ws://{built.hosts[name].address}:8000/ws"
        since = max([0, *await asyncio.to_thread(event_ids, built)])
        async with listening(address, TOPICS, since) as client:
            run = await asyncio.to_thread(built.run, flow, server)
            ending = asyncio.create_task(asyncio.to_thread(day.completed, run, flow, clock, BEFORE))
            while "event_id" not in (frame := await client.next(300)):
                if frame["type"] == "ping":
                    await client.say(type="pong")
                if ending.done():
                    await ending
            await ending
            return frame

    for flow, clock, server, name in (
        ("closing-bet", "15:12", "prefect-a", "api-b"),
        ("end-of-day", CLOSE, "prefect-b", "api-a"),
    ):
        day.market.at(clock, BEFORE)
        frame = asyncio.run(told(name, server, flow, clock))
        assert frame["topic"] in TOPICS
    day.market.at("07:30")
    built.closebell("services", "alerts", "run")
    day.saw(
        "none (the day before)", "runs of both servers' APIs done by the pool, told of by both APIs"
    )


def test_before_the_open_a_run_is_killed_and_the_next_prepares_the_day(day: Day) -> None:
    day.kill_at("instruments", "pre-open", "07:40")
    day.does("pre-open", "07:40")
    assert day.ended(day.begin("morning", "08:10")) == "Skipped", "there is no key for KRX"
    day.does("exits", "09:02")
    day.saw("07:40 pre-open killed (SIGKILL) storing the listing", "Crashed; the next completes")


def test_a_scan_within_the_session_killed_storing_leaves_nothing_half(day: Day) -> None:
    day.kill_at("snapshots", "intraday", "09:05")
    assert scanned(day.house, DAY.isoformat(), "09:05") == []
    day.does("intraday", "09:05")
    day.saw("09:05 scan killed storing its snapshot", "Crashed, nothing half; the next completes")


def test_two_hosts_at_the_same_slot_leave_the_rows_of_one(day: Day) -> None:
    built = day.house
    day.market.at("09:10")
    racing = [built.closebell(host, "run", "intraday") for host in ("worker-a", "worker-b")]
    for host, process in zip(("worker-a", "worker-b"), racing, strict=True):
        assert process.wait(400) == 0, built.hosts[host].log("run")
    day.done.append(("intraday", "09:10", DAY))
    told = {key: n for key, n in announced(built, "closebell").items() if key[2] == "09:10"}
    assert set(told.values()) == {1}, told
    day.saw("09:10 two hosts race for one slot", "both complete, each event once")


def test_a_postgresql_that_crashes_in_the_middle_of_a_run_loses_nothing(day: Day) -> None:
    built = day.house
    with held(built, "scan_runs"):
        run = day.held_at("scan_runs", "intraday", "09:15")
        built.postgres.stop("immediate")
    built.postgres.start()
    seen = day.done_in_the_end(run, "intraday", "09:15")
    day.saw("09:15 PostgreSQL crashes during a run", seen)


def test_a_prefect_server_an_api_and_redis_that_die_leave_the_work_to_the_others(day: Day) -> None:
    built = day.house
    with held(built, "scan_runs"):
        run = day.held_at("scan_runs", "intraday", "09:20")
        built.hosts["prefect-a"].die()
        built.hosts["api-a"].die()
        built.kill_redis()
        built.start_redis()
    day.completed(run, "intraday", "09:20")
    built.start_server("prefect-a")
    built.start_api("api-a")
    day.saw(
        "09:20 one of two Prefect servers and one of two APIs die, Redis is killed and restarted",
        "the run goes on and completes; clients come back to the twin",
    )


def test_a_cable_pulled_for_a_while_is_waited_for(day: Day) -> None:
    built = day.house
    with held(built, "scan_runs"):
        run = day.held_at("scan_runs", "intraday", "09:25")
        host = built.hosts[host_of(built, run)[0]]
        host.pull_the_cable()
    time.sleep(CUT)
    host.plug_the_cable_in()
    seen = day.done_in_the_end(run, "intraday", "09:25")
    day.saw(f"09:25 network between a worker and everything else cut for {CUT} s", seen)


def test_a_clock_that_jumps_during_a_run_changes_nothing(day: Day) -> None:
    built, file = day.house, day.house.folder / "jump"
    file.write_text("+0\n")
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with held(built, "scan_runs"):
        run = day.begin("intraday", "09:30", **faked)
        wait_for("it scans", lambda: day.waits(run, "scan_runs"))
        file.write_text("+7200\n")
        time.sleep(2)  # until that is read again
    wait_for("Prefect has heard of it in that time", lambda: ahead(built))
    file.write_text("+0\n")
    day.completed(run, "intraday", "09:30")
    day.saw("09:30 a running host's clock jumps two hours ahead and back", "the run completes")


def ahead(built: House) -> list[Any]:
    """What Prefect heard of at a time that is to come."""
    now = datetime.now(UTC)
    span = {"since": now + timedelta(hours=1), "until": now + timedelta(hours=3)}
    asked = {"occurred": {name: moment.isoformat() for name, moment in span.items()}}
    return list(built.ask("POST", "/events/filter", filter=asked)["events"])


def test_a_broker_down_for_an_hour_is_asked_little_and_told_of_once(day: Day) -> None:
    built, broker = day.house, day.market.broker
    seen = day.market.broker_goes_down()
    began = time.monotonic()
    for clock in ("10:00", "10:30", "10:55"):
        run = day.begin("intraday", clock)
        assert day.ended(run) == "Failed", built.state(run)
        assert scanned(built, DAY.isoformat(), clock) == []
    asked, counted = len(broker.calls) - seen, calls_counted(built)
    probes = int((time.monotonic() - began) / COOL_DOWN) + 1
    assert 0 < asked <= THRESHOLD + probes, f"{asked} calls in {time.monotonic() - began:.0f} s"
    wait_for("it is told", lambda: closebell_said(day.alerts)["source_down", "kiwoom"])
    assert source_state(built)[1], "its breaker is open"
    day.market.broker_comes_back()
    time.sleep(COOL_DOWN)
    day.does("intraday", "11:00")
    assert source_state(built) == (False, False)
    assert calls_counted(built) > counted
    wait_for("it is told", lambda: closebell_said(day.alerts)["source_up", "kiwoom"])
    day.saw(
        "10:00-10:55 the broker answers 503",
        f"the hour's runs fail, it is asked {asked} times in all, told of once down and once up;"
        " 11:00 completes",
    )


def test_a_host_that_loses_power_has_its_run_ended_and_its_work_done_by_the_other(day: Day) -> None:
    built = day.house
    with held(built, "scan_runs"):
        run = day.held_at("scan_runs", "intraday", "14:00")
        name = host_of(built, run)[0]
        built.hosts[name].die()
    assert built.state(run)["type"] == "RUNNING"
    assert day.ended(run) == "Crashed"
    assert "nothing was heard of it" in built.state(run)["message"]
    day.does("intraday", "14:00")
    built.start_worker(name)
    day.saw(
        "14:00 a worker's host loses power",
        f"its run is ended as Crashed {SILENCE.seconds} s after its last sign; the other goes on",
    )


def test_a_scan_that_nobody_begins_is_told_of_by_prefect_s_server(day: Day) -> None:
    built = day.house
    before = patience(built, "closebell: closing-bet is late", SOON)
    built.ask("PATCH", "/work_pools/closebell", is_paused=True)
    run = day.begin("closing-bet", "15:05")
    wait_for("the webhook is called", lambda: prefect_said(day.alarms)[late(built, run)])
    patience(built, "closebell: closing-bet is late", before)
    built.ask("PATCH", "/work_pools/closebell", is_paused=False)
    day.market.at("15:05")
    day.completed(run, "closing-bet", "15:05")
    day.saw("15:05 no worker takes a closing bet", "Prefect's server tells of it, once")


def late(built: House, run: UUID) -> tuple[str, str]:
    return "closing-bet hasn't ended 4 minutes after it was due", name_of(built, run)


def test_a_decision_killed_asking_who_bought_is_made_by_the_next_run(day: Day) -> None:
    day.kill_at("net_buying", "closing-bet", "15:12")
    assert scanned(day.house, DAY.isoformat(), "15:12") == []
    day.does("closing-bet", "15:12")
    day.does("closing-bet", "15:26")
    day.saw("15:12 decision killed storing who bought", "Crashed and told of; the next completes")


def test_the_end_of_day_killed_in_each_step_leaves_nothing_half(day: Day) -> None:
    for table in ("daily_bars", "events"):
        day.kill_at(table, "end-of-day", CLOSE)
        assert scanned(day.house, DAY.isoformat(), "close") == []
    day.saw(
        "15:31 end-of-day killed storing, announcing",
        "Crashed and told of, nothing half is stored",
    )


def test_a_full_disk_stops_writing_and_nothing_stored_before_is_touched(day: Day) -> None:
    built = day.house
    before = rows(built, "closebell", BEFORE.isoformat())
    with held(built, "scan_runs"):
        run = day.held_at("scan_runs", "end-of-day", CLOSE)
        filler = built.postgres.fill_the_disk()
    wait_for("the disk's end is noticed", lambda: "No space left" in built.postgres.said())
    filler.unlink()
    built.postgres.start_unless_up()
    wait_for("the run ends", lambda: built.state(run)["type"] in FINAL)
    after = rows(built, "closebell", BEFORE.isoformat())
    assert all(before[table] <= after[table] for table in before)
    seen = day.done_in_the_end(run, "end-of-day", CLOSE)
    day.saw("15:31 PostgreSQL's disk is full until someone makes room", seen)


def test_the_evening_killed_in_the_middle_is_finished_by_the_next_run(day: Day) -> None:
    day.does("net-buying", "18:40")
    day.kill_at("outcomes", "settle", "20:10")
    day.does("settle", "20:10")
    day.saw("20:10 settle killed following signals", "Crashed; the next completes")


def test_at_the_end_of_the_day_everything_is_there_once(day: Day) -> None:
    built = day.house
    quiet = an_undisturbed_day(day)
    found = rows(built, "closebell", BEFORE.isoformat())
    assert all(quiet.values()), "there is something to compare in each table"
    differences = {
        table: {"more": found[table] - expected, "missing": expected - found[table]}
        for table, expected in quiet.items()
        if found[table] != expected
    }
    assert not differences, pformat(differences)[:20_000]
    assert announced(built, "closebell") == announced(built, "quiet")

    told = event_ids(built)
    for number, follower in enumerate(day.followers):
        wait_for(
            f"client {number} has read to the end: {told[-1:]}, {follower.seen[-1:]} so far",
            lambda f=follower: f.seen[-1:] == told[-1:],
        )
        assert follower.seen == told, f"client {number}: {differing(follower.seen, told)}"
    assert day.followers[1].returns >= 1

    runs = built.ask("POST", "/flow_runs/filter")
    states = {UUID(r["id"]): r["state_name"] for r in runs if r["deployment_id"]}
    stuck = {r["name"] for r in runs if r["state_type"] not in FINAL and r["deployment_id"]}
    assert not stuck, stuck
    bad = {run: state for run, state in states.items() if state not in WELL}
    assert bad == day.lost, "runs that ended badly, and those seen doing so"

    expected_alarms = expected_of_prefect(day)
    wait_for(
        f"Prefect's server told of {expected_alarms}, so far {prefect_said(day.alarms)}",
        lambda: prefect_said(day.alarms) >= expected_alarms,
    )
    assert prefect_said(day.alarms) == expected_alarms
    begun, noticed = spells(built)
    surely = UP_AND_DOWN + Counter({("scan_failed", name): n for name, n in noticed.items()})
    wait_for(
        f"closebell told of {surely}, so far {closebell_said(day.alerts)}",
        lambda: closebell_said(day.alerts) >= surely,
    )
    said = closebell_said(day.alerts)
    perhaps = UP_AND_DOWN + Counter({("scan_failed", name): n for name, n in begun.items()})
    # Of intraday's slots only some are played, so that it is late at others.
    late = Counter({key: n for key, n in said.items() if key == ("scan_late", "daytrading")})
    wrong = Counter(name for kind, name in (perhaps + late).elements() if kind.startswith("scan"))
    well = Counter({("scan_well", name): n for name, n in wrong.items()})
    assert said <= perhaps + late + well, said

    wait_for("no connection is left to closebell's database", lambda: not leaked(built))
    count = f"{sum(expected_alarms.values())} alarms of Prefect's and {sum(said.values())} alerts"
    signals = sum(found["signals"].values())
    day.saw("all of it", f"{len(day.done)} runs, {signals} signals, {len(told)} events, {count}")
