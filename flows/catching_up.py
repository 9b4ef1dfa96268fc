"""What of a past session wasn't done, done now."""

from __future__ import annotations

from datetime import date

from flows.evening import catch_up_close
from flows.room import Room
from flows.settle import run_settle
from market.asof import Slot
from sources.protocol import LiveSource
from tasks.publish import GATE
from tasks.sources import INVENTED


def catch_up(room: Room, session: date) -> list[str]:
    """Scan and settle a closed session where nobody has; gives what to say of it.

    Nothing is caught up with before anything was ever scanned: a first history is asked for.

    Raises:
        ClosebellError: what the steps raise; what was done before it stays.
    """
    notes: list[str] = []
    done = newest(room, Slot.CLOSE)
    if done is not None and done < session:
        notes += catch_up_close(room, session)
    settled = newest(room, Slot.FINAL)
    if settled is not None and settled < session:
        notes += [f"{session} had not been settled and was now", *run_settle(room, session).notes]
    return notes


def left_to_the_morning(room: Room, session: date) -> bool:
    """Whether the exchange will tell in six calls what a broker tells stock by stock in an hour."""
    if room.settings.krx_auth_key is None or room.source_name in INVENTED:
        return False
    done = newest(room, Slot.CLOSE)
    return isinstance(room.source, LiveSource) and done is not None and done < session


def newest(room: Room, slot: Slot) -> date | None:
    """The newest session that was scanned in this slot."""
    with room.db.reader() as tx:
        return tx.runs.newest_session(GATE, str(slot))
