"""The evening's flows: net buying comes, the session is scored again, and settled."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from flow_rooms import CALENDAR, at, in_flow, room_at, state_of

from db import Database
from errors import BadMarketData
from flows.end_of_day import run_end_of_day
from flows.evening import rescore
from flows.summary import RunSummary

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

SESSION = date(2026, 3, 13)


def signals(db: Database, slot: str) -> pl.DataFrame:
    with db.reader() as tx:
        return tx.signals.find(session=SESSION, slot=slot).sort("scanner", "ticker")


def runs(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return tx.runs.recent(100)


def evening(db: Database, clock: str) -> RunSummary:
    outcome = in_flow(lambda: rescore(room_at(db, at(SESSION, clock)), SESSION))
    assert isinstance(outcome, RunSummary)
    return outcome


@pytest.fixture
def closed(database: Database) -> Database:
    """A database with the session scanned at its close, before any of its net buying."""
    in_flow(lambda: run_end_of_day(room_at(database, at(SESSION, "15:32")), SESSION))
    return database


def test_the_evening_s_scan_is_preliminary_until_the_figures_are_final(closed: Database) -> None:
    at_close = signals(closed, "close")
    first = evening(closed, "18:40")
    early = signals(closed, "final")
    assert early.height > 0
    assert early["preliminary"].all()
    assert set(early["net_buying_session"].drop_nulls()) == {SESSION}
    assert set(at_close["net_buying_session"].drop_nulls()) == {CALENDAR.previous(SESSION)}
    assert first.as_of == "final"
    assert first.notes[-1].endswith("stocks, preliminary")

    second = evening(closed, "20:10")
    late = signals(closed, "final")
    assert not late["preliminary"].any()
    same = ["id", "scanner", "ticker", "score", "out_of", "grade", "entry", "status"]
    assert late.select(same).equals(early.select(same))
    assert "preliminary" not in second.notes[-1]
    assert signals(closed, "close").equals(at_close), "what was known at the close stays"

    told = len(_events(closed))
    evening(closed, "20:30")
    assert len(_events(closed)) == told
    assert signals(closed, "final").equals(late)


def _events(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return tx.events.after(0)


def test_without_net_buying_the_evening_s_run_is_skipped(closed: Database) -> None:
    state = state_of(lambda: rescore(room_at(closed, at(SESSION, "18:20")), SESSION))
    assert (state.name, state.message) == (
        "Skipped",
        "nothing is known of the net buying of 2026-03-13 yet",
    )
    assert {run["as_of"] for run in runs(closed)} == {"close"}


def test_a_session_nobody_scanned_is_scanned_at_its_close_first(database: Database) -> None:
    summary = evening(database, "18:40")
    assert summary.notes[0] == "2026-03-13 had not been scanned at its close and was now"
    assert [run["as_of"] for run in reversed(runs(database))] == ["close"] * 4 + ["final"] * 4
    assert not signals(database, "close")["preliminary"].any()


def test_a_session_that_is_on_has_no_evening_yet(database: Database) -> None:
    with pytest.raises(BadMarketData, match="hasn't closed yet"):
        evening(database, "15:29")
