"""The levels of open signals on the price scale of a session about to open."""

from __future__ import annotations

from datetime import date

import polars as pl
from prefect.artifacts import create_table_artifact

from db import Database
from market.adjustment import with_scale
from market.calendar import TradingCalendar
from market.prices import round_down_expr, round_up_expr
from tasks.step import step

SESSIONS = 20  # how far back signals may still be open
OPEN = ("open", "watch", "filled")
ROUNDED = {"entry": round_up_expr, "target": round_down_expr, "stop": round_up_expr}


def open_signals(db: Database, calendar: TradingCalendar, session: date) -> pl.DataFrame:
    """Signals of the last sessions before `session` that may still be acted on."""
    before = calendar.previous(session)
    sessions = calendar.sessions(max(calendar.first, _earlier(calendar, before)), before)
    with db.reader() as tx:
        found = [tx.signals.find(session=day) for day in sessions]
    return pl.concat(found).filter(pl.col("status").is_in(OPEN))


@step("levels", timeout=120)
def levels_step(
    db: Database,
    calendar: TradingCalendar,
    session: date,
    signals: pl.DataFrame,
    bases: pl.DataFrame | None,
) -> pl.DataFrame:
    """Re-express the levels of `signals` whose stock has had an ex-day since; leave an artifact.

    What is stored stays as traded in its own session.

    Args:
        bases: ticker and base (won) in `session`; None when they aren't known yet.

    Returns:
        scanner, session, ticker, name, factor, and entry, target and stop as stored and, by
        `_now`, on the scale of `session`, rounded to its ticks as the scanners do.
    """
    moved = re_expressed(db, calendar, session, signals, bases)
    if moved.height:
        create_table_artifact(
            key="levels",
            table=moved.with_columns(pl.col("session").cast(pl.String)).to_dicts(),
            description=f"Levels on the scale of {session}",
        )
    return moved


def re_expressed(
    db: Database,
    calendar: TradingCalendar,
    session: date,
    signals: pl.DataFrame,
    bases: pl.DataFrame | None,
) -> pl.DataFrame:
    """See `levels_step`."""
    levels = {
        f"{name}_now": rounded(pl.col(name) * pl.col("factor")) for name, rounded in ROUNDED.items()
    }
    told = ["scanner", "session", "ticker", "name", "factor", *ROUNDED]
    if signals.is_empty():
        return signals.with_columns(factor=1.0).select(*told, **levels)
    first, last = signals["session"].min(), calendar.previous(session)
    assert isinstance(first, date)
    stored = db.read_market_data(first, last, details_from=session, net_buying_from=session).bars
    bars = stored.filter(pl.col("ticker").is_in(signals["ticker"].implode()))
    if bases is not None:
        bars = pl.concat([bars, _opening(bars, bases, session)])
    scales = with_scale(bars, calendar.sessions(first, session))
    return (
        signals.join(scales.select("session", "ticker", factor="scale"), on=["session", "ticker"])
        .filter((pl.col("factor") - 1).abs() > 1e-9)
        .select(*told, **levels)
        .sort("session", "scanner", "ticker")
    )


def _opening(bars: pl.DataFrame, bases: pl.DataFrame, session: date) -> pl.DataFrame:
    """A bar of the session to come: its base price, nothing traded."""
    newest = bars.sort("session").unique("ticker", keep="last")
    base = newest.drop("base", "close").join(bases.select("ticker", "base"), on="ticker")
    return base.with_columns(
        pl.lit(session).alias("session"), pl.col("base").alias("close")
    ).select(bars.columns)


def _earlier(calendar: TradingCalendar, session: date) -> date:
    for _ in range(SESSIONS - 1):
        session = calendar.previous(session)
    return session
