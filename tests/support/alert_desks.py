"""A desk of alerts with one recipient that listens on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alert_receivers import SECRET, Receiver

from alerts.config import read_alerts
from alerts.senders import make_senders
from alerts.situation import ScanFact
from db import Database
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from settings import Settings
from tasks.alerts import Desk, deliver, judge_events, next_delivery

EVENING = datetime(2026, 2, 4, 15, 40, tzinfo=SEOUL)
GRADES = "closing_bet grade A or better"
RULES = (
    GRADES,
    "gate changes colour",
    "within 1 % of a pivot",
    "a scan failed or is late",
    "a source is down",
)


@dataclass(frozen=True)
class HeardDesk(Desk):
    """A desk that knows who listens."""

    receiver: Receiver = field(kw_only=True)


def make_desk(
    database: Database, receiver: Receiver, now: datetime = EVENING, **more: Any
) -> HeardDesk:
    """One recipient, all rules, at that time."""
    recipients = {"desk": {"webhook": receiver.url, "secret": SECRET}}
    told = {"language": "en", "retry_seconds": 0.01, "recipients": recipients, "rules": RULES}
    config = read_alerts(Settings(alerts=told | more))
    clock = FixedClock(now)
    senders = make_senders(config, clock)
    return HeardDesk(database, config, senders, TradingCalendar(), clock, receiver=receiver)


def at(desk: HeardDesk, now: datetime) -> HeardDesk:
    """The same desk at another time."""
    return replace(desk, clock=FixedClock(now))


def send(desk: HeardDesk, expected: Sequence[ScanFact] = ()) -> list[list[dict[str, Any]]]:
    """Judge, deliver what is due; the notices that came, message by message."""
    judge_events(desk, expected)
    before = len(desk.receiver.got)
    for recipient in next_delivery(desk)[0]:
        asyncio.run(deliver(desk, recipient))
    return [one.json["notices"] for one in desk.receiver.got[before:]]
