"""A process that scans the session so far, and can be made to die in the middle of it.

Arguments: database URL, Kiwoom's URL, the time of the run, and where to die: nowhere, announce.
"""

from __future__ import annotations

import sys

from flow_rooms import in_flow
from flow_worker import announce_then_die
from kiwoom_rooms import LAST, kiwoom_room, last_at

from db import Database
from db.repositories.events import Events
from flows.intraday import run_intraday


def main(url: str, kiwoom: str, clock: str, where: str) -> None:
    """Run it."""
    if where == "announce":
        Events.flush = announce_then_die(Events.flush)  # type: ignore[method-assign]
    database = Database(url)
    with kiwoom_room(database, kiwoom, clock, http_read_seconds=60) as room:
        in_flow(lambda: run_intraday(room, LAST, last_at(clock)))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
