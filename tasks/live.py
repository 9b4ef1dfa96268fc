"""Measuring every configured source, for doctor --live: bounded, read-only, without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Final

import dataframely as dy
import polars as pl

from db import Database
from errors import ClosebellError, outward
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData
from market.schemas import DailyBars
from settings import Settings
from sources.dart.source import DartSource, open_dart
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.probe import KiwoomProbe
from sources.kiwoom.probe_stored import Stored
from sources.kiwoom.quotes import AFTER_MARKET
from sources.kiwoom.source import open_kiwoom
from sources.krx.client import open_krx
from sources.krx.source import KrxSource, NotPublished
from sources.naver.source import MOST, NaverSource, open_naver
from sources.probing import Answer, Finding, Question, answers
from tasks.reconcile import compare
from tasks.sources import WITHOUT, guards_of, missing_of, note_configured
from tasks.stream import open_stream
from tasks.told import told

SECONDS: Final = 60.0
MUCH_WRITTEN_OF: Final = "삼성전자"


def measure(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[Finding]:
    """What each source's documents leave open, as it is today; some 140 calls in all."""
    note_configured(db, settings)
    lacks = missing_of(settings)
    asked = {"kiwoom": _kiwoom, "krx": _krx, "dart": _dart, "naver": _naver}
    for name, probe in asked.items():
        if missing := lacks[name]:
            without = f"not configured: {WITHOUT[name]}"
            yield Finding(name, "is it configured", without, None, f"set {missing}")
            continue
        found = []
        try:
            for finding in probe(settings, calendar, db, clock):
                found.append(finding)
                yield finding
        except ClosebellError as error:
            found.append(Finding(name, "does it answer", outward(error), False, error.remedy))
            yield found[-1]
        failed = [finding for finding in found if finding.as_expected is False]
        with db.transaction() as tx:
            if not failed:
                tx.sources.succeeded(name)
            elif len(failed) == len(found):  # else it answers, if not as its documents have it
                tx.sources.failed(name, failed[0].found)


