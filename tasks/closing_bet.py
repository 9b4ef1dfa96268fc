"""The steps of buying at the close: who is on the shortlist, who bought them, who drops out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import dataframely as dy
import polars as pl

from db import Database
from db.repositories.signals import Changes
from errors import BadMarketData, ClosebellError
from logs import get as logger
from market.clock import Clock
from market.schemas import NetBuying, Quotes
from scanners.closing_bet import GATES
from sources.protocol import MOST_CHOSEN, LiveSource
from tasks.beside import degraded, read_news
from tasks.scan import Scanned
from tasks.step import step

SCANNER: Final = "closing_bet"

# The news must not keep the decision from the closing auction.
news_step = step("read news", timeout=15, retries=0)(read_news)


def shortlist(scanned: Scanned, most: int = MOST_CHOSEN) -> list[str]:
    """The best stocks that fail no gate, whatever their grade, best first."""
    scores = scanned.scan.results[SCANNER].scores
    gates = [pl.col(f"gate_{name}").fill_null(True) for name in GATES]
    return (
        scores.filter(*gates)
        .sort("ratio", "out_of", "value", "ticker", descending=[True, True, True, False])
        .head(most)["ticker"]
        .to_list()
    )


@step("provisional net buying", timeout=150, retries=0)
def fetch_net_buying(
    db: Database,
    source: LiveSource,
    tickers: Sequence[str],
    session: date,
    *,
    clock: Clock,
    until: datetime,
) -> list[str]:
    """Store the session's net buying of these stocks so far, best first, while there is time.

    Returns:
        What to say of it.
    """
    found: list[dy.DataFrame[NetBuying]] = []
    notes = []
    unread = []
    for asked, ticker in enumerate(tickers):
        if clock.now() >= until:
            notes.append(f"no time for the net buying of {len(tickers) - asked} more")
            break
        try:
            found.append(source.net_buying_of([ticker], session))
        except BadMarketData as error:
            unread.append(ticker)
            logger().warning("net buying can't be read", of=ticker, cause=error.detail)
        except ClosebellError as error:
            notes.append(degraded(db, f"{source.name} net buying", "the session's own", error))
            break
    if unread:
        notes.append(f"the net buying of {', '.join(unread)} can't be read")
    rows = NetBuying.cast(pl.concat(found)) if found else NetBuying.create_empty()
    if rows.height:
        with db.transaction() as tx:
            tx.net_buying.store(rows)
    known = rows["ticker"].n_unique()
    logger().info("provisional net buying", asked=asked, known=known)
    return [f"provisional net buying of {known} of the best {len(tickers)}", *notes]


@step("quotes", timeout=60, retries=1)
def quotes_of(source: LiveSource, tickers: Sequence[str]) -> dy.DataFrame[Quotes]:
    """These stocks as they stand now, as far as they can be read."""
    return source.quotes(tickers)


def dropping_out(quotes: pl.DataFrame) -> Mapping[str, str]:
    """The stocks that can't or needn't be bought at the close any more, and why.

    By the price the auction under way is expected to make; by the last one where none is told.
    """
    price = pl.coalesce("expected_price", "price")
    judged = quotes.with_columns(
        shown=price,
        kind=pl.when(pl.col("expected_price").is_null())
        .then(pl.lit("last price"))
        .otherwise(pl.lit("expected price")),
    ).with_columns(
        why=pl.when(pl.col("shown") >= pl.col("upper_limit"))
        .then(pl.lit("is at its upper limit, can't be bought"))
        .when(pl.col("shown") <= pl.col("base"))
        .then(pl.lit("isn't above the base price any more"))
    )
    return {
        ticker: f"withdrawn before the close: {kind} of {shown:,} won {why}"
        for ticker, kind, shown, why in judged.drop_nulls("why")
        .select("ticker", "kind", "shown", "why")
        .iter_rows()
    }


@step("withdraw", timeout=60)
def withdraw(db: Database, session: date, slot: str, reasons: Mapping[str, str]) -> Changes:
    """Withdraw signals and announce it, in one transaction; those withdrawn before stay so."""
    with db.transaction() as tx:
        changes = tx.signal_marks.withdraw(SCANNER, session, slot, reasons)
        if changes:
            tx.events.append(
                f"signal:{SCANNER}", "signal_update", update_of(session, slot, changes)
            )
    return changes


def update_of(session: date, slot: str, changes: Changes) -> dict[str, object]:
    """The payload of the event that tells of changed signals."""
    about = {"signal_type": SCANNER, "session": session.isoformat(), "as_of": slot}
    return {**about, **vars(changes)}
