"""Alerts: events judged by the rules into messages, messages handed to their senders."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import tracing
from alerts.config import Alerts
from alerts.judging import judge
from alerts.rules import GateRule, GradeRule, PivotRule, Rule, ScanRule, SourceRule
from alerts.sending import NotDelivered, Outgoing, Sender
from alerts.situation import GateFact, Notice, ScanFact, SignalFact, Situation, SourceFact
from alerts.words import render
from db import Database
from db.repositories import Repositories
from db.repositories.alerts import PendingMessage
from db.repositories.signal_pages import SignalFilter
from logs import get as logger
from market.asof import Slot
from market.calendar import TradingCalendar
from market.clock import Clock

BATCH = 1000  # events judged at a time
MOST = 1000  # signals of a slot that are looked at
LONGEST_PAUSE = 3600.0  # seconds
GIVEN_UP_AFTER = timedelta(days=1)  # of attempts that failed
REMEMBERED = timedelta(days=30)  # messages that were sent, or failed
_PRICES = frozenset({"bars", "prices"})


@dataclass(frozen=True)
class Desk:
    """What alerts work with."""

    db: Database
    config: Alerts
    senders: Mapping[str, Sender]
    calendar: TradingCalendar
    clock: Clock
    live: bool = True
    """Whether the source tells of a session that is on, so that its scans are awaited."""


def judge_events(desk: Desk, expected: Sequence[ScanFact] = ()) -> bool:
    """Judge what happened since the last time, in one transaction; whether there is more.

    The first time ever begins now: what was before is told to nobody.

    Args:
        expected: the scans that should be there by now.
    """
    now, config = desk.clock.now(), desk.config
    told: dict[str, list[dict[str, Any]]] = {}
    with desk.db.transaction() as tx:
        position = tx.alerts.judged_up_to()
        if position is None:
            position = tx.events.last_id()
            tx.alerts.advance(position)
        events = tx.events.after(position, BATCH)
        situation = _situation(tx, desk, events, expected)
        for line in config.rules:
            key, rule = line.when.lower(), line.rule
            before = tx.alerts.states(key)
            verdict = judge(line.when, rule, situation, before)
            if verdict.states != before:
                tx.alerts.remember(key, verdict.states)
            for recipient in config.told_by(line):
                told.setdefault(recipient, []).extend(map(asdict, verdict.notices))
        for recipient, notices in told.items():
            if notices:
                tx.alerts.queue(recipient, notices, now)
        if events:
            tx.alerts.advance(events[-1]["id"])
        tx.alerts.forget(now - REMEMBERED)
    return len(events) == BATCH


async def deliver(desk: Desk, recipient: str) -> None:
    """Send everything that is due to a recipient, one after the other.

    Each attempt is noted before it begins: a process that dies in the middle leaves a message
    that is sent again, and says so.
    """
    while (pending := await asyncio.to_thread(_begin, desk, recipient)) is not None:
        error = await _attempt(desk, recipient, pending)
        await asyncio.to_thread(_note, desk, recipient, pending, error)


def _begin(desk: Desk, recipient: str) -> PendingMessage | None:
    now = desk.clock.now()
    if _quiet_until(desk, now):
        return None
    with desk.db.transaction() as tx:
        return tx.alerts.begin(recipient, now)


def _quiet_until(desk: Desk, now: datetime) -> datetime | None:
    hours = desk.config.quiet_hours
    return hours.over_at(now) if hours else None


async def _attempt(desk: Desk, recipient: str, pending: PendingMessage) -> NotDelivered | None:
    sender = desk.senders.get(recipient)
    if sender is None:
        return NotDelivered("no such recipient any more", final=True)
    notices = [Notice(**notice) for notice in pending.notices]
    config = desk.config
    address, at = config.dashboard_url or "", pending.created_at
    text = render(notices, config.language, address, repeat=pending.repeat, at=at)
    message = Outgoing(pending.key, notices, text, pending.repeat, pending.created_at)
    try:
        with tracing.span("send alert", kind="client", recipient=recipient, message=pending.key):
            await sender.send(message)
    except NotDelivered as error:
        return error
    except Exception as error:  # noqa: BLE001  a mistake of ours: told, and no end of the others
        logger().error("an alert can't be sent", recipient=recipient, cause=type(error).__name__)
        return NotDelivered(f"failed: {type(error).__name__}", unsure=True)
    return None


def _note(desk: Desk, recipient: str, pending: PendingMessage, error: NotDelivered | None) -> None:
    now, about = desk.clock.now(), {"recipient": recipient, "message": pending.key}
    with desk.db.transaction() as tx:
        if error is None:
            tx.alerts.sent(pending.id, now)
            logger().info("alert sent", **about, notices=len(pending.notices))
        elif error.final or _given_up(desk.config, pending, now):
            tx.alerts.failed(pending.id, error.detail, now)
            logger().error("alert given up", **about, cause=error.detail)
        else:
            at = now + _pause(desk.config, pending.attempts, error)
            tx.alerts.put_off(pending.id, error.detail, at, unsure=error.unsure or pending.repeat)
            logger().warning("alert not delivered", **about, cause=error.detail)


def _given_up(config: Alerts, pending: PendingMessage, now: datetime) -> bool:
    return pending.attempts >= config.attempts and now - pending.created_at >= GIVEN_UP_AFTER


def _pause(config: Alerts, attempts: int, error: NotDelivered) -> timedelta:
    longest = config.retry_seconds * 3.0 ** min(attempts - 1, 20)
    jittered = random.uniform(longest / 2, longest)
    return timedelta(seconds=min(LONGEST_PAUSE, max(jittered, error.after or 0.0)))


def _situation(
    tx: Repositories, desk: Desk, events: Sequence[Mapping[str, Any]], expected: Sequence[ScanFact]
) -> Situation:
    rules: list[Rule] = [line.rule for line in desk.config.rules]
    newest = desk.calendar.last_closed(desk.clock.now())
    kinds = {event["kind"] for event in events}
    changed = {
        noun
        for event in events
        if event["kind"] == "data_update"
        for noun in event["payload"]["changed"]
    }
    graded = [rule for rule in rules if isinstance(rule, GradeRule)]
    moved = "signal:vcp" in {event["topic"] for event in events} or changed & _PRICES
    has = {type(rule) for rule in rules}
    return Situation(
        newest=newest,
        published=_published(tx, events, graded, newest) if graded else None,
        patterns=_patterns(tx, newest) if PivotRule in has and moved else None,
        gate=_gate(tx) if GateRule in has and "market_gate_update" in kinds else None,
        scans=_scans(tx, newest, expected) if ScanRule in has else None,
        sources=_sources(tx) if SourceRule in has else None,
    )


def _published(
    tx: Repositories,
    events: Sequence[Mapping[str, Any]],
    rules: Collection[GradeRule],
    newest: date,
) -> list[SignalFact]:
    """The signals of the slots that were announced, if they are still the scanner's newest."""
    announced = {
        (payload["signal_type"], date.fromisoformat(payload["session"]), payload["as_of"])
        for event in events
        if event["kind"] == "signal_update"
        for payload in (event["payload"],)
    }
    scanners = sorted({name for rule in rules for name in rule.scanners})
    grades = sorted({grade for rule in rules for grade in rule.grades})
    slots = [
        slot
        for slot in tx.signal_pages.newest_slots(scanners)
        if slot in announced and slot[1] >= newest
    ]
    rows = tx.signal_pages.best(slots, SignalFilter(grades=grades), MOST)
    before = {
        slot[0]: {} if _first_traded(*slot) else tx.alerts.grades_before(*slot) for slot in slots
    }
    return [replace(_signal(row), before=before[row["scanner"]].get(row["ticker"])) for row in rows]


