"""prefect.yaml against the timetable: every slot is scheduled once, everything else is skipped."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from prefect import Flow
from prefect.events.schemas.automations import EventTrigger
from schedules import DEPLOYMENTS, starts, written

from flows.automations import ENDS, SILENCE, TAG, alarm_names, automations
from flows.deploying import POOL, QUEUES
from flows.timetable import TIMETABLE, Entry, due, entry
from market.calendar import TradingCalendar
from market.history import EXAM_DAYS

GOLDEN = Path(__file__).parent / "golden" / "deployments.json"
CALENDAR = TradingCalendar()
TODAY_S_HOURS = date(2016, 8, 1)  # since then the close is 15:30

ORDINARY = [CALENDAR.next(date(2026, month, 9)) for month in range(2, 11)]
ODD = [
    day
    for day in CALENDAR.sessions(TODAY_S_HOURS, date(2027, 12, 31))
    if CALENDAR.hours(day).note is not None
]
CLOSED = [date(2026, 7, 17), date(2026, 9, 25), date(2026, 12, 31), date(2026, 3, 14)]


def slots(line: Entry, day: date) -> list[datetime]:
    return [moment for moment, _ in line.slots(CALENDAR.hours(day))]


def test_every_flow_of_the_timetable_has_one_deployment_and_no_other() -> None:
    assert list(DEPLOYMENTS) == [
        "pre-open", "morning", "exits", "intraday",
        "closing-bet", "end-of-day", "net-buying", "settle",
    ]  # fmt: skip
    assert sorted(DEPLOYMENTS) == sorted(line.flow for line in TIMETABLE)
    assert written()["pull"] == []


@pytest.mark.parametrize("line", TIMETABLE, ids=lambda line: line.flow)
def test_a_deployment_names_its_module_queue_and_limit(line: Entry) -> None:
    deployment = DEPLOYMENTS[line.flow]
    module, name = deployment["entrypoint"].split(":")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == line.flow
    assert flow.timeout_seconds is None, "nested time limits stop each other"
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": line.collision}
    assert deployment["work_pool"]["name"] == POOL
    assert deployment["work_pool"]["work_queue_name"] == QUEUES[line.priority]
    assert {s["timezone"] for s in deployment["schedules"]} == {"Asia/Seoul"}
    slugs = [s["slug"] for s in deployment["schedules"]]
    assert len(set(slugs)) == len(slugs) > 0


@pytest.mark.parametrize("line", TIMETABLE, ids=lambda line: line.flow)
def test_an_ordinary_session_s_schedules_start_its_slots_and_nothing_else(line: Entry) -> None:
    for day in ORDINARY:
        assert starts(line.flow, day) == slots(line, day)


@pytest.mark.parametrize("line", TIMETABLE, ids=lambda line: line.flow)
def test_a_session_of_odd_hours_has_each_slot_started_once_and_the_rest_skipped(
    line: Entry,
) -> None:
    assert sum(day in EXAM_DAYS for day in ODD) >= 12
    for day in ODD:
        begun = Counter(starts(line.flow, day))
        assert {begun[slot] for slot in slots(line, day)} == {1}
        for moment in begun:
            turn = due(line.flow, moment, CALENDAR, moment)
            assert (turn.skip is None) is (moment in slots(line, day))


@pytest.mark.parametrize("line", TIMETABLE, ids=lambda line: line.flow)
def test_on_a_closed_day_every_started_run_is_skipped(line: Entry) -> None:
    for day in CLOSED:
        for moment in starts(line.flow, day):
            skip = due(line.flow, moment, CALENDAR, moment).skip
            assert skip == f"{day} is no session: {CALENDAR.why_closed(day)}"


def test_silent_overdue_and_never_begun_runs_are_ended() -> None:
    dead, unbegun, *overdue = automations()
    assert isinstance(unbegun.trigger, EventTrigger)
    assert isinstance(dead.trigger, EventTrigger)
    assert unbegun.trigger.match_related == dead.trigger.match_related
    assert "prefect.flow-run.Pending" in unbegun.trigger.after
    for state in ("Running", "AwaitingConcurrencySlot", "Cancelled"):
        assert f"prefect.flow-run.{state}" in unbegun.trigger.expect
    assert dead.trigger.within == SILENCE
    assert dead.trigger.after == {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
    env = written()["definitions"]["job_variables"]["env"]
    beat = timedelta(seconds=int(env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]))
    assert 4 * beat <= SILENCE
    for deployment in DEPLOYMENTS.values():
        assert deployment["work_pool"]["job_variables"] == {"env": env}
        assert TAG in deployment["tags"]
    assert len(overdue) == len(TIMETABLE)
    for line, automation in zip(TIMETABLE, overdue, strict=True):
        assert automation.trigger.within == line.limit  # type: ignore[union-attr]
        assert automation.name == f"closebell: {line.flow} takes too long"
    assert {"Completed", "Skipped", "Failed", "TimedOut", "Crashed"} < set(ENDS)


def test_with_a_webhook_scans_that_people_wait_for_are_told_of_when_late_or_lost() -> None:
    alarms = automations(UUID(int=7))[len(automations()) :]
    assert {a.name for a in alarms} == alarm_names()
    late = {a.name: a for a in alarms}["closebell: closing-bet is late"]
    _preview, decision, check = entry("closing-bet").moments
    assert decision.offset + late.trigger.within < check.offset  # type: ignore[union-attr]
    assert [a.block_document_id for alarm in alarms for a in alarm.actions] == [UUID(int=7)] * 4  # type: ignore[union-attr]


def test_the_deployments_are_those_written_down() -> None:
    """`python tests/flows/test_deployments.py` writes them anew."""
    assert json.loads(GOLDEN.read_text()) == list(DEPLOYMENTS.values())


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(list(DEPLOYMENTS.values()), indent=1) + "\n")
