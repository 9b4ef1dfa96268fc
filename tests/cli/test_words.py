"""The terminal in Korean: by the locale or a setting, never in JSON, with nothing left over."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from string import Formatter

import pytest
import typer
from amounts_in_korean import AMOUNTS
from api_market import TUE, WED, fill, publish, publish_gate
from typer.testing import CliRunner

from cli.calendar import calendar
from cli.checks import Check, show_checks
from cli.performance import performance
from cli.signals import signals
from cli.tables import gate_line
from cli.words import ENGLISH, words_of
from cli.words_ko import REASONS, SENTENCES, WORDS
from market.calendar import TradingCalendar
from outcomes.rules import TradeRules
from settings import Settings
from tasks.settle import settle_signals

ROOT = Path(__file__).parents[2]
KOREAN = words_of("ko")


@pytest.fixture
def run(database, tmp_path, monkeypatch):
    """The commands over the test's database, on a Korean terminal."""
    for name in ("LC_ALL", "LC_MESSAGES", "CLOSEBELL_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    monkeypatch.setenv("CLOSEBELL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", database.url)
    monkeypatch.setenv("CLOSEBELL_SOURCE", "stored")
    app = typer.Typer()
    for command in (calendar, performance, signals):
        app.command()(command)

    def closebell(*words):
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return closebell


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": ""}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "CLOSEBELL_LANGUAGE": "en"}, "en"),
        ({"LANG": "C", "CLOSEBELL_LANGUAGE": "ko"}, "ko"),
    ],
)
def test_the_setting_decides_else_the_locale(environment, language, monkeypatch):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "CLOSEBELL_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().language == language


def test_signals_are_shown_in_korean_and_json_stays_as_it_is(run, database, monkeypatch):
    fill(database)
    publish(database, "vcp", WED, 2)
    publish_gate(database, WED)
    shown = run("signals")
    assert "vcp: 신호 2개 (0 S, 1 A, 1 B, 0 C)" in shown
    assert "마켓 게이트 노랑 61/100" in shown
    assert "종가 · 저장된 시장" in shown
    assert "수축 3회: 12.1 %" in shown
    heading = next(line for line in shown.splitlines() if "코드" in line)
    assert heading.split() == ["코드", "종목", "점수", "등급", "진입가", "목표가", "손절가", "근거"]
    korean = run("signals", "--json")
    monkeypatch.setenv("LANG", "C")
    assert run("signals", "--json") == korean
    assert json.loads(korean)[0]["reasons"] == ["3 contractions: 12.1 %"]


def test_a_year_of_sessions_is_shown_in_korean(run):
    shown = run("calendar", "2026")
    assert "2026년: 244거래일, 09:00-15:30 (서울 시각)" in shown
    assert re.search(r"2026-09-24 목\W+휴장\W+추석 전날", shown)
    assert re.search(r"2026-03-02 월\W+휴장\W+삼일절 대체공휴일", shown)
    assert not re.search(r"[A-Za-z]{3}", shown)


def test_performance_is_shown_in_korean(run, database):
    fill(database)
    publish(database, "vcp", WED, 3)
    publish_gate(database, TUE)
    settle_signals(database, TradingCalendar(), TradeRules(), WED)
    early = run("performance")
    assert "신호 3개를 따라가고 있으나" in early
    assert "2026-02-04 다음 거래일인 2026-02-05이 저장되고 정산되면" in early
    publish(database, "vcp", TUE, 3)
    settle_signals(database, TradingCalendar(), TradeRules(), WED)
    shown = run("performance")
    assert "저장된 시장, 2026-02-04까지 정산" in shown
    assert "vcp: 거래" in shown
    assert "20일 뒤" in shown
    assert "게이트 노랑" in shown
    assert not re.search(r"[a-z]{4}", shown.replace("stored", ""))


