"""A session of the past, played: every flow of its timetable in its turn, by the replay's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Final

from prefect import flow
from pydantic import BaseModel, ConfigDict

from errors import ClosebellError
from flows.closing_bet import run_check, run_scan
from flows.end_of_day import run_end_of_day
from flows.exits import run_exits
from flows.intraday import run_intraday
from flows.room import Room, opened
from flows.summary import RunSummary
from flows.timetable import TIMETABLE, Moment, too_late
from flows.turn import Outcome
from logs import get as logger
from market.asof import Slot
from sources.replay import ReplayClock
from tasks.markets import invented
from tasks.publish import GATE
from tasks.replay import REPLAY

PLAYED: Final = ("exits", "closing-bet", "intraday", "end-of-day")
"""In this order where several are due at once."""


class PlayedRun(BaseModel):
    """What became of one run of the day."""

    model_config = ConfigDict(frozen=True)

    flow: str
    slot: datetime
    step: str | None = None
    state: str
    notes: tuple[str, ...] = ()
    signals: dict[str, int] = {}
    market_gate: str | None = None
    seconds: float = 0.0


def replay(until: time | None, tell: Callable[[PlayedRun], None]) -> list[PlayedRun]:
    """Play the session of the settings (replay_…) in one flow run; `tell` hears of each part.

    Raises:
        SettingsError: there is no such session to play.
    """

    @flow(name="replay")
    def of_the_day() -> list[PlayedRun]:
        with opened(REPLAY) as room:
            return play(room, until, tell)

    return of_the_day()


def play(
    room: Room, until: time | None = None, tell: Callable[[PlayedRun], None] = lambda _: None
) -> list[PlayedRun]:
    """Run what is due from the clock's beginning on, waiting for each by the clock.

    Where the clock runs faster than the machine, what comes too late is skipped and said, as on
    a real day. The sample market is scanned at the close of the session before first, if it
    wasn't; the clock begins after that.
    """
    clock = room.clock
    if not isinstance(clock, ReplayClock):
        raise TypeError("a replay goes by a clock of its own")
    session = clock.now().date()
    if invented(room.source_name, room.settings):
        _prepare(room, room.calendar.previous(session))
    begin = clock.restart()
    played = []
    for name, at, moment in _due(room, session):
        if at < begin or (until is not None and at.time() > until):
            continue
        clock.wait_until(at)
        late = too_late(name, at, moment, clock.now())
        run = _skipped(name, at, moment, late) if late else _run(room, name, session, at, moment)
        tell(run)
        played.append(run)
    return played


def _due(room: Room, session: date) -> Iterator[tuple[str, datetime, Moment]]:
    hours = room.calendar.hours(session)
    slots = [
        (at, PLAYED.index(line.flow), line.flow, moment)
        for line in TIMETABLE
        if line.flow in PLAYED
        for at, moment in line.slots(hours)
    ]
    for at, _order, name, moment in sorted(slots, key=lambda slot: slot[:2]):
        yield name, at, moment


def _run(room: Room, name: str, session: date, at: datetime, moment: Moment) -> PlayedRun:
    """One run; a failed one is told, as the next may do better."""
    try:
        outcome = _outcome(room, name, session, at, moment)
    except (ClosebellError, TimeoutError) as error:
        detail = error.detail if isinstance(error, ClosebellError) else str(error)
        logger().warning("a run of the replay failed", flow=name, error=detail)
        return PlayedRun(flow=name, slot=at, step=moment.step, state="failed", notes=(detail,))
    if not isinstance(outcome, RunSummary):
        return _skipped(name, at, moment, outcome.message or "")
    return PlayedRun(
        flow=name,
        slot=at,
        step=moment.step,
        state=outcome.state,
        notes=tuple(outcome.notes),
        signals={scanner: found.signals for scanner, found in outcome.scanners.items()},
        market_gate=outcome.market_gate,
        seconds=outcome.seconds,
    )


def _skipped(name: str, at: datetime, moment: Moment, why: str) -> PlayedRun:
    return PlayedRun(flow=name, slot=at, step=moment.step, state="skipped", notes=(why,))


def _outcome(room: Room, name: str, session: date, at: datetime, moment: Moment) -> Outcome:
    match name, moment.step:
        case "exits", step:
            return run_exits(room, session, reminder=step == "reminder")
        case "closing-bet", "check":
            return run_check(room, session)
        case "closing-bet", step:
            return run_scan(room, session, at, decide=step == "decision")
        case "intraday", _:
            return run_intraday(room, session, at)
        case _:
            return run_end_of_day(room, session)


def _prepare(room: Room, before: date) -> None:
    with room.db.reader() as tx:
        newest = tx.runs.newest_session(GATE, str(Slot.CLOSE))
    if newest is None or newest < before:
        run_end_of_day(room, before)
