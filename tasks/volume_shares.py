"""How much of a day's volume is usually traded by a minute: the table's word, then our own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl

from db import Database
from db.repositories.snapshots import KeptSnapshot
from logs import get as logger
from market.calendar import SessionHours, TradingCalendar
from scanners.daytrading import InSession, expected_share
from scanners.rules import DaytradingRules
from settings import Settings
from tasks.step import step

ENOUGH: Final = 20
"""Sessions of own snapshots from which on they are believed rather than the table (SCANNERS)."""
MOST: Final = 60
LEAST_STOCKS: Final = 100
DAY: Final = timedelta(minutes=390)
OPEN: Final = time(9, 0)


@dataclass(frozen=True)
class Expectation:
    """What the scanners are told of a moment in the session, and where it is from."""

    in_session: InSession
    origin: Literal["table", "own"]


@step("learn volume shares", timeout=120)
def learn(db: Database, calendar: TradingCalendar, session: date, settings: Settings) -> int:
    """Take the shares out of the snapshots of sessions before that are over; forget old snapshots.

    A share is the median of the stocks' own. Nothing is left to do once a day's first run did.

    Returns:
        How many sessions were learned from.
    """
    with db.reader() as tx:
        sessions = tx.snapshots.unlearned(session)
        kept = {one: tx.snapshots.of(one) for one in sessions}
    for one, snapshots in kept.items():
        bars = db.read_market_data(one, one).bars
        shares = shares_of(snapshots, bars, calendar.hours(one))
        with db.transaction() as tx:
            tx.snapshots.store_shares(shares)
        logger().info("volume shares learned", of=one.isoformat(), moments=shares.height)
    with db.transaction() as tx:
        tx.snapshots.prune(settings.snapshot_sessions)
    return len(kept)


def expected(
    db: Database, hours: SessionHours, at: datetime, rules: DaytradingRules
) -> Expectation:
    """The share of the day's volume usually traded by `at`, on the scale of an ordinary day."""
    moment = ordinary_time(hours, at)
    with db.reader() as tx:
        own = tx.snapshots.shares(hours.session, MOST)
    if own["session"].n_unique() < ENOUGH:
        return Expectation(InSession(moment, expected_share(moment, rules)), "table")
    share = median_share(own, minutes_of(hours, at))
    return Expectation(InSession(moment, share), "own")


def shares_of(
    snapshots: list[KeptSnapshot], bars: pl.DataFrame, hours: SessionHours
) -> pl.DataFrame:
    """session, minute, share, stocks of each snapshot taken before the session's close."""
    day = bars.filter(pl.col("volume") > 0).select("ticker", day="volume")
    rows = []
    for seen in snapshots:
        if not hours.open <= seen.at < hours.close:
            continue
        both = seen.bars.select("ticker", "volume").join(day, on="ticker")
        share = (both["volume"] / both["day"]).median()
        if isinstance(share, float) and both.height >= LEAST_STOCKS:
            rows.append((hours.session, minutes_of(hours, seen.at), min(share, 1.0), both.height))
    schema = {"session": pl.Date, "minute": pl.Float64, "share": pl.Float64, "stocks": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def median_share(shares: pl.DataFrame, minute: float) -> float:
    """The median over sessions of each one's share by that minute, between its snapshots."""
    found = []
    for _session, own in shares.sort("minute").group_by("session", maintain_order=True):
        minutes = np.array([0.0, *own["minute"], DAY / timedelta(minutes=1)])
        values = np.array([0.0, *own["share"], 1.0])
        found.append(float(np.interp(minute, minutes, values)))
    return float(np.median(found))


def minutes_of(hours: SessionHours, at: datetime) -> float:
    """Minutes since the open, as if the session were of ordinary length."""
    passed = (at - hours.open) / (hours.close - hours.open)
    return min(max(passed, 0.0), 1.0) * (DAY / timedelta(minutes=1))


def ordinary_time(hours: SessionHours, at: datetime) -> time:
    """The time of an ordinary day that `at` corresponds to on a day of other hours."""
    passed = timedelta(minutes=minutes_of(hours, at))
    return (datetime.combine(hours.session, OPEN) + passed).time()
