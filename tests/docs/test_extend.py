"""The worked examples of docs/extend.md, laid over a copy of the program and run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import pytest
from api_server import eventually
from doc_examples import ROOT, copy_program, examples, lay_over
from playwright.sync_api import sync_playwright

from market.calendar import TradingCalendar
from sources.sample import SampleSource

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CLOSEBELL = "import sys; from cli import main; sys.exit(main())"
CHROMIUM = "/usr/bin/chromium"
SESSION = date(2026, 3, 13)
JUDGE = """
from datetime import date
from alerts.judging import judge
from alerts.rules import parse_rule
from alerts.situation import GateFact, Situation
from alerts.words import render

def gate(level):
    fact = GateFact(date(2026, 3, 13), "close", False, "RED", level, "YELLOW")
    return Situation(newest=date(2026, 3, 13), gate=fact)

rule, states, told = parse_rule("gate falls under 30"), {}, []
for level in (41.0, 29.5, 22.0, 30.0, 12.0):
    verdict = judge("gate falls under 30", rule, gate(level), states)
    states = verdict.states
    told += verdict.notices
print([notice.facts["level"] for notice in told])
for language in ("en", "ko"):
    print(render(told, language, "http://x", repeat=False).body.splitlines()[0])
"""


def run(program: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=program,
        env=environment(program, home),
        timeout=400,
        check=False,
    )


def environment(program: Path, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLOSEBELL_", "PREFECT_"))}
    return kept | {"CLOSEBELL_DATA_DIR": str(home), "PYTHONPATH": str(program)}


@pytest.fixture
def program(tmp_path):
    return copy_program(tmp_path)


@pytest.mark.browser
def test_the_scanner_scans_publishes_and_is_asked_for_by_name(program, tmp_path):
    lay_over(program, examples("extend.md", "A scanner"))
    home = tmp_path / "home"
    asked = ("run", "end-of-day", "--source", "sample", "--session", str(SESSION), "--json")
    done = run(program, home, "-c", CLOSEBELL, *asked)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["scanners"]["strong_close"]
    assert found["scanned"] > 2000
    assert found["signals"] == sum(found["grades"][g] for g in "SAB") > 10

    asked = ("signals", "--source", "sample", "--scanner", "strong_close", "--json")
    done = run(program, home, "-c", CLOSEBELL, *asked)
    signals = json.loads(done.stdout)
    assert {signal["signal_type"] for signal in signals} == {"strong_close"}
    best = signals[0]
    assert (best["score"], best["out_of"], best["grade"]) == (100.0, 100.0, "S")
    assert best["parts"]["strength"]["rs"] >= 95
    assert best["parts"]["finish"]["place"] >= 0.9
    assert best["stop_price"] < best["entry_price"] < best["target_price"]
    with serving(program, home) as address:
        query = {"signal_type": "strong_close", "limit": 3}
        answer = httpx.get(f"{address}/api/kr/signals", params=query, timeout=30)
        assert [s["ticker"] for s in answer.json()] == [s["ticker"] for s in signals[:3]]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(locale="ko-KR")
            page.goto(address)
            page.get_by_text("강한 마감").first.wait_for(timeout=60_000)
            page.goto(f"{address}/#/stock/{best['ticker']}?scanner=strong_close")
            page.get_by_text("마감 위치").first.wait_for(timeout=60_000)
            browser.close()


@contextmanager
def serving(program: Path, home: Path):
    """`closebell serve` of the copy on a free port, which its log names."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", CLOSEBELL, "serve", "--source", "sample", "--port", str(port)],
        cwd=program,
        env=environment(program, home),
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: ready(address) or process.poll() is not None, 90)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def test_the_examples_of_the_scanner_are_written_as_the_house_is(program):
    lay_over(program, examples("extend.md", "A scanner"))
    assert_clean(program, "scanners/strong_close.py", "scanners/batch.py", "scanners/rules.py")
    deno = Path(sys.executable).with_name("deno")
    if deno.is_file():
        done = subprocess.run(
            [str(deno), "check", "--no-remote", "--no-npm", "--no-lock", "app.js"],
            cwd=program / "api/dashboard/static",
            env=os.environ
            | {"DENO_NO_UPDATE_CHECK": "1", "DENO_DIR": str(program.parent / "deno")},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_the_source_collects_is_checked_and_scanned(program, tmp_path):
    lay_over(program, examples("extend.md", "A source"))
    assert_clean(program, "sources/exports.py", "tasks/sources.py")
    home = tmp_path / "home"
    write_exports(home / "exports")
    asked = ("run", "end-of-day", "--source", "exports", "--session", str(SESSION), "--json")
    done = run(program, home, "-c", CLOSEBELL, *asked)
    assert done.returncode == 0, done.stderr
    scanners = json.loads(done.stdout)["scanners"]
    assert scanners["daytrading"]["scanned"] > 100
    asked = ("run", "end-of-day", "--source", "exports", "--session", "2026-03-16", "--json")
    refused = run(program, home, "-c", CLOSEBELL, *asked)
    assert refused.returncode == 1
    assert json.loads(refused.stderr.splitlines()[-1])["remedy"] == "export it as 2026-03-16.csv"


def write_exports(folder: Path) -> None:
    """Seventy sessions of a small invented market, one file each."""
    folder.mkdir(parents=True)
    calendar = TradingCalendar()
    sessions = calendar.sessions(date(2025, 11, 1), SESSION)[-70:]
    data = SampleSource(calendar, stocks=300).history(sessions[0], SESSION)
    names = data.instruments.filter(kind="common").select("ticker", "name", "market")
    rows = data.bars.join(names.unique("ticker"), on="ticker")
    columns = (
        "ticker",
        "name",
        "market",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "value",
        "base",
    )
    for (session,), day in rows.group_by("session"):
        day.select(pl.col(*columns)).write_csv(folder / f"{session}.csv")


def test_the_alert_tells_each_fall_once_in_both_languages(program, tmp_path):
    lay_over(program, examples("extend.md", "An alert"))
    files = ("alerts/rules.py", "alerts/judging.py", "alerts/words.py", "tasks/alerts.py")
    assert_clean(program, *files)
    done = run(program, tmp_path, "-c", JUDGE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[29.5, 12.0]",
        "Market gate fell to level 29.5 (red)",
        "마켓 게이트 점수 29.5까지 하락 (빨강)",
    ]


def assert_clean(program: Path, *files: str) -> None:
    """As `make lint` would have it."""
    tool = Path(sys.executable).with_name("ruff")
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [str(tool), *command, "--config", str(ROOT / "pyproject.toml"), *files],
            cwd=program,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
