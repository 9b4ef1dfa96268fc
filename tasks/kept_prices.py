"""What kept snapshots tell of trades: extremes so far, the price half an hour after the opening."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from db.repositories import Repositories
from market.asof import Slot
from market.calendar import TradingCalendar

AFTER_OPENING = timedelta(minutes=30)
AROUND = timedelta(minutes=5)
_AT_CLOSE = ("close", "final")


def with_so_far(tx: Repositories, calendar: TradingCalendar, signals: pl.DataFrame) -> pl.DataFrame:
    """Signals with high_so_far and low_so_far (won) by their as-of, where a snapshot was kept."""
    day_trades = signals.filter(
        pl.col("scanner") == "daytrading", ~pl.col("as_of").is_in(_AT_CLOSE)
    )
    found = [
        pl.DataFrame(
            schema={
                "session": pl.Date,
                "as_of": pl.String,
                "ticker": pl.String,
                "high_so_far": pl.Float64,
                "low_so_far": pl.Float64,
            }
        )
    ]
    for session, as_of in day_trades.select("session", "as_of").unique().iter_rows():
        hours = calendar.hours(session)
        moment = Slot(as_of).moment(hours)
        kept = tx.snapshots.newest(session, since=hours.open, until=moment)
        if kept is not None:
            traded = kept.bars.filter(pl.col("volume") > 0)
            found.append(
                traded.select(
                    pl.lit(session).alias("session"),
                    pl.lit(as_of).alias("as_of"),
                    "ticker",
                    pl.col("high").cast(pl.Float64).alias("high_so_far"),
                    pl.col("low").cast(pl.Float64).alias("low_so_far"),
                )
            )
    by = ["session", "as_of", "ticker"]
    return signals.join(pl.concat(found), on=by, how="left", maintain_order="left")


def with_price_0930(
    tx: Repositories, calendar: TradingCalendar, bars: pl.DataFrame, sessions: Iterable[date]
) -> pl.DataFrame:
    """Bars with price_0930 (won): of these sessions, half an hour after they opened, where kept."""
    found = [pl.DataFrame(schema={"session": pl.Date, "ticker": pl.String, "price_0930": pl.Int64})]
    for session in sessions:
        moment = calendar.hours(session).open + AFTER_OPENING
        kept = tx.snapshots.newest(session, since=moment - AROUND, until=moment + AROUND)
        if kept is not None:
            traded = kept.bars.filter(pl.col("volume") > 0)
            found.append(
                traded.select(
                    pl.lit(session).alias("session"), "ticker", pl.col("close").alias("price_0930")
                )
            )
    return bars.join(pl.concat(found), on=["session", "ticker"], how="left")
