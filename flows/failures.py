"""A flow that fails leaves a failed run behind, for the scans page and for alerts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.runtime import flow_run

from db.repositories.runs import NewRun
from errors import DatabaseError, TooEarly, outward
from flows.room import Room
from flows.timetable import SHOWN_BY, Due, slot_of
from logs import get as logger


@contextmanager
def failures_recorded(room: Room, flow: str, turn: Due) -> Iterator[None]:
    """Record what goes wrong inside, announce it, and let it rise.

    What was asked for too early failed nobody, and isn't recorded.
    A database that can't be reached is only logged; that the scan is missing will be noticed.
    """
    started = time.perf_counter()
    try:
        yield
    except TooEarly:
        raise
    except Exception as error:
        run = NewRun(
            scanner=SHOWN_BY.get(flow, flow),
            session=turn.session,
            slot=slot_of(flow, turn.slot),
            status="failed",
            rules_hash=room.rules.hash,
            rules_version=room.rules.version,
            source=room.source_name,
            scanned=0,
            grades={},
            left_out={},
            seconds=time.perf_counter() - started,
            reason=outward(error),
            flow_run_id=flow_run.get_id(),
        )
        try:
            _record(room, run)
        except DatabaseError as unreachable:
            logger().error("a failure can't be recorded", flow=flow, cause=str(unreachable))
        raise


def _record(room: Room, run: NewRun) -> None:
    about = {"from": run.session.isoformat(), "to": run.session.isoformat(), "as_of": run.slot}
    with room.db.transaction() as tx:
        (number,) = tx.runs.add([run])
        tx.events.append("scan", "scan_update", about | {"sessions": 1, "run": number})
