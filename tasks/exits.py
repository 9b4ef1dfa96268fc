"""The exits of purchases at the close: what each opened at, said on its signal and announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from db import Database
from logs import get as logger
from tasks.closing_bet import SCANNER, update_of
from tasks.step import step

BEGIN: Final = "exit: "
"""How the remark begins, so that the next one replaces it."""
RULES: Final[Mapping[str, str]] = {
    "next_open": "sold at the opening",
    "next_0930": "to be sold at 09:30",
    "next_close": "to be sold at the close",
    "levels": "to be sold at target or stop",
}


@dataclass(frozen=True)
class Told:
    """How many positions were told of, and how many of them have an opening price."""

    told: int
    opened: int


@step("positions", timeout=60)
def positions_of(db: Database, session: date, decided: str) -> pl.DataFrame:
    """What was to be bought at the close of a session: as_of, ticker, entry, last (its close; won).

    That is what the decision of 15:12 still gives capital to, and what the newest scan of the
    session does; prices as traded in it.
    """
    with db.reader() as tx:
        newest = tx.signals.find(scanners=[SCANNER], session=session)
        before = tx.signals.find(scanners=[SCANNER], session=session, slot=decided)
    closes = db.read_market_data(session, session).bars.select("ticker", last="close")
    return (
        pl.concat([newest, before])
        .unique(["as_of", "ticker"])
        .filter(pl.col("entry").is_not_null(), pl.col("position_size") > 0)
        .join(closes, on="ticker", how="left")
        .select("as_of", "ticker", "entry", "last")
        .sort("as_of", "ticker")
    )


@step("remark exits", timeout=60)
def remark(
    db: Database,
    positions: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    before: date,
    rule: str,
    at: datetime | None,
) -> Told:
    """Say on each position's signal what it opened at, with `at` also its price then.

    The event is a signal_update of the slot the signals belong to, in the same transaction;
    the same words again change nothing and announce nothing.
    """
    # The entry on today's scale: the base price is the last close but on an ex-rights day.
    joined = positions.join(quotes, on="ticker").with_columns(
        level=pl.col("entry") * pl.coalesce(pl.col("base") / pl.col("last"), 1.0)
    )
    with db.transaction() as tx:
        for (slot,), rows in joined.group_by("as_of", maintain_order=True):
            words = {
                row["ticker"]: BEGIN + _words(row, rule, at) for row in rows.iter_rows(named=True)
            }
            changes = tx.signal_marks.remark(SCANNER, before, str(slot), BEGIN, words)
            if changes:
                payload = update_of(before, str(slot), changes)
                tx.events.append(f"signal:{SCANNER}", "signal_update", payload)
    each = joined.unique("ticker")
    told = Told(each.height, each.filter(pl.col("open") > 0).height)
    logger().info("exits told", of=before.isoformat(), positions=told.told, opened=told.opened)
    return told


def _words(row: Mapping[str, object], rule: str, at: datetime | None) -> str:
    opened, price, level = row["open"], row["price"], row["level"]
    assert isinstance(opened, int)
    assert isinstance(price, int)
    assert isinstance(level, float)
    if not opened:
        return f"not opened yet; {RULES[rule]}"
    words = f"opened at {opened:,} won, {_against(opened, level)} on the entry"
    if at is not None:
        words += f"; {price:,} won at {at:%H:%M}, {_against(price, level)}"
    return f"{words}; {RULES[rule]}"


def _against(price: int, level: float) -> str:
    return f"{(price / level - 1) * 100:+.1f} %"
