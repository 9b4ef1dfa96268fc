"""What publishing tells: every change of a list, and nothing where nothing changed."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from api_market import SIGNAL_SCHEMA, WED, signal

from db.database import Database
from market.asof import Slot
from scanners import MarketScan
from scanners.results import ScanResult
from scanners.rules import Rules
from tasks.publish import Publication, RunFacts, publish_sessions
from tasks.scan import Scanned

COUNTS = {name: pl.Int64 for name in ("scanned", "s", "a", "b", "c", "ungraded")}


def publish(
    db: Database,
    slot: str,
    count: int,
    *,
    sessions: list[date] | None = None,
    withheld: bool = False,
    announce: Any = "signals",
) -> Publication:
    """A scan of day trades that found so many, published by the task itself."""
    found = [signal("daytrading", WED, number) for number in range(count)]
    result = ScanResult(
        "daytrading",
        pl.DataFrame(),
        pl.DataFrame(found, schema=SIGNAL_SCHEMA, orient="row"),
        pl.DataFrame(schema={"session": pl.Date} | COUNTS),
        pl.DataFrame(schema={"session": pl.Date, "reason": pl.String, "n": pl.Int64}),
    )
    scanned = Scanned(MarketScan({"daytrading": result}, None), Slot(slot), 0.1)
    facts = RunFacts(source="sample", withheld={"daytrading": "too old"} if withheld else {})
    return publish_sessions(db, scanned, sessions or [WED], Rules(), facts, announce=announce)


def told(db: Database) -> list[tuple[str, Any]]:
    """Kind and slot of every event."""
    with db.reader() as tx:
        return [(event["kind"], event["payload"].get("as_of")) for event in tx.events.after(0)]


def test_a_scan_that_finds_nothing_any_more_is_told(database: Database) -> None:
    publish(database, "09:05", 3)
    assert publish(database, "09:10", 0)
    assert told(database) == [("signal_update", "09:05"), ("signal_update", "09:10")]
    with database.reader() as tx:
        payload = tx.events.after(0)[-1]["payload"]
    assert {name: payload[name] for name in ("new", "changed", "withdrawn")} == {
        "new": 0,
        "changed": 0,
        "withdrawn": 0,
    }


@pytest.mark.parametrize("count", [0, 3])
def test_the_same_slot_again_is_told_of_once(database: Database, count: int) -> None:
    publish(database, "09:05", count)
    assert not publish(database, "09:05", count)
    assert told(database) == [("signal_update", "09:05")]


def test_a_scanner_that_is_withheld_opens_no_slot(database: Database) -> None:
    publish(database, "09:05", 3)
    assert not publish(database, "09:10", 0, withheld=True)
    assert told(database) == [("signal_update", "09:05")]


def test_a_back_fill_that_finds_nothing_is_told_as_one(database: Database) -> None:
    sessions = [date(2026, 2, 3), WED]
    publish(database, "close", 0, sessions=sessions, announce="scan")
    publish(database, "close", 0, sessions=sessions, announce="scan")
    assert told(database) == [("scan_update", "close")]
