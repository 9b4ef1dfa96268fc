"""A first history: the sessions that scanners look back on, from where they come fastest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from db import Database
from errors import ClosebellError, SettingsError, SourceNotConfigured
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import Clock
from scanners import LOOKBACK
from scanners.rules import Rules
from settings import Settings
from sources.kiwoom.source import KiwoomSource
from sources.protocol import MOST_CHOSEN, History
from tasks.collect import store_data
from tasks.importing import import_files
from tasks.scan import scan_sessions
from tasks.sources import fetch_marcap, missing_of, open_kiwoom_alone, open_source
from tasks.step import step

FASTEST: Final = ("marcap", "krx", "kiwoom")
"""Seconds a year; some three seconds a session; a second a stock."""

AT_ONCE: Final = 20
"""Sessions of KRX fetched before they are stored: what a kill may lose."""

NET_BUYING_SESSIONS: Final = 6  # the five that scanners sum up to the session before, and its own

Say = Callable[[str], None]


@dataclass(frozen=True)
class FirstHistory:
    """What is stored now of `first` to `last`: sessions by source, how many are missing."""

    first: date
    last: date
    sessions: Mapping[str, int] = field(default_factory=dict)
    missing: Sequence[date] = field(default_factory=list)
    net_buying: int = 0
    notes: Sequence[str] = ()


@step("first history", timeout=4 * 3600, retries=0)
def first_history(
    db: Database,
    settings: Settings,
    calendar: TradingCalendar,
    clock: Clock,
    rules: Rules,
    *,
    sources: Sequence[str] = FASTEST,
    sessions: int = LOOKBACK,
    say: Say,
) -> FirstHistory:
    """Store the last `sessions` that have closed, asking each source for what is still missing.

    Killed and started again it goes on: what is stored isn't asked for again, nor are the stocks
    of a whole market that were fetched one by one within a day. Then the net buying of the stocks
    that come near a signal is fetched, so that the next scan scores in full.

    Raises:
        SourceNotConfigured: none of `sources` could be asked.
        ClosebellError: the only source asked failed; with several it is among the notes.
    """
    wanted = _window(calendar, clock, sessions)
    lacks = missing_of(settings)
    usable = [name for name in sources if not lacks.get(name)]
    if not usable:
        needed = " or ".join(str(lacks[name]) for name in sources)
        raise SourceNotConfigured(f"{', '.join(sources)}: no keys are set", remedy=f"set {needed}")
    notes = [f"{name} isn't configured" for name in sources if name not in usable]
    found: Counter[str] = Counter()
    for name in usable:
        before = _missing(db, wanted)
        if not before:
            break
        say(f"{name}: {len(before)} of {len(wanted)} sessions are missing")
        try:
            _fetch(name, db, settings, calendar, clock, before, say)
        except ClosebellError as error:
            if len(usable) == 1:
                raise
            notes.append(f"{name}: {error.detail}")
            say(notes[-1])
        else:
            with db.transaction() as tx:
                tx.sources.succeeded(name)
        found[name] += len(before) - len(_missing(db, wanted))
    net_buying = 0
    if not lacks["kiwoom"] and not _missing(db, wanted[-1:]):
        try:
            with open_kiwoom_alone(settings, calendar, db, clock) as kiwoom:
                _indices(db, kiwoom, wanted)
                net_buying = _net_buying(db, kiwoom, calendar, rules, wanted[-1], say)
        except ClosebellError as error:
            notes.append(f"net buying is missing: {error.detail}")
            say(notes[-1])
    return FirstHistory(
        wanted[0], wanted[-1], dict(found), _missing(db, wanted), net_buying, tuple(notes)
    )


def _window(calendar: TradingCalendar, clock: Clock, sessions: int) -> list[date]:
    last = calendar.last_closed(clock.now())
    found = [last]
    while len(found) < sessions:
        found.insert(0, calendar.previous(found[0]))
    return found


def _missing(db: Database, wanted: Sequence[date]) -> list[date]:
    with db.reader() as tx:
        stored = set(tx.bars.sessions(wanted[0], wanted[-1]))
    return [session for session in wanted if session not in stored]


def _fetch(
    name: str,
    db: Database,
    settings: Settings,
    calendar: TradingCalendar,
    clock: Clock,
    missing: Sequence[date],
    say: Say,
) -> None:
    match name:
        case "marcap":
            _from_marcap(db, settings, calendar, clock, missing, say)
        case "krx":
            with open_source("krx", settings, calendar, db, clock) as krx:
                assert krx is not None
                _in_parts(db, krx, missing, say)
        case "kiwoom":
            with open_kiwoom_alone(settings, calendar, db, clock, tell=say) as kiwoom:
                data = kiwoom.history(missing[0], missing[-1])
                store_data(db, data, missing[-1])
        case _:
            raise SettingsError(f"{name} gives no history", remedy="choose marcap, krx or kiwoom")


def _from_marcap(
    db: Database,
    settings: Settings,
    calendar: TradingCalendar,
    clock: Clock,
    missing: Sequence[date],
    say: Say,
) -> None:
    for year in range(missing[0].year, missing[-1].year + 1):
        paths = fetch_marcap([year], settings, db)

        def tell(path: Path, done: object) -> None:
            say(f"reading {path.name}" if done is None else f"{path.name} is stored")

        import_files(db, paths, calendar=calendar, clock=clock, settings=settings, progress=tell)


def _in_parts(db: Database, source: History, missing: Sequence[date], say: Say) -> None:
    for start in range(0, len(missing), AT_ONCE):
        part = missing[start : start + AT_ONCE]
        store_data(db, source.history(part[0], part[-1]), part[-1])
        say(f"{source.name}: {start + len(part)} of {len(missing)} sessions")


def _indices(db: Database, kiwoom: KiwoomSource, wanted: Sequence[date]) -> None:
    bars = kiwoom.index_history(wanted[0], wanted[-1])
    with db.transaction() as tx:
        tx.index_bars.store(bars)


def _net_buying(
    db: Database,
    kiwoom: KiwoomSource,
    calendar: TradingCalendar,
    rules: Rules,
    last: date,
    say: Say,
) -> int:
    """Fetch that of the stocks nearest to a signal; gives how many they are."""
    scanned = scan_sessions(db, calendar, rules, last, last, Slot.CLOSE)
    best: Counter[str] = Counter()
    for result in scanned.scan.results.values():
        for ticker, score, out_of in result.signals.select("ticker", "score", "out_of").iter_rows():
            best[ticker] = max(best[ticker], round(1000 * score / out_of))
    shortlist = [ticker for ticker, _ in best.most_common(MOST_CHOSEN)]
    sessions = [last]
    while len(sessions) < NET_BUYING_SESSIONS:
        sessions.append(calendar.previous(sessions[-1]))
    stored = db.read_market_data(sessions[-1], last, net_buying_from=sessions[-1]).net_buying
    known = Counter(ticker for ticker, _ in stored.select("ticker", "session").unique().iter_rows())
    for number, ticker in enumerate(shortlist, 1):
        if known[ticker] < len(sessions):
            rows = kiwoom.net_buying_history(ticker, sessions, units=["won"])
            with db.transaction() as tx:
                tx.net_buying.store(rows)
        if number % 20 == 0 or number == len(shortlist):
            say(f"net buying: {number} of {len(shortlist)} stocks near a signal")
    return len(shortlist)
