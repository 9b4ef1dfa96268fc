"""The exchange's official bars against the stored ones: differences reported, fixed, traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import dataframely as dy
import polars as pl

from db import Database
from db.repositories.corrections import SCHEMA
from logs import get as logger
from market.data import MarketData
from market.schemas import DailyBars, Instruments
from sources.protocol import History
from tasks.observations import of_market
from tasks.source_artifact import noted
from tasks.step import step

PRICES: Final = ("open", "high", "low", "close", "base")
AMOUNTS: Final = ("volume", "value", "listed_shares", "market_cap")
FIELDS: Final = (*PRICES, *AMOUNTS)

# When so many stocks differ, the official figure means another thing than ours: the reader decides.
SYSTEMATIC_SHARE: Final = 0.20
# Trading at the close (15:40 to 16:00) comes on top of a sweep; the after-market would be more.
SYSTEMATIC_RATIO: Final = 1.25
NAMED: Final = 10


@dataclass(frozen=True)
class Reconciliation:
    """What became of a session's bars.

    `differing` and `filled` count stocks by field, `refused` says why a field was left as it was,
    `added` names stocks that had no bar, `unofficial` those the exchange doesn't know.
    """

    session: date
    compared: int
    differing: Mapping[str, int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[str] = ()
    added: Sequence[str] = ()
    unofficial: Sequence[str] = ()

    @property
    def notes(self) -> list[str]:
        """In words, for a run's notes."""
        said = [f"{self.session}: {self.compared:,} bars compared with the official ones"]
        said += [f"{n:,} stocks' {name} corrected" for name, n in self.differing.items()]
        said += [f"{n:,} stocks' {name} filled in" for name, n in self.filled.items()]
        said += [f"{name} left as it was: {why}" for name, why in self.refused.items()]
        if self.examples:
            said.append("for example " + "; ".join(self.examples))
        if self.added:
            said.append(f"{len(self.added)} stocks had no bar: {_few(self.added)}")
        if self.unofficial:
            said.append(f"{len(self.unofficial)} aren't among them: {_few(self.unofficial)}")
        return said


@step("reconcile", timeout=900)
def reconcile(
    db: Database,
    krx_source: History,
    session: date,
    *,
    flow_run_id: str | None = None,
) -> Reconciliation:
    """Compare a session's stored bars with the official ones, fix them and keep what they were.

    A figure that differs for a fifth of the stocks, or an amount that differs by a quarter in the
    middle, isn't an error of single bars: it is left alone and reported.

    Raises:
        NotPublished: the exchange has nothing of that session yet.
        ClosebellError: as the source's `history`; nothing was changed.
    """
    with noted(db, krx_source.name):
        official = krx_source.history(session, session)
    stored = db.read_market_data(session, session).bars
    found, rows, trace = compare(stored, official, session, flow_run_id)
    with db.transaction() as tx:
        added = pl.col("ticker").is_in(list(found.added))
        if found.added:
            new = _only(official, added)
            tx.instruments.observe(of_market(new, session).drop("flags"))  # not all are told
        tx.bars.store(rows)
        tx.index_bars.store(official.index_bars)
        tx.corrections.add(trace)
    logger().info("reconciled", of=str(session), corrections=trace.height, added=len(found.added))
    return found


def compare(
    stored: pl.DataFrame, official: MarketData, session: date, flow_run_id: str | None = None
) -> tuple[Reconciliation, dy.DataFrame[DailyBars], pl.DataFrame]:
    """What differs; the bars to store; and the trace, in the columns of Corrections.add."""
    both = official.bars.join(stored, on=["session", "ticker"], how="inner", suffix="_old")
    refused = {name: why for name in FIELDS if (why := _systematic(both, name))}
    taken = [name for name in FIELDS if name not in refused]
    differs = {
        name: both.filter(pl.col(f"{name}_old").is_not_null() & (pl.col(name) != _old(name)))
        for name in taken
    }
    trace = pl.concat(
        [pl.DataFrame(schema=SCHEMA)]
        + [_trace(rows, name, flow_run_id) for name, rows in differs.items()]
    )
    kept = [pl.coalesce(_old(name), name).alias(name) for name in refused]
    rows = both.with_columns(kept).select(official.bars.columns)
    added = official.bars.join(stored, on=["session", "ticker"], how="anti")
    unofficial = stored.join(official.bars, on=["session", "ticker"], how="anti")
    found = Reconciliation(
        session=session,
        compared=both.height,
        differing={name: rows.height for name, rows in differs.items() if rows.height},
        filled={name: n for name in taken if (n := _filled(both, name))},
        refused=refused,
        examples=[
            f"{row['ticker']} {row['field']} {row['old']:,} is {row['new']:,}"
            for row in trace.sort("field", "ticker").head(3).iter_rows(named=True)
        ],
        added=sorted(added["ticker"]),
        unofficial=sorted(unofficial["ticker"]),
    )
    return found, DailyBars.cast(pl.concat([rows, added])), trace


def _systematic(both: pl.DataFrame, name: str) -> str | None:
    known = both.filter(_old(name).is_not_null() & pl.col(name).is_not_null())
    if known.is_empty():
        return None
    differing = known.filter(pl.col(name) != _old(name)).height
    if name in PRICES:
        if differing <= SYSTEMATIC_SHARE * known.height:
            return None
        return f"{differing:,} of {known.height:,} stocks differ, so it means something else"
    ratio = known.filter(_old(name) > 0).select((pl.col(name) / _old(name)).median()).item()
    if ratio is None or 1 / SYSTEMATIC_RATIO <= ratio <= SYSTEMATIC_RATIO:
        return None
    return f"the official one is {ratio:.2f} times ours in the middle, so it means something else"


def _trace(rows: pl.DataFrame, name: str, flow_run_id: str | None) -> pl.DataFrame:
    return rows.select(
        "session",
        "ticker",
        field=pl.lit(name),
        old=_old(name).cast(pl.Int64),
        new=pl.col(name).cast(pl.Int64),
        source="source",
        old_source="source_old",
        flow_run_id=pl.lit(flow_run_id, pl.String),
    )


def _filled(both: pl.DataFrame, name: str) -> int:
    return both.filter(_old(name).is_null() & pl.col(name).is_not_null()).height


def _only(data: MarketData, which: pl.Expr) -> MarketData:
    return replace(data, instruments=Instruments.cast(data.instruments.filter(which)))


def _old(name: str) -> pl.Expr:
    return pl.col(f"{name}_old")


def _few(tickers: Sequence[str]) -> str:
    return ", ".join(tickers[:NAMED]) + (", …" if len(tickers) > NAMED else "")
