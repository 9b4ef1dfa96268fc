"""Decisions at the close under test: running them, and reading what they left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
from kiwoom_rooms import LAST, last_at
from prefect import flow
from prefect.client.schemas.objects import State

from db.database import Database
from flows.closing_bet import run_scan
from flows.room import Room


def run(work: Callable[[], Any]) -> State[Any]:
    @flow(name="closing-bet-under-test")
    def under_test() -> Any:
        return work()

    return under_test(return_state=True)


def bets(db: Database, session: date, slot: str) -> pl.DataFrame:
    with db.reader() as tx:
        found = tx.signals.find(
            scanners=["closing_bet"], session=session, slot=slot, withdrawn=True
        )
    return found


def decide(room: Room) -> Any:
    moment = last_at("15:12")
    return run(lambda: run_scan(room, LAST, moment, decide=True)).result()
