"""The market as it stands while a session is on: swept, checked, kept apart from final bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import polars as pl

from db import Database
from db.repositories.snapshots import KeptSnapshot
from errors import BadMarketData
from logs import get as logger
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.data import MarketData
from market.schemas import INSTANT, DailyBars, IndexBars, NetBuying
from settings import Settings
from sources.protocol import Collected, LiveSource
from tasks.checks import check_sessions
from tasks.observations import of_market
from tasks.scan import SHORT
from tasks.step import step
from tasks.windows import window_start

# Of the checks of tasks/checks.py those that a session that is on can pass.
CHECKS: Final = ("coverage", "price limits", "own session")


@step("sweep", timeout=200, retries=1)
def sweep(source: LiveSource, session: date) -> Collected:
    """The whole market as the source has it now."""
    collected = source.sweep(session)
    logger().info(
        "swept",
        source=collected.source,
        bars=collected.data.bars.height,
        at=collected.collected_at.astimezone(SEOUL).isoformat(timespec="seconds"),
    )
    return collected


@step("read history", timeout=120, retries=1)
def read_before(
    db: Database, calendar: TradingCalendar, session: date, *, news: bool = False
) -> MarketData:
    """Everything stored that a scan of `session` reads, without that session's own bars.

    Net buying of the session itself is in it, as far as it was fetched.
    """
    start, recent = window_start(calendar, session), window_start(calendar, session, SHORT)
    data = db.read_market_data(
        start, session, details_from=recent, net_buying_from=recent, news=news
    )
    before = pl.col("session") < session
    return replace(
        data,
        bars=DailyBars.cast(data.bars.filter(before)),
        index_bars=IndexBars.cast(data.index_bars.filter(before)),
    )


@step("keep snapshot", timeout=60)
def keep(
    db: Database,
    collected: Collected,
    before: MarketData,
    *,
    calendar: TradingCalendar,
    settings: Settings,
) -> KeptSnapshot:
    """Check a sweep against the sessions before, and store it: snapshot, last prices, instruments.

    One transaction; the same moment again changes nothing. Daily bars stay as they are: a
    session that isn't over has none.

    Raises:
        BadMarketData: it lacks stocks, shows another session, or its prices can't be.
    """
    seen = _of_session(collected)
    _require_sound(seen, before, calendar=calendar, settings=settings)
    with db.transaction() as tx:
        if collected.data.instruments.height:
            tx.instruments.observe(of_market(collected.data, collected.session))
        tx.snapshots.add(seen)
        tx.prices.store(prices_of(seen))
        tx.prices.store_indices(_index_prices(seen, before.index_bars))
    return seen


@step("recent snapshot", timeout=30)
def recent(db: Database, session: date, now: datetime, seconds: float) -> KeptSnapshot | None:
    """The newest snapshot kept that is at most so old, if there is one."""
    since = now - timedelta(seconds=seconds)
    with db.reader() as tx:
        return tx.snapshots.newest(session, since=since, until=now)


def so_far(db: Database, before: MarketData, seen: KeptSnapshot) -> MarketData:
    """The history with the session so far, with what is listed and known of it by now."""
    today = db.read_market_data(seen.session, seen.session)
    return replace(
        before,
        bars=DailyBars.cast(pl.concat([before.bars, seen.bars.select(before.bars.columns)])),
        index_bars=IndexBars.cast(
            pl.concat([before.index_bars, seen.index_bars.select(before.index_bars.columns)])
        ),
        instruments=today.instruments,
        flags=today.flags,
        net_buying=NetBuying.cast(
            pl.concat(
                [before.net_buying.filter(pl.col("session") < seen.session), today.net_buying]
            )
        ),
    )


def prices_of(seen: KeptSnapshot) -> pl.DataFrame:
    """Each traded stock's last price: ticker, price, change_rate (percent), volume, at, source."""
    return seen.bars.filter(pl.col("volume") > 0).select(
        "ticker",
        price="close",
        change_rate=((pl.col("close") / pl.col("base") - 1) * 100).round(4),
        volume="volume",
        at=pl.lit(seen.at.astimezone(UTC), INSTANT),
        source=pl.lit(seen.source),
    )


def _of_session(collected: Collected) -> KeptSnapshot:
    of_session = pl.col("session") == collected.session
    return KeptSnapshot(
        collected.session,
        collected.collected_at.astimezone(SEOUL),
        collected.source,
        DailyBars.cast(collected.data.bars.filter(of_session)),
        IndexBars.cast(collected.data.index_bars.filter(of_session)),
    )


def _require_sound(
    seen: KeptSnapshot, before: MarketData, *, calendar: TradingCalendar, settings: Settings
) -> None:
    newest = before.bars["session"].max()
    bars = (
        seen.bars
        if newest is None
        else pl.concat(
            [before.bars.filter(pl.col("session") >= newest), seen.bars.select(before.bars.columns)]
        )
    )
    found = check_sessions(bars, before.flags, [seen.session], calendar=calendar, settings=settings)
    wrong = [f"{c.name}: {c.detail}" for c in found if c.name in CHECKS and not c.ok]
    if wrong:
        raise BadMarketData(
            f"the sweep of {seen.at:%Y-%m-%d %H:%M:%S} isn't used: {'; '.join(wrong)}",
            remedy="the next run sweeps again",
        )


def _index_prices(seen: KeptSnapshot, before: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("index").cast(pl.String)
    last = before.filter(pl.col("session") == pl.col("session").max())
    closes = last.select(name=name, last="close")
    return (
        seen.index_bars.select(name=name, value="close")
        .join(closes, on="name", how="left")
        .with_columns(
            change_pct=((pl.col("value") / pl.col("last") - 1) * 100).round(4),
            at=pl.lit(seen.at.astimezone(UTC), INSTANT),
        )
    )
