"""Traces go to a collector where one is configured, and nothing of them is loaded where not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from api_listener import listening
from api_server import eventually
from commands import PROGRAM, Closebell, Outcome
from otlp_collector import collecting

import tracing

ROOM = "import api.app, api.serving, db, sources.http.client, tasks.alerts, flows.alerts, logs"


def test_without_an_endpoint_nothing_that_traces_is_imported():
    seen = (
        f"import sys; {ROOM}; import tracing; tracing.configure(); logs.configure();"
        "\nwith tracing.span('x'): tracing.note(a=1)"
        "\nheavy = ('sdk', 'exporter', 'instrumentation')"  # FastAPI imports the bare API
        "\nfound = [n for n in sys.modules for h in heavy if n.startswith('opentelemetry.' + h)]"
        "\nprint(found, tracing.traceparent())"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", seen], capture_output=True, text=True, env=kept, timeout=120
    )
    assert done.stdout.strip() == "[] None", done.stderr


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
            False,
        ),
    ],
)
def test_an_endpoint_turns_it_on(monkeypatch, environment, wanted):
    for name in (*tracing.ENDPOINTS, "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing.wanted() is wanted


@contextmanager
def served(closebell: Closebell, port: int, **more: str):
    process = subprocess.Popen(
        [str(PROGRAM), "serve", "--port", str(port), "--source", "sample"],
        env=closebell.environment(**more),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: ready(port) or process.poll() is not None, 90)
        assert process.poll() is None
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.said = process.communicate(timeout=60)[1]


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_one_trace_leads_from_the_flow_to_the_push(tmp_path):
    closebell, port = Closebell(tmp_path), free_port()
    arguments = ("run", "end-of-day", "--source", "sample", "--json")

    async def follow() -> tuple[Outcome, dict]:
        async with listening(f"ws://127.0.0.1:{port}/ws", ["signal:vcp"]) as client:
            await client.until("subscribed")
            running = asyncio.create_task(asyncio.to_thread(lambda: closebell(*arguments, **tell)))
            while (told := await client.next(240))["type"] == "ping":
                await client.say(type="pong")
                assert not running.done() or running.result().code == 0, running.result().err
            return await running, told

    with collecting() as collector:
        tell = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "CLOSEBELL_LOG_LEVEL": "debug"}
        with served(closebell, port, **tell) as server:
            run, told = asyncio.run(follow())
            headers = {"X-Request-ID": "look-for-me"}
            answer = httpx.get(f"http://127.0.0.1:{port}/api/kr/scans", headers=headers)
            assert answer.status_code == 200
    assert run.code == 0, run.err
    session = run.json["sessions"][-1]

    (flow,) = collector.named("flow end-of-day")
    assert flow.attributes["closebell.session"] == session
    assert flow.attributes["closebell.run_id"]
    written = [
        one
        for one in collector.named("INSERT")
        if one.trace == flow.trace and "events" in str(one.attributes)
    ]
    above = [collector.above(one) for one in written]
    published = [names for names in above if "step publish" in names]
    assert published, above
    assert published[0][0] == "unit of work"
    assert published[0][-1] == "flow end-of-day"
    pushed = [
        one
        for one in collector.named("push signal_update")
        if one.trace == flow.trace and one.parent
    ]
    assert pushed
    assert "flow end-of-day" in collector.above(pushed[0])
    assert told["type"] == "signal_update"

    (request,) = [
        one
        for one in collector.spans
        if one.attributes.get("closebell.request_id") == "look-for-me"
    ]
    inside = [one for one in collector.spans if one.trace == request.trace]
    assert request.name == "GET /api/kr/scans"
    assert "reads" in {one.name for one in inside}
    assert any(one.name.startswith("SELECT") for one in inside)
    lines = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
    logged = [line for line in lines if line.get("request_id") == "look-for-me"]
    assert {line["trace_id"] for line in logged} == {request.trace}
