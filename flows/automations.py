"""Prefect's automations: they end runs that hang, and tell of scans that stay away."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, CancelFlowRun, ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.timetable import TIMETABLE, Entry

TAG = "closebell"
SILENCE = timedelta(seconds=150)  # five of the heartbeats that prefect.yaml asks for
DEADLINES = {"end-of-day": timedelta(minutes=60), "closing-bet": timedelta(minutes=4)}
"""Of the flows whose scans people wait for: how long after its moment a run is to have ended."""
LOSSES = ("Failed", "Crashed", "TimedOut", "Cancelled")
ENDS = ("Completed", "Skipped", "Cancelling", *LOSSES)
"""Names of states, by which Prefect names its events."""
TAKEN = ("Pending", "Submitting", "InfrastructurePending")
START = timedelta(minutes=5)  # the longest a worker may take from accepting a run to its begin
BACK = ("Scheduled", "Late", "AwaitingConcurrencySlot", "AwaitingRetry")
"""States of a run that waits for its turn again."""


def automations(webhook: UUID | None = None) -> list[AutomationCore]:
    """The dead and each deployment's overdue; with a webhook block also the alarms that call it."""
    alarms = [] if webhook is None else [a for f in DEADLINES for a in _alarms(f, webhook)]
    return [_dead(), _never_begun(), *map(_overdue, TIMETABLE), *alarms]


def alarm_names() -> set[str]:
    """The automations that are there only with a webhook."""
    return {alarm.name for flow in DEADLINES for alarm in _alarms(flow, UUID(int=0))}


def _dead() -> AutomationCore:
    begun = _events(("Running", "heartbeat"))  # it may die before it beats
    trigger = _silence(begun, {"prefect.flow-run.*"}, SILENCE)
    # Only the runs of our deployments are known to beat often enough.
    trigger.match_related = _ours()
    return AutomationCore(
        name="closebell: a run fell silent",
        description="A run whose process died or lost the network counts as crashed.",
        trigger=trigger,
        actions=[_crash(f"nothing was heard of it for {SILENCE}")],
    )


def _never_begun() -> AutomationCore:
    """It has no heartbeat yet, and would hold the place of the next one for ever."""
    trigger = _silence(_events(TAKEN), _events(("Running", *BACK, *ENDS)), START)
    trigger.match_related = _ours()
    return AutomationCore(
        name="closebell: a run never began",
        description="A run whose worker died while it started the process counts as crashed.",
        trigger=trigger,
        actions=[_crash(f"a worker took it, and it hadn't begun {START} later")],
    )


def _overdue(line: Entry) -> AutomationCore:
    trigger = _silence({"prefect.flow-run.Running"}, _events(ENDS), line.limit)
    trigger.match_related = _deployment(line.flow)
    return AutomationCore(
        name=f"closebell: {line.flow} takes too long",
        description=f"A run of {line.flow} is cancelled after {line.limit}.",
        trigger=trigger,
        actions=[CancelFlowRun()],
    )


def _alarms(flow: str, webhook: UUID) -> list[AutomationCore]:
    """Judged by Prefect's server, so a worker or a run that died needn't tell of itself."""
    within = DEADLINES[flow]
    late = _silence(_events(("Late", "Pending", "Running")), _events(ENDS), within)
    lost = EventTrigger(
        match=late.match,
        for_each={"prefect.resource.id"},
        expect=_events(LOSSES),
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    late.match_related = lost.match_related = _deployment(flow)
    minutes = int(within / timedelta(minutes=1))
    return [
        AutomationCore(
            name=f"closebell: {flow} is late",
            description=f"A run of {flow} hasn't ended {minutes} minutes after it was due.",
            trigger=late,
            actions=[_call(webhook, f"{flow} hasn't ended {minutes} minutes after it was due")],
        ),
        AutomationCore(
            name=f"closebell: {flow} failed",
            description=f"A run of {flow} failed, crashed or was cancelled.",
            trigger=lost,
            actions=[_call(webhook, f"{flow} wasn't done")],
        ),
    ]


def _call(webhook: UUID, what: str) -> CallWebhook:
    """The JSON that Slack, Mattermost and the like take for a message."""
    run = "{{ flow_run.name }}, {{ flow_run.state.name }}: {{ flow_run|ui_url }}"
    text = f"closebell: {what} ({run})"
    return CallWebhook(block_document_id=webhook, payload=json.dumps({"text": text}))


def _crash(message: str) -> ChangeFlowRunState:
    return ChangeFlowRunState(name=None, state=StateType.CRASHED, message=message, force=False)


def _ours() -> ResourceSpecification:
    return ResourceSpecification(
        {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
    )


def _events(states: tuple[str, ...]) -> set[str]:
    return {f"prefect.flow-run.{state}" for state in states}


def _deployment(name: str) -> ResourceSpecification:
    return ResourceSpecification(
        {"prefect.resource.role": "deployment", "prefect.resource.name": name}
    )


def _silence(after: set[str], expect: set[str], within: timedelta) -> EventTrigger:
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        for_each={"prefect.resource.id"},
        after=after,
        expect=expect,
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )
