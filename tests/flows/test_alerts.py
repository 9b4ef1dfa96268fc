"""`closebell alerts` as processes: one sends, another waits, and a killed one loses nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from alert_receivers import SECRET, receiving
from api_market import publish
from api_server import eventually
from commands import PROGRAM, Closebell

from alerts.config import read_alerts
from db import Database, open_database
from flows.alerts import scans_expected
from market.calendar import TradingCalendar
from market.clock import SEOUL, SystemClock
from settings import Settings

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder whose database stays up."""
    folder = tmp_path_factory.mktemp("alerts")
    with open_database(Settings(data_dir=folder)) as database:
        yield folder, database


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


def configured(folder: Path, receiver, **more) -> Closebell:
    alerts = {
        "recipients": {"desk": {"webhook": receiver.url, "secret": SECRET}},
        "rules": ["any grade B or better"],
        "retry_seconds": 0.2,
    } | more
    lines = ["[alerts]"]
    recipients = alerts.pop("recipients")
    lines += [f"{name} = {json.dumps(value)}" for name, value in alerts.items()]
    lines.append("[alerts.recipients]")
    for name, recipient in recipients.items():
        inner = ", ".join(f"{key} = {json.dumps(value)}" for key, value in recipient.items())
        lines.append(f"{name} = {{ {inner} }}")
    (folder / "closebell.toml").write_text("\n".join(lines))
    return Closebell(folder)


@contextmanager
def running(closebell: Closebell, says: str = "sending alerts"):
    """`closebell alerts run`, once it says so."""
    process = subprocess.Popen(
        [str(PROGRAM), "alerts", "run", "--source", "stored"],
        env=closebell.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    reading = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reading.start()
    process.said = said
    try:
        eventually(lambda: process.poll() is not None or any(says in s for s in said), 90)
        assert process.poll() is None, said
        yield process
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        reading.join(10)
        process.stderr.close()


def newest_session() -> date:
    return TradingCalendar().last_closed(SystemClock().now())


def publish_now(database: Database, count: int) -> None:
    publish(database, "vcp", newest_session(), count)


@slow
def test_a_process_killed_between_sending_and_recording_repeats_one_message_and_says_so(
    home, receiver
):
    folder, database = home
    closebell = configured(folder, receiver)
    hanging = threading.Event()

    def answer() -> int:
        """The first time: taken, but the sender never learns of it."""
        if len(receiver.got) == 1:
            hanging.wait(60)
        return 200

    receiver.answer = answer
    with running(closebell) as first:
        publish_now(database, 2)
        eventually(lambda: len(receiver.got) == 1, 60)
        first.send_signal(signal.SIGKILL)
        first.wait(30)
    hanging.set()
    with running(closebell):
        eventually(lambda: len(receiver.got) == 2, 60)
        eventually(lambda: counts(database)["sent"] == 1, 60)
    one, two = receiver.got
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"]
    assert (one.json["repeat"], two.json["repeat"]) == (False, True)
    assert one.json["notices"] == two.json["notices"]
    assert one.is_signed()
    assert two.is_signed()


def counts(database: Database) -> dict[str, int]:
    with database.reader() as tx:
        return tx.alerts.counts()


@slow
def test_of_two_processes_one_sends_and_the_other_takes_over_when_it_dies(home, receiver):
    folder, database = home
    closebell = configured(folder, receiver)
    with running(closebell) as first, running(closebell, "another process") as second:
        before = len(receiver.got)
        publish_now(database, 3)
        eventually(lambda: len(receiver.got) == before + 1, 60)
        told = closebell("alerts", "status", "--source", "stored", "--json").json
        assert told["running"] is True
        assert not any("sending alerts" in line for line in second.said)
        first.send_signal(signal.SIGKILL)
        first.wait(30)
        eventually(lambda: any("sending alerts" in line for line in second.said), 90)
        publish_now(database, 4)
        eventually(lambda: len(receiver.got) == before + 2, 60)
        keys = {one.headers["idempotency-key"] for one in receiver.got}
        assert len(keys) == len(receiver.got)
    told = closebell("alerts", "status", "--source", "stored", "--json").json
    assert told["running"] is False
    assert told["events_behind"] == 0


@slow
def test_stopped_in_the_middle_of_a_delivery_it_lets_that_end(home, receiver):
    folder, database = home
    closebell = configured(folder, receiver)
    receiver.answer = lambda: time.sleep(1.0) or 200
    with running(closebell) as process:
        sent = counts(database)["sent"]
        publish_now(database, 5)
        eventually(lambda: len(receiver.got) == 1, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert counts(database)["sent"] == sent + 1
    assert counts(database)["sending"] == 0


@slow
def test_it_can_be_tried_listed_and_asked_and_never_shows_a_secret(home, receiver, tmp_path):
    folder, _ = home
    other = {"url": f"json://127.0.0.1:{receiver.port}/very-private"}
    desk = {"webhook": receiver.url + "/very-private", "secret": SECRET}
    closebell = configured(folder, receiver, recipients={"desk": desk, "phone": other})
    tried = closebell("alerts", "test", "--json")
    assert tried.code == 0, tried.err
    assert [(t["recipient"], t["ok"]) for t in tried.json] == [("desk", True), ("phone", True)]
    assert {one.json.get("type") for one in receiver.got} == {"alerts", "info"}
    receiver.answer = 500
    tried = closebell("alerts", "test", "phone")
    assert tried.code == 1
    assert "500" in tried.out
    assert closebell("alerts", "test", "nobody").code == 2
    listed = closebell("alerts", "list", "--json")
    assert listed.json["recipients"] == [
        {"name": "desk", "kind": "webhook"},
        {"name": "phone", "kind": "json"},
    ]
    status = closebell("alerts", "status", "--source", "stored")
    assert status.code == 0
    doctor = closebell("doctor", "--json")
    for done in (tried, listed, status, doctor):
        assert "very-private" not in done.out + done.err
        assert SECRET not in done.out + done.err
    empty = Closebell(tmp_path)
    refused = empty("alerts", "run")
    assert (refused.code, "closebell.toml" in refused.err) == (1, True)
    (tmp_path / "closebell.toml").write_text('[alerts]\nrules = ["gate turns blue"]\n')
    refused = empty("alerts", "run")
    assert (refused.code, "alerts.rules.0.when" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("now", "overdue", "following"),
    [
        # On an ordinary Wednesday intraday is due every five minutes from 09:05 to 15:15, the
        # closing bet at 15:12, end-of-day at 15:31.
        ((4, 10, 4), ["3 15:12", "3 15:15", "3 close"], (4, 10, 5)),
        ((4, 15, 0), ["3 15:12", "3 15:15", "3 close", "4 14:00"], (4, 15, 5)),
        ((4, 15, 40), ["4 14:40", "4 15:12"], (4, 15, 45)),
        ((4, 16, 31), ["4 15:12", "4 15:15", "4 close"], (5, 10, 5)),
        # On Sunday Friday's scans are still the newest, and Monday's come next.
        ((8, 12, 0), ["6 15:12", "6 15:15", "6 close"], (9, 10, 5)),
    ],
)
def test_what_should_be_there_follows_the_market_calendar(now, overdue, following):
    config = read_alerts(Settings())
    found, upcoming = scans_expected(
        TradingCalendar(), config, datetime(2026, 2, *now, tzinfo=SEOUL)
    )
    assert sorted(f"{scan.session.day} {scan.as_of}" for scan in found) == overdue
    assert upcoming == datetime(2026, 2, *following, tzinfo=SEOUL)


def test_of_a_source_that_is_not_live_only_the_scan_after_the_close_is_awaited():
    now = datetime(2026, 2, 4, 16, 31, tzinfo=SEOUL)
    found, upcoming = scans_expected(TradingCalendar(), read_alerts(Settings()), now, live=False)
    assert [(scan.scanner, scan.session.day) for scan in found] == [("market_gate", 4)]
    assert upcoming == datetime(2026, 2, 5, 16, 31, tzinfo=SEOUL)


def test_on_an_exam_day_everything_is_later():
    exam = date(2025, 11, 13)
    calendar = TradingCalendar()
    close = calendar.hours(exam).close
    config = read_alerts(Settings())
    found, _ = scans_expected(calendar, config, close + timedelta(minutes=1))
    assert {(s.scanner, s.due) for s in found if s.session == exam} == {
        ("closing_bet", close - timedelta(minutes=18)),
        ("daytrading", close - timedelta(minutes=60)),
    }


def test_watching_goes_on_after_the_database_went_away(database, monkeypatch):
    from alerts.config import Alerts
    from errors import DatabaseUnavailable
    from flows import alerts
    from tasks.alerts import Desk

    monkeypatch.setattr(alerts, "FIRST_DELAY", 0.01)
    begun = []

    async def broken(*_args, **_more):
        begun.append(1)
        if len(begun) < 3:
            raise DatabaseUnavailable("gone")
        yield
        await asyncio.Event().wait()

    monkeypatch.setattr(alerts, "wakes", broken)
    said: list[str] = []

    async def talk():
        desk = Desk(database, Alerts(), {}, TradingCalendar(), SystemClock())
        watching = asyncio.ensure_future(alerts.watch(desk, said.append))
        async with asyncio.timeout(30):
            while "sending alerts" not in said:
                await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.wait([watching])
        assert watching.cancelled()

    asyncio.run(talk())
    assert len(begun) == 3