def _kiwoom(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[Finding]:
    @contextmanager
    def opened(per_second: float, total: float | None) -> Iterator[KiwoomClient]:
        # Once each, so that a refusal is seen instead of waited out.
        quick = settings.model_copy(
            update={
                "kiwoom_calls_per_second": per_second,
                "kiwoom_total_per_second": total or settings.kiwoom_total_per_second,
                "http_attempts": 1,
            }
        )
        with open_kiwoom(quick, guards_of(db)) as client:
            yield client

    with open_kiwoom(settings, guards_of(db)) as client:
        probe = KiwoomProbe(
            client,
            opened,
            open_stream(settings, client, clock),
            calendar,
            clock,
            per_second=settings.kiwoom_calls_per_second,
            total_per_second=settings.kiwoom_total_per_second,
            stored=_stored(db, calendar, clock),
        )
        yield from probe.findings()


def _stored(db: Database, calendar: TradingCalendar, clock: Clock) -> Stored:
    closed = calendar.last_closed(clock.now())
    shown = calendar.session_at(clock.now())
    sessions = (calendar.previous(shown), shown)
    return Stored(
        bars=pl.concat([_told(db, calendar, session) for session in sessions]),
        net_buying=db.read_market_data(closed, closed).net_buying,
        split=_newest_split(db, closed),
    )


def _told(db: Database, calendar: TradingCalendar, session: date) -> dy.DataFrame[DailyBars]:
    return told(db, "kiwoom", calendar.hours(session), AFTER_MARKET)


def _newest_split(db: Database, last: date) -> tuple[str, date] | None:
    """A stock whose base price was set anew in the last year, and the session it was."""
    bars = db.read_market_data(last - timedelta(days=365), last, net_buying_from=last).bars
    scale = pl.col("base") / pl.col("close").shift(1).over("ticker", order_by="session")
    found = bars.filter((pl.col("volume") > 0) & ((scale < 0.7) | (scale > 1.5)))
    row = next(found.sort("session", descending=True).iter_rows(named=True), None)
    return (row["ticker"], row["session"]) if row else None


def _krx(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[Finding]:
    last = calendar.last_closed(clock.now())
    with open_krx(settings, guards_of(db)) as client:
        source = KrxSource(client, calendar, clock, max_missing=settings.kiwoom_max_missing)
        questions = (
            Question(
                "publication: is the last session there", partial(_published, source, last, clock)
            ),
            Question(
                "figures: are they those of the regular session",
                partial(_official, source, db, calendar, last),
            ),
        )
        yield from answers("krx", questions, seconds=SECONDS)


def _published(source: KrxSource, last: date, clock: Clock) -> Answer:
    try:
        bars = source.collect(last).data.bars.height
    except NotPublished:
        return Answer(
            f"{last} isn't, at {clock.now():%m-%d %H:%M}",
            None,
            "it is expected about 08:00 of the next business day",
        )
    return Answer(f"{last} is, {bars:,} stocks, at {clock.now():%m-%d %H:%M}", True)


def _official(source: KrxSource, db: Database, calendar: TradingCalendar, last: date) -> Answer:
    """Of the newest session that both the exchange and, after its close, Kiwoom told."""
    looked_at = (last, calendar.previous(last))
    for session in looked_at:
        own = _told(db, calendar, session)
        if own.is_empty():
            continue
        try:
            official = source.collect(session).data
        except NotPublished:
            continue
        return _agreement(own, official, session)
    return Answer(
        f"of neither {looked_at[0]} nor {looked_at[1]} are there both Kiwoom's bars, stored after"
        " the close, and the exchange's",
        None,
        "closebell run end-of-day after a close, then this from 08:00 of the next business day on",
    )


def _agreement(own: dy.DataFrame[DailyBars], official: MarketData, session: date) -> Answer:
    found, _, _ = compare(own, official, session)
    off = [f"{n} of {found.compared} differ in {name}" for name, n in found.differing.items()]
    off += [f"{name}: {why}" for name, why in found.refused.items()]
    both = official.bars.join(own, on="ticker", suffix="_own").filter(pl.col("volume_own") > 0)
    ratio = both.select((pl.col("volume") / pl.col("volume_own")).median()).item()
    volume = "" if ratio is None else f"; its volume is {ratio:.3f} times Kiwoom's in the middle"
    well = not found.refused and not found.differing.get("close")
    return Answer(
        f"{session}: " + ("; ".join(off) or f"all {found.compared} bars agree") + volume,
        well,
        None if well else "the morning's reconciliation reports and fixes what it safely can",
    )


def _dart(
    settings: Settings, _calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[Finding]:
    with open_dart(settings, guards_of(db), clock) as source:
        questions = (
            Question("disclosures: key, pages and delay", partial(_disclosures, source, clock)),
        )
        yield from answers("dart", questions, seconds=SECONDS)


def _disclosures(source: DartSource, clock: Clock) -> Answer:
    today = clock.now().date()
    news = source.disclosures(today)
    newest = max(news["id"], default="none")
    said = (
        f"{news.height:,} of listed stocks on {today}, the newest {newest}; the list tells no time,"
        " so each counts from when it was first seen"
    )
    return Answer(said, True)


def _naver(
    settings: Settings, _calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[Finding]:
    with open_naver(settings, guards_of(db), clock) as source:
        questions = (
            Question("news search: keys and the form of its answer", partial(_searched, source)),
        )
        yield from answers("naver", questions, seconds=SECONDS)


def _searched(source: NaverSource) -> Answer:
    found = source.answered(MUCH_WRITTEN_OF)
    return Answer(
        f"{found} articles by {MUCH_WRITTEN_OF}, newest first asked for, {MOST} at most",
        found > 0,
        None if found else "check CLOSEBELL_NAVER_BASE_URL and CLOSEBELL_NAVER_PATH",
    )
