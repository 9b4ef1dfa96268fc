"""Is the future used? Change everything that wasn't known yet, and the past must stay as it was.

For scanners and rules of one's own as well as for closebell's:

    demand_unchanged_past(lambda data: my_scanner(data), data, moments)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying, News

SAME = 1e-8  # relative: rolling sums carry noise of 1e-13 that depends on the rows around them
Told = Callable[[MarketData], pl.DataFrame]


class LookAhead(AssertionError):
    """What was said of a session depends on what was known only later."""


def demand_unchanged_past(
    told: Told,
    data: MarketData,
    moments: Mapping[date, datetime],
    *,
    past: Callable[[pl.DataFrame, date], pl.DataFrame] | None = None,
    seed: int = 1,
) -> None:
    """Ask again after changing everything later than each moment, and compare what came before.

    Args:
        told: gives a frame with `session` from the market's data: scores, signals, trades.
        moments: session to the moment (aware) that what is said of it may know: its as-of.
        past: of such a frame, what must stay as it was after a session; by default its rows up
            to that session.

    Raises:
        LookAhead: naming the session, the columns and the first rows that differ.
    """
    chosen = past or (lambda frame, session: frame.filter(pl.col("session") <= session))
    whole = told(data)
    for session, moment in moments.items():
        before = chosen(whole, session)
        after = chosen(told(perturbed(data, session, moment, seed)), session)
        _compare(before, after, session)


def perturbed(data: MarketData, session: date, moment: datetime, seed: int = 1) -> MarketData:
    """The same market until then; after `session`, or known after `moment`, everything is another.

    Later bars are multiplied at random, some are halted, some missing, some stocks lose all of
    them; net buying changes its sign; indices are multiplied; news is lost; designations,
    delistings and names appear.
    """
    later = pl.col("session") > session
    return replace(
        data,
        bars=DailyBars.cast(_bars(data.bars, session, seed)),
        net_buying=NetBuying.cast(_net_buying(data.net_buying, moment, seed)),
        index_bars=IndexBars.cast(_index_bars(data.index_bars, later, seed)),
        instruments=Instruments.cast(_instruments(data.instruments, session)),
        flags=InstrumentFlags.cast(_flags(data.flags, session)),
        news=None
        if data.news is None
        else News.cast(data.news.filter(pl.col("seen_at") <= moment)),
    )


def _random(seed: int) -> pl.Expr:
    """Between 0 and 1, by ticker and session."""
    return (pl.struct("ticker", "session").hash(seed) % 10_007) / 10_007


def _bars(bars: pl.DataFrame, session: date, seed: int) -> pl.DataFrame:
    later = pl.col("session") > session
    times, chance = 0.5 + 1.5 * _random(seed), _random(seed + 1)
    prices = ("open", "high", "low", "close", "base")
    won = {name: (pl.col(name) * times).ceil().cast(pl.Int64) for name in prices}
    halted = later & (chance < 0.05)
    # Other stocks at every cut: one that vanishes hides what was peeked of it.
    stays = pl.struct("ticker", cut=pl.lit(session)).hash(seed + 3) % 5 > 0
    changed = bars.filter(~later | (stays & (chance < 0.97))).with_columns(
        *[pl.when(later).then(e).otherwise(name).alias(name) for name, e in won.items()],
        *[
            pl.when(later).then((pl.col(name) * _random(seed + 2) * 3).cast(pl.Int64) + 1)
            .otherwise(name).alias(name)
            for name in ("volume", "value")
        ],
    )  # fmt: skip
    return changed.with_columns(
        pl.when(halted).then(0).otherwise(name).alias(name)
        for name in ("open", "high", "low", "volume", "value")
    )


def _net_buying(rows: pl.DataFrame, moment: datetime, seed: int) -> pl.DataFrame:
    kept = rows.filter((pl.col("known_at") <= moment) | (_random(seed) < 0.8))
    return kept.with_columns(
        pl.when(pl.col("known_at") > moment).then(-3 * pl.col(name)).otherwise(name).alias(name)
        for name in rows.columns
        if name.endswith(("_won", "_shares"))
    )


def _index_bars(rows: pl.DataFrame, later: pl.Expr, seed: int) -> pl.DataFrame:
    times = 0.7 + 0.6 * (pl.struct("index", "session").hash(seed) % 101) / 101
    return rows.with_columns(
        pl.when(later).then(pl.col(name) * times).otherwise(name).alias(name)
        for name in ("open", "high", "low", "close")
    )


def _instruments(rows: pl.DataFrame, session: date) -> pl.DataFrame:
    """Those known by then stay, delisted the day after; later versions are another company."""
    later, gone = pl.col("since") > session, pl.col("delisted") > session
    tomorrow = pl.lit(session).dt.offset_by("1d")
    return rows.with_columns(
        name=pl.when(later).then(pl.lit("Another name")).otherwise("name"),
        sector=pl.when(later).then(pl.lit("Another sector")).otherwise("sector"),
        delisted=pl.when(gone.fill_null(True)).then(tomorrow).otherwise("delisted"),
    )


def _flags(rows: pl.DataFrame, session: date) -> pl.DataFrame:
    """Set later: never; lifted later: kept."""
    until = pl.when(pl.col("until") <= session).then("until")
    return rows.filter(pl.col("since") <= session).with_columns(until=until)


def _compare(before: pl.DataFrame, after: pl.DataFrame, session: date) -> None:
    keys = [name for name in ("session", "as_of", "ticker", "scanner") if name in before.columns]
    if before.height != after.height:
        raise LookAhead(
            f"up to {session} there were {before.height} rows, and {after.height} once what came "
            "later was changed"
        )
    one, other = before.sort(keys), after.sort(keys)
    wrong = [name for name in one.columns if not _same(one[name], other[name])]
    if wrong:
        apart = _differing(one[wrong[0]], other[wrong[0]])
        raise LookAhead(
            f"up to {session} {', '.join(wrong)} changed with what came later, first in "
            f"{one.filter(apart).head(3).select(keys).rows()}"
        )


def _same(one: pl.Series, other: pl.Series) -> bool:
    return not _differing(one, other).any()


def _differing(one: pl.Series, other: pl.Series) -> pl.Series:
    if not one.dtype.is_float():
        return one.ne_missing(other)
    apart = (one - other).abs() > SAME * one.abs() + 1e-12
    return apart.fill_null(False) | (one.is_null() != other.is_null())
