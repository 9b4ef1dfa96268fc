"""A process that runs the end of a day's flow, and can be made to die in the middle of it.

Arguments: database URL, session, and where to die: nowhere, collect, store, announce.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from typing import Any, NoReturn

from flow_rooms import at, in_flow, room_at

from db import Database
from db.repositories.events import Events
from flows import end_of_day
from sources.sample import SampleSource


def die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def announce_then_die(flush: Callable[[Events], None]) -> Callable[[Events], None]:
    """Die after everything was written and told, but for the commit."""

    def flushed(events: Events) -> None:
        signals = "signals" in events._changed
        flush(events)
        if signals:
            die()

    return flushed


def main(url: str, session: str, where: str) -> None:
    """Run it."""
    if where == "collect":
        SampleSource.history = die  # type: ignore[method-assign]
    elif where == "store":
        end_of_day.scan_step = die  # type: ignore[assignment]
    elif where == "announce":
        Events.flush = announce_then_die(Events.flush)  # type: ignore[method-assign]
    day = date.fromisoformat(session)
    database = Database(url)
    room = room_at(database, at(day, "15:32"))
    summary = in_flow(lambda: end_of_day.run_end_of_day(room, day))
    sys.stdout.write(summary.model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
