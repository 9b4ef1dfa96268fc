"""Importing, backtests and `up` on a Korean terminal, and what a list of backtests warns of."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
import typer
from api_market import publish_backtest
from typer.testing import CliRunner

from backtest.facts import cost_words
from backtest.plan import plan_of
from cli import backtest, up
from cli.imports import import_
from cli.words import words_of
from cli.words_ko_facts import FACTS
from flows.supervisor import Seen, State
from outcomes.rules import TradeRules
from scanners.rules import Rules

ROOT = Path(__file__).parents[2]
KOREAN = words_of("ko")


@pytest.fixture
def run(database, tmp_path, monkeypatch):
    """The commands over the test's database; the language is the first word."""
    monkeypatch.setenv("CLOSEBELL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", database.url)
    monkeypatch.setenv("CLOSEBELL_SOURCE", "stored")
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.add_typer(backtest.app, name="backtest")
    app.command("import")(import_)

    def closebell(language, *words):
        monkeypatch.setenv("CLOSEBELL_LANGUAGE", language)
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    return closebell


def tried_twice(database):
    for _ in range(2):
        publish_backtest(database)
    with database.reader() as tx:
        return sorted(row["id"] for row in tx.backtests.recent(2))


def test_a_report_on_the_terminal_says_what_would_have_to_be_true(run, database):
    one, _ = tried_twice(database)
    facts = json.loads(run("en", "backtest", "show", str(one), "--json"))["facts"]
    english = " ".join(run("en", "backtest", "show", str(one)).split())
    assert english.index("what would have to be true:") < english.index("Sharpe")
    assert len(facts["conditions"]) > 0
    for condition in facts["conditions"]:
        assert f"- {condition}" in english
    korean = run("ko", "backtest", "show", str(one))
    assert "이랬어야 이루어질 수 있음:" in korean


def test_a_list_and_a_comparison_warn_as_a_single_report_does(run, database):
    one, other = tried_twice(database)
    told = json.loads(run("en", "backtest", "show", str(one), "--json"))["facts"]["survivorship"]
    assert told["verdict"] != "included"
    for words in (("list",), ("compare", str(one), str(other))):
        shown = run("en", "backtest", *words)
        assert shown.startswith(f"survivorship of {one}, {other}: {told['words']}\n")
        assert "trials so far: closing_bet 1; the best of many looks good by luck" in shown
    listed = json.loads(run("en", "backtest", "list", "--json"))
    assert [row["facts"]["survivorship"] for row in listed] == [told, told]
    both = json.loads(run("en", "backtest", "compare", str(one), str(other), "--json"))
    assert both["survivorship"] == [told, told]
    assert both["trials"] == [1, 1]


def test_backtests_are_shown_in_korean(run, database):
    one, other = tried_twice(database)
    listed = run("ko", "backtest", "list")
    assert listed.startswith(f"생존 편향({one}, {other}번): ")
    assert "지금까지의 시도: closing_bet 1" in listed
    compared = run("ko", "backtest", "compare", str(one), str(other))
    assert "다르게 선택한 것이 없음" in compared
    assert re.search(r"최대 낙폭 +", compared)
    shown = run("ko", "backtest", "show", str(one))
    assert "비용: 편도 수수료와 제비용" in shown
    names = r"\S+=.*\]\]|closing_bet|closebell backtest export|format html|KOSPI|Stock"
    plain = re.sub(names, "", shown, flags=re.DOTALL)
    assert not re.search(r"[a-z]{3}", plain), plain


def test_an_empty_list_says_so_in_korean(run):
    assert run("ko", "backtest", "list").startswith("저장된 시장에서 시도한 것이 없습니다")


def test_an_import_tells_in_korean_what_it_kept_and_why_not(run, tmp_path):
    file = tmp_path / "daily.csv"
    names = "date,code,name,market,open,high,low,close,volume,chg_pct"
    saturday = "2026-02-07,005930,삼성전자,KOSPI,70000,70000,70000,70000,5,0"
    free = "2026-02-03,005930,삼성전자,KOSPI,70000,70000,70000,0,5,0"
    file.write_text("\n".join([names, saturday, free]))
    shown = run("ko", "import", str(file))
    assert shown.startswith("파일 1개: 2행 읽음, 0행 저장, 0행 그대로, 2행 거부")
    assert "거부 1행: 거래일이 아님" in shown
    assert "다음: closebell run end-of-day 또는" in shown


def test_up_tells_in_korean_what_its_parts_do(capsys):
    with up._showing(["api"], Path("/nowhere"), KOREAN) as show:
        show("api", Seen(State.RUNNING, "http://127.0.0.1:8000 (dashboard, API, /ws, /docs)"))
        show(
            "worker", Seen(State.AGAIN, "ended with exit code 3: nothing was printed; again in 2 s")
        )
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "API: 실행 중, http://127.0.0.1:8000 (대시보드, API, /ws, /docs)"
    assert told[1] == "워커: 다시 시작, 종료 코드 3로 끝남: 출력이 없음; 2초 뒤 다시"


def test_what_a_sweep_says_of_luck_is_said_in_korean():
    told = KOREAN.told(
        "warning: 100 trials were made with this scanner: the best of so many useless ones is "
        "expected to show a Sharpe ratio of 1.20, this one shows 0.80; probability that it is more "
        "than luck (deflated Sharpe ratio): can't be told: fewer than 30 trades"
    )
    assert "100번 시도했음" in told
    assert "1.20쯤 되고, 이것은 0.80" in told
    assert told.endswith("알 수 없음: 거래 30건 미만")


def test_terminal_and_dashboard_say_what_data_lack_alike():
    script = (ROOT / "api/dashboard/static/words/facts.js").read_text("utf-8")
    theirs = dict(re.findall(r'^  \[/(\^.*\$)/,\n    "(.*)"\],$', script, re.MULTILINE))
    ours = {pattern: korean for pattern, korean in FACTS if pattern.startswith("^")}
    assert len(ours) == 19
    for pattern, korean in ours.items():
        plain = re.sub(r"\{(\d)\}", lambda found: f"${int(found[1]) + 1}", korean)
        assert theirs[pattern].replace("{taxes}", "$3") == plain


@pytest.mark.parametrize(
    ("told", "korean"),
    [
        ("40 signals followed, 3 changed their status", "신호 40개를 따라감, 3개의 상태가 바뀜"),
        ("net buying of 2218 stocks, preliminary", "2218종목의 수급, 잠정"),
        ("settle of 2026-02-20 isn't due before 19:30", "2026-02-20의 settle: 19:30 이후에 할 일"),
        ("2026-02-17 is no session: Korean New Year", "2026-02-17: 거래일이 아님 (설날)"),
        (
            "nothing is known of the net buying of 2026-02-20 yet",
            "2026-02-20의 수급이 아직 알려지지 않음",
        ),
    ],
)
def test_settling_is_told_in_korean(told, korean):
    assert KOREAN.told(told) == korean


def test_costs_are_told_with_each_tax():
    plan = plan_of(
        *("vcp", date(2023, 12, 1), date(2024, 3, 1)), rules=Rules(), trades=TradeRules()
    )
    told = KOREAN.told(cost_words(plan))
    assert told.endswith("거래세 2022-12-28부터 0.20%, 2023-12-27부터 0.18%")