def test_what_doctor_saw_is_shown_in_korean(capsys):
    show_checks(
        [
            Check("source dart", False, "degraded; last success never; breaker half-open"),
            Check("real market: bars", True, "2024-01-02 to 2026-03-13 (2,701 stocks), up to date"),
            Check("real market: net buying", True, "none stored: the market gate is missing"),
            Check("prefect", True, "something nobody has translated"),
        ],
        KOREAN,
    )
    shown = capsys.readouterr().out
    assert "자료원 dart" in shown
    assert "주의; 마지막 성공 없음; 차단기 시험 중" in shown
    assert "2024-01-02~2026-03-13 (2,701종목), 최신" in shown
    assert "저장된 것 없음: 마켓 게이트가 빠짐" in shown
    assert "something nobody has translated" in shown


def test_english_is_said_as_it_is_written():
    gate = {"status": "RED", "level": 20.4} | dict.fromkeys(
        ("kospi_close", "kospi_change_pct", "kosdaq_close", "kosdaq_change_pct")
    )
    assert str(gate_line(gate)) == "market gate RED 20/100"
    assert str(gate_line(gate, KOREAN)) == "마켓 게이트 빨강 20/100"
    assert ENGLISH.told("forming, pivot 6380 won") == "forming, pivot 6380 won"
    assert KOREAN.told("forming, pivot 6380 won") == "형성 중, 피벗 6380원"
    assert KOREAN.told("gate failed: blocking news") == "조건 미달: 악재 공시"


@pytest.mark.parametrize(("billions", "korean"), AMOUNTS)
def test_amounts_are_told_as_koreans_do(billions, korean):
    assert KOREAN.told(f"{billions} billion won traded") == f"거래대금 {korean}"
    bought = f"foreigners and institutions bought {billions} billion won in five sessions"
    assert KOREAN.told(bought) == f"외국인과 기관이 5일간 {korean} 순매수"


@pytest.mark.parametrize(
    ("note", "korean"),
    [
        ("no quote of 000020, 000030", "시세가 없는 종목: 000020, 000030"),
        ("the auction of 15:30 is over", "15:30 동시호가가 끝남"),
        (
            "2,689 of 2,690 closes of 2026-11-27 are this morning's last closes",
            "2026-11-27 종가 2,690개 가운데 2,689개가 오늘 아침의 전일 종가와 같음",
        ),
    ],
)
def test_what_runs_note_before_and_at_the_close_is_told_in_korean(note, korean):
    assert KOREAN.told(note) == korean


def test_a_translation_has_the_places_of_its_english():
    def places(text):
        return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)

    for english, korean in WORDS.items():
        assert places(english) == places(korean), english
    for pattern, korean in SENTENCES:
        assert max(map(int, places(korean)), default=-1) < re.compile(pattern).groups, pattern


def test_every_fixed_word_of_the_commands_is_translated():
    """The texts handed to `words(…)` in cli/, as far as they are written there."""
    said = {
        node.args[0].value
        for path in (ROOT / "cli").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "words"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(said) > 20
    assert said - set(WORDS) == set()


def test_terminal_and_dashboard_say_reasons_alike():
    script = (ROOT / "api/dashboard/static/words/reasons.js").read_text()
    theirs = dict(re.findall(r'^  \[/(\^.*\$)/, "(.*)"\],$', script, re.MULTILINE))
    words = dict(re.findall(r'^  (?:"([^"]+)"|\w+): "([^"]+)",$', script, re.MULTILINE))
    ours = dict(REASONS)
    for pattern, korean in theirs.items():
        plain = re.sub(r"\{(?:state|part|gate)\}", "{0}", korean).replace("{why}", "{1}")
        plain = plain.replace("{won}", "{0:billions}")
        plain = re.sub(r"\$(\d)", lambda found: f"{{{int(found[1]) - 1}}}", plain)
        if pattern.startswith("^gate ("):
            assert ours["^(gate failed|gate unknown): (.+)$"] == plain
        else:
            fixed = WORDS.get(pattern.strip("^$"))
            assert ours.get(pattern, fixed) == plain, pattern
    for english, korean in words.items():
        if english:
            assert WORDS[english] == korean
