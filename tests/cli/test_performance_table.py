"""`closebell performance` over a small settled market: the table, the JSON, nothing settled."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import typer
from api_market import TUE, WED, fill, publish, publish_gate
from rich.console import Console
from typer.testing import CliRunner

from cli.performance import _head
from cli.performance import performance as command
from cli.words import words_of
from db import Database
from errors import ClosebellError
from market.calendar import TradingCalendar
from outcomes.rules import TradeRules
from tasks.settle import settle_signals

Run = Callable[..., str]


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command over the test's database."""
    monkeypatch.setenv("CLOSEBELL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", database.url)
    monkeypatch.setenv("CLOSEBELL_SOURCE", "stored")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    app = typer.Typer()
    app.command()(command)

    def performance(*options: str) -> str:
        done = CliRunner().invoke(app, list(options), catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return performance


def settled(database: Database, session: date = TUE) -> None:
    fill(database)
    for scanner in ("vcp", "closing_bet"):
        publish(database, scanner, session)
    publish_gate(database, session)
    settle_signals(database, TradingCalendar(), TradeRules(), WED)


def test_the_table_tells_what_the_data_lack_and_what_small_means(database, run) -> None:
    settled(database)
    out = run("--scanner", "closing_bet")
    assert out.startswith("2026-02-03 to 2026-02-04: too short to tell")
    assert "closing_bet: trades" in out
    assert "vcp: trades" not in out
    assert "gate YELLOW (small)" in out
    assert "small: fewer than 30 distinct trades" in out
    assert "0.015% commission and 0.0036% fees a side, 1 tick slippage" in out


@pytest.mark.parametrize(
    ("verdict", "style"),
    [("included", "2m"), ("unknown", "2m"), ("partly", "1;31m"), ("absent", "1;31m")],
)
def test_data_that_lack_some_of_what_left_are_warned_of(verdict: str, style: str) -> None:
    out = Console(file=io.StringIO(), force_terminal=True, color_system="standard")
    report = {"verdict": verdict, "survivorship": "so many left", "settled_to": WED}
    _head(out, report, "stored", words_of("en"))
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue().startswith(f"\x1b[{style}so many left")


def test_json_is_the_apis(database, run) -> None:
    settled(database, WED)
    found = json.loads(run("--json", "--scanner", "closing_bet", "--grade", "b"))
    assert list(found) == ["period", "settled_to", "survivorship", "delisted_held", "groups"]
    whole = found["groups"][0]
    assert (whole["signal_type"], whole["grade"], whole["signals"]) == ("closing_bet", "all", 1)
    assert (whole["held"], whole["hit_rate_pct"]) == (1, None)


def test_before_any_session_after_a_signal_it_says_why_and_when(database, run) -> None:
    settled(database, WED)
    out = run()
    assert "settled to 2026-02-04" in out
    assert "Nothing can be told yet: 6 signals are followed, no trade has ended" in out
    assert "once 2026-02-05, the session after 2026-02-04, is stored and settled" in out
    assert "trades" not in out
    assert "random:" not in out


def test_before_anything_was_settled_it_says_what_to_do(database, run) -> None:
    with pytest.raises(ClosebellError) as raised:
        run()
    assert raised.value.remedy == "closebell run settle"
