"""A scan within the session that is killed or fed badly: nothing half, nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import fake_kiwoom
import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_sample import kiwoom_of
from flow_rooms import state_of
from kiwoom_rooms import LAST, RATE, kiwoom_room, last_at, sample_market, store_before
from prefect.settings import PREFECT_API_URL

from db import Database
from errors import ClosebellError
from flows.intraday import run_intraday
from market.data import MarketData

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("prefect_server"),
]

ROOT = Path(__file__).parents[2]
CLOCK = "14:30"


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return sample_market()


@pytest.fixture
def kiwoom(sample: MarketData, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKiwoom]:
    """Its pages hold thirty stocks, so that a sweep has several."""
    monkeypatch.setitem(fake_kiwoom.PAGES, "ka20002", 30)
    market = replace(kiwoom_of(sample, LAST), traded_at="142958")
    with FakeKiwoom(market, speed=RATE) as running:
        yield running


@pytest.fixture
def before(database: Database, sample: MarketData) -> Database:
    store_before(database, sample)
    return database


def start(db: Database, kiwoom: FakeKiwoom, where: str = "nowhere") -> subprocess.Popen[str]:
    support = ROOT / "tests" / "support"
    return subprocess.Popen(
        [sys.executable, str(support / "intraday_worker.py"), db.url, kiwoom.url, CLOCK, where],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{support}",
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> int:
    _, said = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode


def left(db: Database) -> dict[str, Any]:
    """What runs have left behind: numbers of snapshots, signals and runs, topics told of."""
    with db.reader() as tx:
        return {
            "snapshots": len(tx.snapshots.of(LAST)),
            "signals": tx.signals.find(session=LAST, withdrawn=True).height,
            "runs": len(tx.runs.recent(100)),
            "told": Counter(e["topic"] for e in tx.events.after(0) if e["kind"] != "data_update"),
        }


NOTHING = {"snapshots": 0, "signals": 0, "runs": 0, "told": Counter()}


def require_whole(db: Database) -> None:
    found = left(db)
    assert found["signals"] > 0
    assert found["told"] == {"signal:daytrading": 1, "market-gate": 1}
    assert found["snapshots"] == 1


def test_a_scan_killed_between_two_pages_leaves_nothing_and_the_next_is_whole(
    before: Database, kiwoom: FakeKiwoom
) -> None:
    kiwoom.break_("ka20002", "hang", after=2)
    dying = start(before, kiwoom)
    until = time.monotonic() + 240
    while len(kiwoom.of("ka20002")) < 3:
        assert dying.poll() is None, finish(dying)
        assert time.monotonic() < until
        time.sleep(0.05)
    dying.kill()
    assert finish(dying) == -signal.SIGKILL
    assert left(before) == NOTHING
    kiwoom.calls.clear()

    assert finish(start(before, kiwoom)) == 0
    require_whole(before)
    with before.reader() as tx:
        report = tx.sources.get("kiwoom")
    assert report
    assert report.state == "ok"
    assert report.calls > len(kiwoom.calls), "those of the run that died count too"
    pages = Counter((call.body["mrkt_tp"], call.next_key) for call in kiwoom.of("ka20002"))
    assert set(pages.values()) == {1}
    assert len(pages) == 5
    assert kiwoom.of("au10001") == [], "the token of the one that died still serves"
    assert kiwoom.refused() == 0


def test_a_scan_killed_between_write_and_commit_has_told_nobody_and_the_next_tells_once(
    before: Database, kiwoom: FakeKiwoom
) -> None:
    assert finish(start(before, kiwoom, "announce")) == -signal.SIGKILL
    assert left(before) == {**NOTHING, "snapshots": 1}
    for _ in range(2):
        assert finish(start(before, kiwoom)) == 0
        require_whole(before)
    assert left(before)["runs"] == 4, "two scanners, two runs; the second changed nothing"


@pytest.mark.parametrize(
    ("tr", "kind", "how", "said"),
    [
        ("ka20002", "status", {"seconds": 500}, "kiwoom ka20002 KOSPI page 2: HTTP 500"),
        ("ka20002", "status", {"seconds": 429}, "kiwoom ka20002 KOSPI page 2: refused"),
        ("ka20002", "reset", {}, "kiwoom ka20002 KOSPI page 2: .*reset"),
        ("ka20002", "truncated", {}, "kiwoom ka20002 KOSPI page 2: "),
        ("ka20002", "malformed", {}, "kiwoom ka20002 KOSPI page 2: .*no JSON"),
        ("ka20002", "repeat", {}, "kiwoom ka20002 KOSPI page 2: 30 of 30 rows came before"),
        ("ka20002", "lose", {}, "kiwoom ka20002 KOSPI: .* instruments of KOSPI didn't come"),
        ("ka20002", "code", {"seconds": 3, "header": "[8005:x]"}, "kiwoom ka20002 KOSPI page 2"),
        ("ka10095", "another session", {}, "the quotes are of 2026-11-19, not of 2026-11-20"),
        ("ka20006", "malformed", {}, "kiwoom ka20006 KOSPI.*no JSON"),
    ],
)
def test_what_does_not_pass_leaves_nothing_stored_and_names_provider_call_and_page(
    before: Database,
    kiwoom: FakeKiwoom,
    monkeypatch: pytest.MonkeyPatch,
    tr: str,
    kind: str,
    how: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setattr("tasks.snapshot.sweep.retries", 0)
    if kind == "another session":
        yesterday = f"{LAST - timedelta(days=1):%Y%m%d}"

        def change(body: dict[str, Any]) -> None:
            for row in body["atn_stk_infr"]:
                row["dt"] = yesterday

        kind, how = "change", {"change": change}
    kiwoom.break_(tr, kind, after=int(tr == "ka20002"), times=999, **how)
    with kiwoom_room(before, kiwoom.url, CLOCK) as room:
        state = state_of(lambda: run_intraday(room, LAST, last_at(CLOCK)))
    with pytest.raises(ClosebellError, match=said):
        state.result()
    assert left(before) == NOTHING
    assert len(kiwoom.of(tr)) <= 4, "two attempts at most, twice where a token or page is doubted"

    kiwoom.faults.clear()
    with kiwoom_room(before, kiwoom.url, CLOCK) as room:
        assert state_of(lambda: run_intraday(room, LAST, last_at(CLOCK))).is_completed()
    require_whole(before)


@pytest.mark.parametrize(
    ("url", "fault", "said"),
    [
        (None, "hang", "kiwoom ka20002 KOSPI page 2: ReadTimeout"),
        (None, "drip", "kiwoom ka20002 KOSPI page 2: not finished within 1 s"),
        ("http://kiwoom.invalid", None, "kiwoom au10001: ConnectError"),
        ("http://127.0.0.1:9", None, "kiwoom au10001: ConnectError"),
    ],
)
def test_a_provider_that_never_ends_or_isn_t_there_leaves_nothing_stored(
    before: Database,
    kiwoom: FakeKiwoom,
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    fault: str | None,
    said: str,
) -> None:
    monkeypatch.setattr("tasks.snapshot.sweep.retries", 0)
    if fault:
        kiwoom.break_("ka20002", fault, after=1, times=999, seconds=0.3)
    patience = {"http_read_seconds": 0.5, "http_attempt_seconds": 1} if fault else {}
    with kiwoom_room(before, url or kiwoom.url, CLOCK, **patience) as room:
        state = state_of(lambda: run_intraday(room, LAST, last_at(CLOCK)))
    with pytest.raises(ClosebellError, match=said):
        state.result()
    assert left(before) == NOTHING
    with before.reader() as tx:
        report = tx.sources.get("kiwoom")
    assert report
    assert report.state == "degraded"
