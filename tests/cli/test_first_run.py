"""What `make run` promises, from an empty data folder: the whole sample market, twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from commands import Closebell, Outcome

from db import open_database
from settings import Settings

RUN = ("run", "end-of-day", "--source", "sample", "--session", "2026-03-13")
NOISE = re.compile(r"traceback|warning|exception|deprecat", re.IGNORECASE)


@pytest.fixture(scope="module")
def closebell(tmp_path_factory: pytest.TempPathFactory) -> Closebell:
    """In a folder whose name has a space and Korean letters."""
    return Closebell(tmp_path_factory.mktemp("첫 실행") / "my data")


@pytest.fixture(scope="module")
def first(closebell: Closebell) -> Iterator[Outcome]:
    return closebell(*RUN, LANG="xx_XX.nowhere", LC_ALL="")


def stored(closebell: Closebell) -> list[object]:
    """Every signal, gate and event, with all their columns."""
    from sqlalchemy import select

    from db.models import Event, MarketGate, Signal

    config = Settings(data_dir=closebell.data_dir)
    with open_database(config, market="sample") as db, db.reader() as tx:
        connection = tx.events._connection
        return [
            connection.execute(select(*model.__table__.c).order_by(model.__table__.c.id)).all()
            for model in (Signal, MarketGate, Event)
        ]


def test_a_whole_market_is_scanned_and_its_signals_shown(first: Outcome) -> None:
    assert first.code == 0, first.err
    for words in ("vcp:", "daytrading:", "closing_bet:", "entry", "target", "stop", "reasons"):
        assert words in first.out
    assert re.search(r"market gate (GREEN|YELLOW|RED) \d+/100 · KOSPI [\d,.]+", first.out)
    assert re.search(r"vcp +2,\d{3} ", first.out), "about 2,700 stocks less those left out"
    assert "preferred" in first.out
    assert "This market is invented. Next, with real data:" in first.out


def test_nothing_alarming_is_printed(first: Outcome) -> None:
    assert not NOISE.findall(first.out + first.err), first.out + first.err


@pytest.mark.slow
def test_the_same_command_again_changes_no_signal_gate_or_event(
    closebell: Closebell, first: Outcome
) -> None:
    before = stored(closebell)
    assert all(before)
    again = closebell(*RUN)
    assert again.code == 0, again.err
    assert not NOISE.findall(again.out + again.err)
    assert stored(closebell) == before


@pytest.mark.slow
def test_the_run_stays_in_a_prefect_home_of_its_own(closebell: Closebell, first: Outcome) -> None:
    assert (closebell.data_dir / "prefect" / "prefect.db").is_file()


@pytest.mark.slow
def test_signals_are_there_for_programs(closebell: Closebell, first: Outcome) -> None:
    found = closebell("signals", "--json", "--limit", "500")
    assert found.code == 0, found.err
    signals = found.json
    assert {s["signal_type"] for s in signals} == {"vcp", "daytrading", "closing_bet"}
    ratios = [s["score"] / s["out_of"] for s in signals]
    assert ratios == sorted(ratios, reverse=True)
    assert all(re.fullmatch(r"[0-9A-Z]{6}", s["ticker"]) and s["name"] for s in signals)
    vcp = next(s for s in signals if s["signal_type"] == "vcp" and s["entry_price"])
    assert vcp["stop_price"] < vcp["entry_price"] < vcp["target_price"]
    assert vcp["session"] == "2026-03-13"
    assert vcp["parts"]["trend"]["out_of"] == 20
    only = closebell("signals", "--json", "--scanner", "vcp", "--limit", "1").json
    assert [s["signal_type"] for s in only] == ["vcp"]


@pytest.mark.slow
def test_doctor_finds_everything_in_order(closebell: Closebell, first: Outcome) -> None:
    told = closebell("doctor", "--json")
    checks = {c["name"]: c for c in told.json["checks"]}
    assert [name for name, c in checks.items() if not c["ok"] and name != "disk"] == []
    assert "2026-03-13" in checks["sample market: bars"]["detail"]
    assert checks["real market"]["remedy"].startswith("closebell import")


@pytest.mark.slow
def test_a_closed_day_is_skipped_and_says_why(closebell: Closebell, first: Outcome) -> None:
    skipped = closebell("run", "end-of-day", "--session", "2026-07-17", "--json")
    assert skipped.code == 0, skipped.err
    assert skipped.json["state"] == "skipped"
    assert "Constitution Day" in skipped.json["reason"]


@pytest.mark.slow
def test_an_unfinished_session_is_refused_with_what_to_do(
    closebell: Closebell, first: Outcome
) -> None:
    command = ("run", "end-of-day", "--session", "2099-01-05", "--source", "sample")
    refused = closebell(*command)
    assert refused.code == 1
    assert "hasn't closed" in refused.err
    assert not NOISE.findall(refused.err)
    for_programs = closebell(*command, "--json")
    assert for_programs.code == 1
    assert for_programs.json["state"] == "failed"
    assert "hasn't closed" in for_programs.json["reason"]
    assert json.loads(for_programs.err)["error"] == "TooEarly"
