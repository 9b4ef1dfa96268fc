"""What the flows of a session that is on have in common: its source, its slot, its prices."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Final

from db.repositories.snapshots import KeptSnapshot
from errors import SourceNotConfigured, TooEarly
from flows.room import Room
from flows.timetable import Due, entry
from logs import get as logger
from market.clock import SEOUL
from market.data import MarketData
from sources.protocol import LiveSource
from tasks.replay import REPLAY
from tasks.snapshot import keep, recent, sweep
from tasks.source_artifact import noted

SHARED_SECONDS: Final = 120.0
"""How old a snapshot may be to be used instead of another sweep."""
YIELD_BEFORE, YIELD_AFTER = timedelta(seconds=60), timedelta(seconds=150)
"""Around a moment of closing-bet no other flow sweeps; the decision is out 150 s after its own."""
PATIENCE: Final = 90.0
POLL: Final = 3.0


def live(room: Room) -> LiveSource:
    """The room's source, if it tells of a session that is on.

    Raises:
        SourceNotConfigured: it doesn't.
    """
    if not isinstance(room.source, LiveSource):
        raise SourceNotConfigured(
            f"{room.source_name} doesn't tell of a session that is on",
            remedy="choose kiwoom or replay (--source, CLOSEBELL_SOURCE)",
        )
    return room.source


def slot_of(room: Room, flow: str, turn: Due) -> Due:
    """The turn with its slot, also where a person named only the session.

    Raises:
        TooEarly: another day, or before its first slot: there are no prices of it to be had.
    """
    now = room.clock.now()
    if turn.session != now.date():
        raise TooEarly(
            f"{flow} works with the prices of this moment, and it is {now:%Y-%m-%d}",
            remedy=f"to see {turn.session} again: --source replay, CLOSEBELL_REPLAY_SESSION",
        )
    if turn.slot is not None:
        return turn
    begun = [
        (at, moment.step)
        for at, moment in entry(flow).slots(room.calendar.hours(turn.session))
        if at <= now
    ]
    if not begun:
        raise TooEarly(f"{flow} of {turn.session} isn't due yet", remedy="run it later")
    at, step = begun[-1]
    return Due(turn.session, at, step=step)


def market_now(
    room: Room, before: MarketData, session: date, *, share: bool = False
) -> KeptSnapshot:
    """The market as it stands: a sweep, checked and kept, or with `share` one of another run.

    Raises:
        BadMarketData: the sweep can't be trusted.
        SourceUnavailable: the provider didn't answer.
    """
    if share:
        found = recent(room.db, session, room.clock.now(), SHARED_SECONDS)
        if found is not None:
            logger().info("a snapshot of another run is used", at=found.at.isoformat())
            return found
    with noted(room.db, room.source_name):
        collected = sweep(live(room), session)
    return keep(room.db, collected, before, calendar=room.calendar, settings=room.settings)


def shared_near_closing_bet(room: Room, session: date) -> KeptSnapshot | str | None:
    """Near a moment of closing-bet: its snapshot, or why none came. None: sweep for yourself.

    closing-bet has the calls first. A replay has no call rate, so nobody waits for it.
    """
    now = room.clock.now()
    moments = [at for at, _ in entry("closing-bet").slots(room.calendar.hours(session))]
    near = [at for at in moments if at - YIELD_BEFORE <= now <= at + YIELD_AFTER]
    if not near or room.source_name == REPLAY:
        return None
    waited = 0.0
    while (found := recent(room.db, session, room.clock.now(), SHARED_SECONDS)) is None:
        if waited >= PATIENCE:
            return f"closing-bet of {near[0]:%H:%M} has the calls, and no snapshot of it came"
        time.sleep(POLL)
        waited += POLL
    return found


def age_of(seen: KeptSnapshot, now: datetime) -> str:
    """How old the prices are, in words."""
    seconds = max((now - seen.at).total_seconds(), 0.0)
    old = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"prices of {seen.at.astimezone(SEOUL):%H:%M:%S}, {old} old"