def _first_traded(scanner: str, _session: date, as_of: str) -> bool:
    """Of a day trade found in the session the list before was only watched: it is no old news."""
    return scanner == "daytrading" and Slot(as_of).in_session


def _patterns(tx: Repositories, newest: date) -> list[SignalFact] | None:
    slots = [slot for slot in tx.signal_pages.newest_slots(["vcp"]) if slot[1] >= newest]
    if not slots:
        return None
    rows = tx.signal_pages.best(slots, SignalFilter(statuses=["open", "watch"]), MOST)
    quotes = {bar["ticker"]: bar for bar in tx.stocks.quotes([row["ticker"] for row in rows])}
    return [_signal(row, quotes.get(row["ticker"])) for row in rows]


def _signal(row: Mapping[str, Any], quote: Mapping[str, Any] | None = None) -> SignalFact:
    pivot = json.loads(row["parts"]).get("pivot", {}).get("price")
    names = ("scanner", "session", "as_of", "preliminary", "ticker", "name", "market", "grade")
    more = ("score", "out_of", "change", "entry", "target", "stop")
    return SignalFact(
        **{name: row[name] for name in (*names, *more)},
        pivot=pivot,
        price=quote["close"] if quote else None,
    )


def _gate(tx: Repositories) -> GateFact | None:
    row = tx.gates.get()
    if row is None:
        return None
    before = tx.gates.last_status_before(row["session"], row["as_of"])
    names = ("session", "as_of", "preliminary", "status", "level")
    return GateFact(**{name: row[name] for name in names}, before=before)


def _scans(tx: Repositories, newest: date, expected: Sequence[ScanFact]) -> list[ScanFact]:
    failing = [ScanFact(**row) for row in tx.alerts.failing_scans(newest)]
    known = {scan.scanner for scan in failing}
    late = [
        scan
        for scan in expected
        if scan.scanner not in known
        and not tx.alerts.was_scanned(scan.scanner, scan.session, scan.as_of)
    ]
    return failing + late


def _sources(tx: Repositories) -> list[SourceFact]:
    return [
        SourceFact(row["name"], row["open_until"] is not None, row["last_error"])
        for row in tx.alerts.breakers()
    ]


def next_delivery(desk: Desk) -> tuple[list[str], datetime | None]:
    """To whom something is to be sent now, and when to look again; nobody in quiet hours."""
    now = desk.clock.now()
    if over := _quiet_until(desk, now):
        return [], over
    with desk.db.reader() as tx:
        return tx.alerts.due_recipients(now), tx.alerts.next_due()
