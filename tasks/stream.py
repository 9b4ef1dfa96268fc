"""What the live stream tells, kept: each watched stock's last price, at most once a second."""

from __future__ import annotations

from datetime import UTC, date

import polars as pl

from db import Database
from market.clock import Clock
from market.schemas import INSTANT
from settings import Settings
from sources.kiwoom.client import PROVIDER, KiwoomClient
from sources.kiwoom.realtime import Limits, Realtime
from sources.kiwoom.realtime_rows import IndexTick, SessionNotice, Tick, Told

STREAM = "kiwoom stream"


class Kept:
    """The newest of each that isn't stored yet; several ticks within a second become one row."""

    def __init__(self) -> None:
        self._ticks: dict[str, Tick] = {}
        self._indices: dict[str, IndexTick] = {}
        self.notice: SessionNotice | None = None
        self.ticks = 0

    def take(self, told: Told) -> None:
        """Keep what was told until it is stored."""
        if isinstance(told, Tick):
            self.ticks += 1
            self._ticks[told.ticker] = told
        elif isinstance(told, IndexTick):
            self._indices[told.name] = told
        else:
            self.notice = told

    def store(self, db: Database) -> int:
        """Write it in one transaction, which wakes the readers; gives how many prices were new.

        Raises:
            DatabaseError: nothing was written; newer ticks will be tried again.
        """
        ticks, self._ticks = self._ticks, {}
        indices, self._indices = self._indices, {}
        if not ticks and not indices:
            return 0
        try:
            with db.transaction() as tx:
                stored = tx.prices.store(_prices(list(ticks.values())))
                tx.prices.store_indices(_index_prices(list(indices.values())))
        except BaseException:
            self._ticks = ticks | self._ticks
            self._indices = indices | self._indices
            raise
        return stored.stored


def watched(db: Database, settings: Settings, since: date) -> list[str]:
    """The stocks to watch: those of the settings' list, then those of signals not over yet.

    At most `kiwoom_stream_stocks` of them.

    Args:
        since: signals of sessions before it are looked at no longer.
    """
    with db.reader() as tx:
        followed = tx.signals.followed(since)
    tickers = dict.fromkeys([*sorted(settings.watch_list), *followed])
    return list(tickers)[: settings.kiwoom_stream_stocks]


def open_stream(settings: Settings, client: KiwoomClient, clock: Clock) -> Realtime:
    """Kiwoom's stream with the access token that all processes share."""
    limits = Limits(attempts=settings.kiwoom_stream_attempts)
    return Realtime(settings.kiwoom_ws_url, client.access_token, clock, limits)


def note(db: Database, error: str | None) -> None:
    """Let `doctor` and `/health` know how the stream is doing."""
    with db.transaction() as tx:
        if error is None:
            tx.sources.succeeded(STREAM)
        else:
            tx.sources.failed(STREAM, error)


def _prices(ticks: list[Tick]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [tick.ticker for tick in ticks],
            "price": [tick.price for tick in ticks],
            "change_rate": [tick.change_rate for tick in ticks],
            "volume": [tick.volume for tick in ticks],
            "at": [tick.at.astimezone(UTC) for tick in ticks],
        },
        schema={
            "ticker": pl.String,
            "price": pl.Int64,
            "change_rate": pl.Float64,
            "volume": pl.Int64,
            "at": INSTANT,
        },
    ).with_columns(source=pl.lit(PROVIDER))


def _index_prices(ticks: list[IndexTick]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "name": [tick.name for tick in ticks],
            "value": [tick.value for tick in ticks],
            "change_pct": [tick.change_pct for tick in ticks],
            "at": [tick.at.astimezone(UTC) for tick in ticks],
        },
        schema={
            "name": pl.String,
            "value": pl.Float64,
            "change_pct": pl.Float64,
            "at": INSTANT,
        },
    )
