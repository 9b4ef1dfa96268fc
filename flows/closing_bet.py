"""Buying at the close: a preview, the decision on live prices, a last check in the auction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from db.repositories.snapshots import KeptSnapshot
from flows.room import Room
from flows.so_far import age_of, live, market_now, slot_of
from flows.summary import RunSummary, summarise
from flows.timetable import Due, entry
from flows.turn import Outcome, in_turn
from market.asof import Slot
from market.data import MarketData
from tasks.articles import Asked, fetch_articles, names_of, with_articles
from tasks.beside import collect_beside
from tasks.closing_bet import (
    SCANNER,
    dropping_out,
    fetch_net_buying,
    news_step,
    quotes_of,
    shortlist,
    withdraw,
)
from tasks.news import news_known
from tasks.publish import RunFacts, publish_step
from tasks.quotes import unseen
from tasks.scan import Scanned
from tasks.scan_so_far import scan_so_far, without
from tasks.snapshot import read_before, so_far
from tasks.source_artifact import noted
from tasks.sources import INVENTED
from tasks.volume_shares import expected

GATE: Final = "market_gate"
SCANNERS: Final = (SCANNER, GATE)
NEWS_DAYS: Final = timedelta(days=7)
OUT_BY: Final = timedelta(seconds=150)
"""After its slot the decision is out, at 15:14:30: the auction takes orders from 15:20."""
TO_SCAN: Final = timedelta(seconds=25)


@flow(name="closing-bet")
def closing_bet(session: date | None = None, source: str | None = None) -> Outcome:
    """Preview, decision or check, by the moment it is due for.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        BadMarketData: the sweep can't be trusted; nothing was stored.
        SourceUnavailable: the provider didn't answer.
    """
    return in_turn("closing-bet", begin, session=session, source=source)


def begin(room: Room, turn: Due) -> Outcome:
    """The flow's work in its turn."""
    turn = slot_of(room, "closing-bet", turn)
    assert turn.slot is not None
    if turn.step == "check":
        return run_check(room, turn.session)
    return run_scan(room, turn.session, turn.slot, decide=turn.step == "decision")


def run_scan(room: Room, session: date, at: datetime, *, decide: bool) -> RunSummary:
    """Preview or decision for the slot `at` (aware, Asia/Seoul): scan, size, publish."""
    started = time.perf_counter()
    notes = _news(room, session, decide=decide)
    with room.db.reader() as tx:
        news = news_known(tx, session - NEWS_DAYS, session)
    before = read_before(room.db, room.calendar, session, news=news)
    seen = market_now(room, before, session, share=True)
    scanned = _scan(room, before, seen, at)
    if decide:
        best = shortlist(scanned)
        until = at + OUT_BY - TO_SCAN
        asked = _articles(room, before, best, session, until)
        notes += asked.notes
        notes += _net_buying(room, best, session, until)
        before = with_articles(room.db, before, session, asked)
        scanned = _scan(room, before, seen, at)
    now = room.clock.now()
    notes = [age_of(seen, now), *notes]
    if decide and now > at + OUT_BY:
        notes.append(
            f"decided {(now - at).total_seconds():.0f} s after {at:%H:%M}, later than meant"
        )
    run_id = flow_run.get_id()
    facts = RunFacts(
        source=room.source_name,
        preliminary=True,
        reason="; ".join(notes[:2]),
        flow_run_id=run_id,
    )
    # The gate scales the positions; publishing it is intraday's.
    publish_step(room.db, without(scanned, GATE), [session], room.rules, facts)
    return summarise(
        scanned, [session], notes=notes, seconds=time.perf_counter() - started, flow_run_id=run_id
    )


def run_check(room: Room, session: date) -> Outcome:
    """Withdraw of what was decided what the auction makes impossible or pointless."""
    started = time.perf_counter()
    slot = decision_slot(room, session)
    if room.clock.now() >= (close := room.calendar.hours(session).close):
        return Completed(name="Skipped", message=f"the auction of {close:%H:%M} is over")
    with room.db.reader() as tx:
        decided = tx.signals.find(scanners=[SCANNER], session=session, slot=slot)
    if decided.is_empty():
        return Completed(name="Skipped", message=f"nothing stands of the decision of {slot}")
    with noted(room.db, room.source_name):
        quotes = quotes_of(live(room), decided["ticker"].to_list())
    changes = withdraw(room.db, session, slot, dropping_out(quotes))
    unknown = quotes["expected_price"].null_count()
    notes = [f"{changes.withdrawn} of {decided.height} withdrawn"]
    notes += unseen(decided["ticker"], quotes)
    if unknown:
        notes.append(f"no expected price of {unknown}, their last one was taken")
    return RunSummary(
        state="completed",
        sessions=[session],
        notes=notes,
        seconds=round(time.perf_counter() - started, 3),
        flow_run_id=flow_run.get_id(),
    )


def decision_slot(room: Room, session: date) -> str:
    """The name of the slot in which that session's decision is published."""
    slots = entry("closing-bet").slots(room.calendar.hours(session))
    return str(next(Slot.at(at) for at, moment in slots if moment.step == "decision"))


def _news(room: Room, session: date, *, decide: bool) -> list[str]:
    """At the preview all that stands beside the prices, at the decision only what is new."""
    if room.source_name in INVENTED:
        return []
    if decide:
        try:
            return news_step(room.db, room.settings, room.clock)
        except TimeoutError:
            return ["the news of the last minutes didn't come in time"]
    return collect_beside(
        room.db,
        room.source,
        session,
        settings=room.settings,
        calendar=room.calendar,
        clock=room.clock,
    )


def _articles(
    room: Room, before: MarketData, best: Sequence[str], session: date, until: datetime
) -> Asked:
    if room.source_name in INVENTED:
        return Asked()
    listed = names_of(before, session)
    try:
        return fetch_articles(
            room.db, room.settings, best, listed, session, clock=room.clock, until=until
        )
    except TimeoutError:
        return Asked(notes=["the articles of the shortlist didn't come in time"])


def _net_buying(room: Room, best: Sequence[str], session: date, until: datetime) -> list[str]:
    try:
        return fetch_net_buying(room.db, live(room), best, session, clock=room.clock, until=until)
    except TimeoutError:
        return ["the net buying of the shortlist didn't come in time"]


def _scan(room: Room, before: MarketData, seen: KeptSnapshot, at: datetime) -> Scanned:
    return scan_so_far(
        room.db,
        so_far(room.db, before, seen),
        room.calendar,
        room.rules,
        session=seen.session,
        slot=Slot.at(at),
        known_until=room.clock.now(),
        expectation=expected(
            room.db, room.calendar.hours(seen.session), seen.at, room.rules.daytrading
        ),
        scanners=SCANNERS,
    )
