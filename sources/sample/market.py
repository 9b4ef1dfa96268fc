"""The sample market of a seed, as frames: a window of its history, or all of it in blocks.

The market has one fixed history from its origin on. Asking for a later last session makes it
longer and changes nothing before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import dataframely as dy
import polars as pl

from errors import NotATradingSession
from market.calendar import TradingCalendar
from market.data import MarketData
from market.schemas import DailyBars, IndexBars, NetBuying
from sources.sample import frames, intraday, walk
from sources.sample.index import Indices
from sources.sample.world import World, create

ORIGIN: Final = date(2024, 1, 2)
SEED: Final = 20260101
STOCKS: Final = 2_700


@dataclass(frozen=True)
class SampleMarket:
    """The data of a window of sessions, and what was planted in it.

    `planted` has a row for each session on which a scanner should, or should not, find a
    planted pattern: session, ticker, pattern, imitates (the scanner it is made for), genuine,
    expected_scanner (imitates where genuine, else null).
    """

    data: MarketData
    planted: pl.DataFrame


@dataclass(frozen=True)
class Block:
    """Some consecutive sessions of the market."""

    bars: dy.DataFrame[DailyBars]
    net_buying: dy.DataFrame[NetBuying]
    index_bars: dy.DataFrame[IndexBars]


def generate(
    *,
    last: date,
    sessions: int = 300,
    stocks: int = STOCKS,
    seed: int = SEED,
    calendar: TradingCalendar,
    origin: date = ORIGIN,
) -> SampleMarket:
    """The last `sessions` sessions of the market up to `last`.

    The market depends on `seed`, `stocks` and `origin` alone; `last` and `sessions` cut a
    window out of it. Before the origin there is nothing: the window may be shorter.

    Raises:
        NotATradingSession: `last` is no session, or lies before the origin.
        SettingsError: `stocks` is too small or too large.
    """
    days = _days(origin, last, calendar)
    world = create(stocks, seed)
    first = max(len(days) - sessions, 0)
    found = list(_blocks(world, days, first))
    data = MarketData(
        bars=DailyBars.cast(pl.concat([block.bars for block in found])),
        instruments=frames.instruments(world, days, first),
        flags=frames.flags(world, days, first),
        net_buying=NetBuying.cast(pl.concat([block.net_buying for block in found])),
        index_bars=IndexBars.cast(pl.concat([block.index_bars for block in found])),
        flags_from=days[first],
    )
    return SampleMarket(data, planted(world, days, first))


def blocks(
    *,
    last: date,
    stocks: int = STOCKS,
    seed: int = SEED,
    calendar: TradingCalendar,
    origin: date = ORIGIN,
) -> Iterator[Block]:
    """The same market from its origin to `last`, 64 sessions at a time, in bounded memory.

    Raises:
        NotATradingSession: `last` is no session, or lies before the origin.
        SettingsError: `stocks` is too small or too large.
    """
    return _blocks(create(stocks, seed), _days(origin, last, calendar), 0)


def planted(world: World, days: list[date], first: int) -> pl.DataFrame:
    """What was planted for the sessions from ordinal `first` to the last."""
    rows = [
        (days[at], world.slots.tickers[0, slot], check.pattern, check.scanner, check.genuine)
        for group in world.scripts
        for slot, script, done in group.completions(len(days) - 1)
        for check in script.checks
        if first <= (at := done + check.after) < len(days)
    ]
    schema = {
        "session": pl.Date,
        "ticker": pl.String,
        "pattern": pl.String,
        "imitates": pl.String,
        "genuine": pl.Boolean,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(expected_scanner=pl.when("genuine").then("imitates")).sort(
        "session", "imitates", "pattern", "ticker"
    )


def _days(origin: date, last: date, calendar: TradingCalendar) -> list[date]:
    if not calendar.is_session(last):
        raise NotATradingSession(f"{last} is not a session: {calendar.why_closed(last)}")
    days = calendar.sessions(origin, last)
    if not days:
        raise NotATradingSession(
            f"{last} lies before the sample market's first session, {origin}",
            remedy=f"choose a session from {origin} on",
        )
    return days


def _blocks(world: World, days: list[date], first: int) -> Iterator[Block]:
    indices = Indices(world.slots)
    for chapter in walk.Walk(world).chapters(len(days) - 1):
        if chapter.first + len(chapter.close) <= first:
            indices.advance(chapter, None)
            continue
        day = intraday.fill(world, chapter)
        skip = max(first - chapter.first, 0)
        rows = [row for row in indices.advance(chapter, day) if row[0] >= first]
        yield Block(
            frames.bars(world, chapter, day, days, skip),
            frames.net_buying(world, chapter, day, days, skip),
            frames.index_bars(rows, days),
        )
