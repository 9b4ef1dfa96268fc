"""From arrays to the frames that cross rooms (market/schemas.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from market.clock import SEOUL
from market.schemas import (
    DailyBars,
    IndexBars,
    InstrumentFlags,
    Instruments,
    NetBuying,
)
from sources.sample import timetable
from sources.sample.index import Row
from sources.sample.intraday import Intraday
from sources.sample.walk import Chapter
from sources.sample.world import World

SOURCE: Final = "sample"
# When a session's figures stand: investors' net buying is published at about 18:30 KST.
NET_BUYING_KNOWN: Final = time(18, 40)
COLLECTED: Final = time(20, 0)


def instant(session: date, at: time) -> datetime:
    """That time of the session's day in Seoul, as UTC."""
    return datetime.combine(session, at, SEOUL).astimezone(UTC)


def bars(
    world: World, chapter: Chapter, day: Intraday, sessions: Sequence[date], skip: int
) -> dy.DataFrame[DailyBars]:
    """The chapter's daily bars, without its first `skip` sessions."""
    step, slot = np.nonzero(chapter.listed[skip:])
    step += skip
    close, shares = chapter.close[step, slot], chapter.shares[step, slot]
    frame = pl.DataFrame(
        {
            "session": _dates(sessions, chapter.first + step),
            "ticker": _tickers(world, chapter, step, slot),
            "open": day.open[step, slot],
            "high": day.high[step, slot],
            "low": day.low[step, slot],
            "close": close,
            "volume": day.volume[step, slot],
            "value": day.value[step, slot],
            "base": chapter.base[step, slot],
            "listed_shares": shares,
            "market_cap": close * shares,
        }
    )
    return DailyBars.cast(
        frame.with_columns(
            adjusted=pl.lit(False),
            source=pl.lit(SOURCE),
            collected_at=_instants(COLLECTED),
        )
    )


def net_buying(
    world: World, chapter: Chapter, day: Intraday, sessions: Sequence[date], skip: int
) -> dy.DataFrame[NetBuying]:
    """Who bought, for every stock of KOSPI and KOSDAQ that traded."""
    told = (world.slots.market != "KONEX") & (world.slots.kind != "etf")
    step, slot = np.nonzero((day.volume[skip:] > 0) & told)
    step += skip
    price = np.maximum(day.value[step, slot] // np.maximum(day.volume[step, slot], 1), 1)
    who = {
        "foreign": day.foreign[step, slot],
        "institution": day.institution[step, slot],
        "individual": day.individual[step, slot],
    }
    frame = pl.DataFrame(
        {
            "session": _dates(sessions, chapter.first + step),
            "ticker": _tickers(world, chapter, step, slot),
            **{f"{name}_won": won for name, won in who.items()},
            **{f"{name}_shares": _toward_zero(won, price) for name, won in who.items()},
        }
    )
    return NetBuying.cast(
        frame.with_columns(
            known_at=_instants(NET_BUYING_KNOWN),
            provisional=pl.lit(False),
            source=pl.lit(SOURCE),
        )
    )


def index_bars(rows: Sequence[Row], sessions: Sequence[date]) -> dy.DataFrame[IndexBars]:
    """One row an index and session."""
    names = ("ordinal", "index", "open", "high", "low", "close", "volume", "value")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    ordinals = frame.get_column("ordinal").cast(pl.Int64).to_numpy()
    return IndexBars.cast(frame.with_columns(_dates(sessions, ordinals).alias("session")))


def instruments(world: World, sessions: Sequence[date], first: int) -> dy.DataFrame[Instruments]:
    """Every stock listed from ordinal `first` to the last, or delisted in one of them."""
    slots, last = world.slots, len(sessions) - 1
    rows: list[dict[str, Any]] = []
    for tenant, slot in zip(*np.nonzero(slots.starts <= last), strict=True):
        start, end = int(slots.starts[tenant, slot]), int(slots.ends[tenant, slot])
        if end < first:
            continue
        sector = int(slots.sector[slot])
        rows.append(
            {
                "ticker": slots.tickers[tenant, slot],
                "since": sessions[start],
                "name": slots.names[tenant, slot],
                "market": str(slots.market[slot]),
                "kind": str(slots.kind[slot]),
                "sector": world.sectors[sector] if sector >= 0 else None,
                "listed": sessions[start] if start > 0 else None,
                "delisted": sessions[end] if end <= last else None,
            }
        )
    return Instruments.cast(pl.DataFrame(rows, infer_schema_length=None))


def flags(world: World, sessions: Sequence[date], first: int) -> dy.DataFrame[InstrumentFlags]:
    """Every designation that holds, or ends, from ordinal `first` to the last."""
    last = len(sessions) - 1
    extra = [flag for group in world.scripts for flag in group.flagged(last)]
    rows = [
        {
            "ticker": world.slots.tickers[tenant, slot],
            "flag": flag,
            "since": sessions[since],
            "until": sessions[until] if until <= last else None,
        }
        for tenant, slot, flag, since, until in timetable.flag_periods(
            world.table, world.slots, extra, last
        )
        if until >= first
    ]
    schema = {"ticker": pl.String, "flag": pl.String, "since": pl.Date, "until": pl.Date}
    return InstrumentFlags.cast(pl.DataFrame(rows, schema=schema))


def _dates(sessions: Sequence[date], ordinals: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(sessions, dtype=pl.Date).gather(ordinals)


def _tickers(
    world: World, chapter: Chapter, step: npt.NDArray[np.int64], slot: npt.NDArray[np.int64]
) -> pl.Series:
    slots = len(world.slots)
    table = pl.Series(world.slots.tickers.ravel().tolist(), dtype=pl.String)
    return table.gather(chapter.tenant[step, slot] * slots + slot)


def _instants(at: time) -> pl.Expr:
    local = pl.col("session").dt.combine(at, "us").dt.replace_time_zone("Asia/Seoul")
    return local.dt.convert_time_zone("UTC")


def _toward_zero(won: npt.NDArray[np.int64], price: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(np.sign(won) * (np.abs(won) // price), dtype=np.int64)
