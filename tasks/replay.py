"""Playing a session that is over: its source and its clock, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from db import Database
from errors import SettingsError
from market.calendar import TradingCalendar
from market.clock import SEOUL, Clock, SystemClock
from settings import Settings
from sources.replay import RecordedMarket, ReplayClock, ReplaySource, SimulatedMarket
from sources.replay.played import PlayedMarket
from sources.replay.recorded import Closes
from sources.sample import SampleSource

REPLAY = "replay"


def clock_of(source: str | None, settings: Settings, calendar: TradingCalendar) -> Clock:
    """The clock a run from that source goes by: the machine's, unless a session is replayed.

    Raises:
        SettingsError: the session to play is none, or isn't in the file.
    """
    if (source or settings.source) != REPLAY:
        return SystemClock()
    session = session_to_play(settings, calendar)
    begin = datetime.combine(session, settings.replay_from, SEOUL)
    return ReplayClock(begin, settings.replay_speed)


def session_to_play(settings: Settings, calendar: TradingCalendar) -> date:
    """The setting replay_session, by default the newest of the file or of the sample market."""
    sessions = _market(settings, calendar, lambda _session: {}).sessions
    session = settings.replay_session or max(sessions, default=None)
    if session not in sessions:
        held = f"{sessions[0]} to {sessions[-1]}" if sessions else "none"
        raise SettingsError(
            f"replay_session {session} can't be played, only sessions from {held}",
            remedy="correct CLOSEBELL_REPLAY_SESSION or CLOSEBELL_REPLAY_FILE",
        )
    return session


def open_replay(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> ReplaySource:
    """A market of the past that goes by `clock`; indices go on from their stored closes."""

    def closes(session: date) -> Mapping[str, float]:
        bars = db.read_market_data(session, session).index_bars
        return dict(bars.select(pl.col("index").cast(pl.String), "close").iter_rows())

    return ReplaySource(_market(settings, calendar, closes), calendar, clock)


def _market(settings: Settings, calendar: TradingCalendar, closes: Closes) -> PlayedMarket:
    if settings.replay_file is None:
        last = calendar.last_closed(SystemClock().now())
        return SimulatedMarket(calendar, SampleSource(calendar), last)
    delay = timedelta(minutes=settings.replay_delay_minutes)
    return RecordedMarket(settings.replay_file, calendar, delay=delay, closes=closes)
