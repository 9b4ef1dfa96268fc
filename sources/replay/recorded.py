"""Snapshots of the whole market that somebody kept, in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import dataframely as dy
import polars as pl

from errors import BadFile, BadMarketData, SourceUnavailable
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.data import MarketData
from market.schemas import INSTANT, DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying
from sources.files_bars import RAW, read_bars
from sources.files_observations import observe
from sources.files_reading import read_table
from sources.protocol import Listed
from sources.replay.played import Snapshot

SOURCE: Final = "replay"
COLUMNS: Final = ("snap_at", "code", "name", "market", "open", "high", "low", "close", "volume",
                  "amount", "marcap", "shares", "chg", "dept")  # fmt: skip

Closes = Callable[[date], Mapping[str, float]]


class RecordedMarket:
    """The sessions of a file of snapshots: `snap_at` (when one was seen) and the raw columns.

    Each stands for `delay` before it was seen, as its source was late; the first one seen that
    long after the close stands for the close. Left out are those seen in between, some of which
    hold the closing auction already; those without prices (from before the open), of days
    without a session, and of the session before seen again: their volume is more than a later
    one's.
    """

    def __init__(
        self, path: Path, calendar: TradingCalendar, *, delay: timedelta, closes: Closes
    ) -> None:
        """`closes` gives the indices' closes of a session, as far as they are known.

        Raises:
            BadFile: it can't be read, or isn't a file of snapshots.
        """
        table = read_table(path)
        if missing := sorted(set(COLUMNS) - set(table.columns)):
            raise BadFile(f"{path}: no file of snapshots, it lacks {', '.join(missing)}")
        self._path = str(path)
        self._calendar = calendar
        self._closes = closes
        local = pl.col("snap_at").dt.convert_time_zone("Asia/Seoul")
        table = table.with_columns(date=local.dt.date())
        if "file_date" in table.columns:  # weekends repeat Friday under their own date
            table = table.filter(pl.col("file_date") == pl.col("date"))
        self._table = table
        self._times = _times(table, calendar, delay)

    @property
    def sessions(self) -> list[date]:
        """Those it can play, in order."""
        return self._times["date"].unique().sort().to_list()

    def listed(self, session: date) -> Listed:
        """What the first snapshot since the open names; it doesn't tell KOSPI's designations.

        Those of the night before are of the session before.
        """
        opened = self._calendar.hours(session).open
        of_day = self._table.filter(pl.col("date") == session, pl.col("snap_at") >= opened)
        if of_day.is_empty():
            raise SourceUnavailable(f"{self._path}: nothing of {session}")
        first = of_day.filter(pl.col("snap_at") == of_day["snap_at"].min())
        texts = first.select(
            ticker="code",
            session="date",
            name="name",
            market=pl.col("market").replace("KOSDAQ GLOBAL", "KOSDAQ"),
            dept="dept",
        )
        instruments, flags = observe(texts, tells_flags=True)
        assert flags is not None
        null = pl.lit(None, pl.Date)
        return Listed(
            Instruments.cast(
                instruments.drop("last_seen").with_columns(listed=null, delisted=null)
            ),
            InstrumentFlags.cast(flags),
        )

    def at(self, session: date, moment: datetime) -> Snapshot:
        """The newest snapshot that could be seen by `moment` (aware).

        Raises:
            SourceUnavailable: there is none yet.
        """
        seen = self._times.filter((pl.col("date") == session) & (pl.col("at") <= moment))
        if seen.is_empty():
            raise SourceUnavailable(
                f"{self._path}: no prices of {session} by {moment.astimezone(SEOUL):%H:%M}",
                remedy=f"it holds sessions from {self.sessions[0]} to {self.sessions[-1]}"
                if self.sessions
                else None,
            )
        return self._snapshot(session, *seen.row(-1)[1:3])

    def history(self, first: date, last: date) -> MarketData:
        """The sessions whose close somebody kept, with what was listed in the last of them.

        Raises:
            SourceUnavailable: there is none.
        """
        seen = [
            row
            for row in self._times.filter(pl.col("date").is_between(first, last)).iter_rows()
            if row[2] == self._calendar.hours(row[0]).close
        ]
        if not seen:
            raise SourceUnavailable(f"{self._path}: no close from {first} to {last}")
        closes = [self._snapshot(*row) for row in seen]
        listed = self.listed(seen[-1][0])
        return MarketData(
            bars=DailyBars.cast(pl.concat(close.bars for close in closes)),
            instruments=listed.instruments,
            flags=listed.flags,
            net_buying=NetBuying.create_empty(),
            index_bars=IndexBars.cast(pl.concat(close.index_bars for close in closes)),
            flags_from=seen[-1][0],
        )

    def _snapshot(self, session: date, snap_at: datetime, at: datetime) -> Snapshot:
        rows = self._table.filter(pl.col("snap_at") == snap_at)
        # A file of daily bars may not hold a session that is still on; here it usually is.
        closed = max(at, self._calendar.hours(session).close)
        bars, rejected = read_bars(
            rows, self._path, RAW, calendar=self._calendar, collected_at=closed, source=SOURCE
        )
        if rejected["row"].n_unique() > rows.height // 100:
            raise BadMarketData(f"{self._path}: the rows of {snap_at} can't be read")
        seen = bars.with_columns(collected_at=pl.lit(at.astimezone(UTC), INSTANT))
        return Snapshot(at, DailyBars.cast(seen), self._indices(session, bars, rows))

    def net_buying(
        self,
        session: date,
        tickers: Iterable[str] | None,
        moment: datetime,
    ) -> dy.DataFrame[NetBuying]:
        """None: nobody kept it."""
        del session, tickers, moment
        return NetBuying.create_empty()

    def _indices(
        self, session: date, bars: pl.DataFrame, rows: pl.DataFrame
    ) -> dy.DataFrame[IndexBars]:
        """Each index from its last close and the change of its common stocks' market value.

        At the close this came within 0.003 points of KOSPI's own percentage, and within 0.2 of
        KOSDAQ's, in the ten sessions of March 2026. Without that last close there is none.
        """
        closes = self._closes(self._calendar.previous(session))
        market = rows.select(
            ticker="code", market=pl.col("market").replace("KOSDAQ GLOBAL", "KOSDAQ")
        )
        values = (
            bars.filter(pl.col("ticker").str.ends_with("0"), pl.col("base").is_not_null())
            .drop("market", strict=False)
            .join(market, on="ticker")
            .group_by("market")
            .agg(
                now=(pl.col("close") * pl.col("listed_shares")).sum().cast(pl.Float64),
                then=(pl.col("base") * pl.col("listed_shares")).sum().cast(pl.Float64),
            )
        )
        found = [
            {"session": session, "index": name, "close": round(closes[name] * now / then, 2)}
            for name, now, then in values.iter_rows()
            if name in closes and then
        ]
        schema = IndexBars.create_empty().schema
        return IndexBars.validate(pl.DataFrame(found, schema=schema).sort("index"), cast=True)


def _times(table: pl.DataFrame, calendar: TradingCalendar, delay: timedelta) -> pl.DataFrame:
    """date, snap_at and at (what it stands for) of every snapshot that can be shown."""
    totals = (
        table.group_by("date", "snap_at")
        .agg(priced=pl.col("close").count(), volume=pl.col("volume").sum())
        .filter(pl.col("priced") > 0)
        .sort("snap_at")
    )
    rows: list[tuple[date, datetime, datetime]] = []
    for day in totals["date"].unique().sort():
        if not calendar.is_session(day):
            continue
        hours = calendar.hours(day)
        of_day = totals.filter(pl.col("date") == day)
        least_later = of_day["volume"].reverse().cum_min().reverse()
        for snap_at, volume, least in zip(
            of_day["snap_at"], of_day["volume"], least_later, strict=True
        ):
            if volume > least or snap_at - delay < hours.open:
                continue
            if snap_at <= hours.close:
                rows.append((day, snap_at, snap_at - delay))
            elif snap_at > hours.close + delay:
                closed = rows and rows[-1][0] == day and rows[-1][2] >= hours.close
                rows.append((day, snap_at, snap_at - delay if closed else hours.close))
    moment = table.schema["snap_at"]
    return pl.DataFrame(
        rows, schema={"date": pl.Date, "snap_at": moment, "at": moment}, orient="row"
    )
