"""A flow's process killed in each step, and two at once: nothing half, nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL

from db import Database

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("prefect_server"),
]

ROOT = Path(__file__).parents[2]
SESSION = date(2026, 3, 13)
SCANNERS = ("vcp", "daytrading", "closing_bet", "market_gate")


def start(db: Database, where: str = "nowhere") -> subprocess.Popen[str]:
    support = ROOT / "tests" / "support"
    return subprocess.Popen(
        [sys.executable, str(support / "flow_worker.py"), db.url, SESSION.isoformat(), where],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{support}",
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> int:
    _, said = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode


def published(db: Database) -> pl.DataFrame:
    with db.reader() as tx:
        return tx.signals.find(session=SESSION, withdrawn=True).sort("scanner", "ticker")


def runs(db: Database) -> list[dict[str, Any]]:
    with db.reader() as tx:
        return tx.runs.recent(100)


def told(db: Database) -> Counter[str]:
    """How often each topic but that of new data was told of."""
    with db.reader() as tx:
        return Counter(e["topic"] for e in tx.events.after(0) if e["topic"] != "data")


def require_whole(db: Database) -> pl.DataFrame:
    """Every signal once; each scanner's list, though it may be empty, told of once."""
    found = published(db)
    keys = found.select("scanner", "session", "as_of", "ticker")
    assert found.height == keys.n_unique() > 0
    lists = {"market-gate" if name == "market_gate" else f"signal:{name}" for name in SCANNERS}
    assert told(db) == dict.fromkeys(lists, 1)
    return found


@pytest.mark.parametrize(
    ("where", "bars"), [("collect", False), ("store", True), ("announce", True)]
)
def test_a_process_killed_in_a_step_leaves_nothing_half_and_the_next_run_completes(
    database: Database, where: str, bars: bool
) -> None:
    assert finish(start(database, where)) == -signal.SIGKILL
    assert published(database).is_empty()
    assert runs(database) == []
    assert told(database) == Counter()
    assert (database.freshness().bars is not None) is bars

    assert finish(start(database)) == 0
    require_whole(database)
    assert sorted(run["scanner"] for run in runs(database)) == sorted(SCANNERS)


def test_two_workers_at_the_same_session_leave_the_rows_of_one(database: Database) -> None:
    both = [start(database) for _ in range(2)]
    assert [finish(process) for process in both] == [0, 0]
    first = require_whole(database)
    assert Counter(run["scanner"] for run in runs(database)) == dict.fromkeys(SCANNERS, 2)
    assert finish(start(database)) == 0
    assert published(database).equals(first)
    require_whole(database)
