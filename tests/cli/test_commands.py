"""Commands that need no flow run: help, usage errors, the calendar, the state of things."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_market import fill
from commands import Closebell, Outcome, in_this_process
from typer.main import get_command

from cli.main import app
from db import Database


def every_command(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from every_command(command, (*path, name))


@pytest.fixture(scope="module")
def closebell(tmp_path_factory: pytest.TempPathFactory) -> Closebell:
    return Closebell(tmp_path_factory.mktemp("data"))


@pytest.fixture
def told_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """The same in this process, for what ends before any work begins."""
    return in_this_process(monkeypatch, capsys)


def test_help_is_a_command_away(closebell: Closebell) -> None:
    told = closebell("run", "end-of-day", "--help")
    assert told.code == 0
    assert "Usage: closebell run end-of-day" in told.out


@pytest.mark.parametrize("command", list(every_command(get_command(app))), ids=" ".join)
def test_every_command_explains_itself(
    told_here: Callable[..., Outcome], command: tuple[str, ...]
) -> None:
    told = told_here(*command, "--help")
    assert told.code == 0
    assert "Usage: " in told.out
    assert len(told.out.splitlines()) > 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["signal"], "No such command"),
        (["run", "end-of-day", "--session", "yesterday"], "'yesterday' is no date"),
        (["signals", "--scanner", "macd"], "'macd' is no scanner (vcp, daytrading, closing_bet)"),
        (["signals", "--as-of", "noon"], "no as-of slot"),
        (["performance", "--grade", "D"], "'D' is no grade (S, A, B, C)"),
        (["performance", "--from", "2026-02-20", "--to", "2026-02-01"], "is after"),
        (["backfill", "--from", "2026-02-20", "--to", "2026-02-01"], "is after"),
        (["backfill"], "Missing option"),
        (["backfill", "--from", "1990-01-01", "--to", "2026-02-20"], "nothing is known of 1990"),
        (["run", "end-of-day", "--session", "1990-01-01"], "the calendar reaches from 1995-05-02"),
        (["calendar", "1066"], "greater than or equal to 1995"),
        (["run", "end-of-day", "--source", "yahoo"], "'yahoo' is no source"),
    ],
)
def test_a_typo_gets_one_clear_line_and_exit_code_2(
    told_here: Callable[..., Outcome], wrong: list[str], said: str
) -> None:
    told = told_here(*wrong)
    assert told.code == 2
    assert told.err.startswith("error: ")
    assert said in told.err
    assert "--help" in told.err
    assert "Traceback" not in told.err


def test_errors_are_json_for_programs(closebell: Closebell) -> None:
    told = closebell("import", "nowhere.parquet", "--json")
    assert told.code == 1
    error = json.loads(told.err)
    assert error["error"] == "BadFile"
    assert "nowhere.parquet" in error["detail"]


def test_the_calendar_of_a_year_with_its_odd_hours(told_here: Callable[..., Outcome]) -> None:
    days = told_here("calendar", "2026", "--json").json
    assert len(days) == 244
    assert days[0] == {
        "session": "2026-01-02",
        "open": "2026-01-02T10:00:00+09:00",
        "close": "2026-01-02T15:30:00+09:00",
        "note": "first session of the year, opens late",
    }
    exam = next(day for day in days if day["session"] == "2026-11-19")
    assert (exam["open"][11:16], exam["close"][11:16]) == ("10:00", "16:30")
    told = told_here("calendar", "2026").out
    assert "244 sessions" in told
    assert "2026-07-17 Fri" in told


def test_an_extra_holiday_needs_no_release(closebell: Closebell) -> None:
    days = closebell("calendar", "2026", "--json", CLOSEBELL_EXTRA_HOLIDAYS="2026-12-30").json
    assert len(days) == 243
    assert days[-1]["session"] == "2026-12-29"


def test_a_wrong_rule_is_refused_by_name_before_anything_runs(closebell: Closebell) -> None:
    config = closebell.data_dir / "wrong.toml"
    config.write_text("[rules.vcp]\nmin_depht = 0.03\n")
    told = closebell(
        "run", "end-of-day", "--source", "sample", "--json", CLOSEBELL_CONFIG=str(config)
    )
    assert told.code == 1
    assert "rules.vcp.min_depht" in json.loads(told.err)["detail"]


def test_the_database_tells_its_version_and_upgrading_is_safe_to_repeat(
    closebell: Closebell,
) -> None:
    for _ in range(2):
        assert closebell("db", "upgrade", "--json").code == 0
    status = closebell("db", "status", "--json").json
    assert status["real"]["up_to_date"] is True
    assert status["sample"]["up_to_date"] is True
    assert "search_path" not in status["url"]


def wrong(told: Outcome) -> dict[str, Any]:
    """What doctor found wrong, by name; but for how full the disk of this machine is."""
    return {c["name"]: c for c in told.json["checks"] if not c["ok"] and c["name"] != "disk"}


def test_doctor_on_an_empty_machine_says_how_to_begin(closebell: Closebell) -> None:
    assert wrong(closebell("doctor", "--json")) == {}
    told = closebell("doctor")
    assert "closebell import" in told.out
    assert "closebell run end-of-day --source sample" in told.out
    for source in ("kiwoom", "krx", "dart", "naver"):
        assert f"source {source}" in told.out


def test_doctor_names_what_is_wrong_and_prints_no_secret(closebell: Closebell) -> None:
    url = "postgresql://me:hunter2@127.0.0.1:1/nowhere"
    told = closebell("doctor", "--json", CLOSEBELL_DATABASE_URL=url)
    assert told.code == 1
    assert "hunter2" not in told.out + told.err
    assert list(wrong(told)) == ["database"]


def test_doctor_finds_that_the_named_prefect_server_does_not_answer(closebell: Closebell) -> None:
    told = closebell("doctor", "--json", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert told.code == 1
    [(name, found)] = wrong(told).items()
    assert name == "prefect"
    assert found["detail"].endswith("server at http://127.0.0.1:1/api doesn't answer")
    assert "PREFECT_API_URL" in found["remedy"]


def test_doctor_on_a_laptop_looks_at_the_disk_and_misses_no_server(closebell: Closebell) -> None:
    checks = {c["name"]: c for c in closebell("doctor", "--json").json["checks"]}
    assert "GB free at" in checks["disk"]["detail"]
    assert checks["prefect"]["ok"]
    assert not {"timetable", "worker"} & checks.keys()


@pytest.mark.parametrize(("source", "well"), [("marcap", False), ("stored", True), ("", True)])
def test_a_real_market_more_than_a_session_late_is_wrong_where_sessions_are_collected(
    closebell: Closebell, database: Database, source: str, well: bool
) -> None:
    fill(database)
    chosen = {"CLOSEBELL_SOURCE": source} if source else {}
    told = closebell("doctor", "--json", CLOSEBELL_DATABASE_URL=database.url, **chosen)
    (late,) = (c for c in told.json["checks"] if c["name"] == "real market: bars")
    assert late["ok"] is well
    assert "sessions behind" in late["detail"]
    assert late["remedy"]


def test_up_refuses_to_deploy_to_another_server_than_its_own(closebell: Closebell) -> None:
    told = closebell("up", PREFECT_API_URL="http://elsewhere.example/api")
    assert told.code == 1
    assert "PREFECT_API_URL names the Prefect server http://elsewhere.example/api" in told.err


def test_nothing_scanned_yet_is_said_plainly(closebell: Closebell) -> None:
    assert "Try: closebell run end-of-day" in closebell("signals").out
    assert closebell("signals", "--json").json == []


def test_help_needs_no_prefect() -> None:
    code = "import sys, cli.main; sys.exit('prefect' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_an_unexpected_error_outside_a_terminal_is_logged_with_where_it_happened(
    told_here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def both_parts_fail(**_options: object) -> None:
        raise ExceptionGroup(
            "unhandled errors in a TaskGroup", [KeyError("stream"), ValueError("no port")]
        )

    monkeypatch.setattr(sys.modules["cli.main"], "app", both_parts_fail)
    told = told_here("stream")
    assert told.code == 1
    logged, said, *_ = told.err.splitlines()
    assert "in both_parts_fail" in json.loads(logged)["exception"]
    assert said == "error: KeyError: 'stream'; ValueError: no port"
