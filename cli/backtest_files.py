"""Stored backtests as the commands use them: made into plans, read back, written to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from api import backtests, views
from backtest import report
from backtest.plan import Plan, plan_of
from db.repositories import Repositories
from errors import ClosebellError
from outcomes.rules import TradeRules
from scanners.rules import Rules

FORMATS = ("html", "csv", "parquet", "json")


@dataclass(frozen=True)
class Stored:
    """A recorded run: the columns of its row, its equity curve, its trades."""

    row: Mapping[str, Any]
    equity: pl.DataFrame
    trades: pl.DataFrame


def plan_from(
    rules: Mapping[str, Any],
    scanner: str,
    first: date,
    last: date,
    changes: Mapping[str, Any],
    capital: int,
) -> Plan:
    """The plan of these options over the rules of closebell.toml.

    A day trade of the close is bought at the next opening unless changed: live it is only watched,
    and history has no scans during the session.

    Raises:
        SettingsError: a rule that doesn't exist, or a wrong value.
    """
    own = {"outcomes.daytrading.watch_entry": "next_open"} if scanner == "daytrading" else {}
    return plan_of(
        scanner,
        first,
        last,
        rules=Rules.from_mapping(rules),
        trades=TradeRules.from_mapping(rules),
        capital=capital,
        changes=own | dict(changes),
    )


def read_run(tx: Repositories, number: int) -> Stored:
    """A recorded run.

    Raises:
        ClosebellError: there is none of that id.
    """
    row = tx.backtests.get(number)
    if row is None:
        raise ClosebellError(
            f"there is no backtest {number}", remedy="closebell backtest list shows those stored"
        )
    return Stored(row, tx.backtests.equity(number), tx.backtests.trades(number))


def whole(stored: Stored) -> dict[str, Any]:
    """The object of /api/kr/backtests/{id}."""
    return backtests.whole(stored.row, stored.equity, stored.trades)


def export_run(stored: Stored, form: str, output: Path | None) -> list[Path]:
    """Write a run in one of FORMATS; gives the files. Of tables there are two: …-trades, …-equity.

    Raises:
        OSError: a file can't be written.
    """
    path = output or Path(f"backtest-{stored.row['id']}.{form}")
    if form == "html":
        path.write_text(report.html(stored.row, stored.equity, stored.trades), "utf-8")
        return [path]
    if form == "json":
        path.write_bytes(views.dumps(whole(stored)))
        return [path]
    written = []
    for name, frame in (("trades", stored.trades), ("equity", stored.equity)):
        table = path.with_name(f"{path.stem}-{name}{path.suffix or '.' + form}")
        if form == "csv":
            frame.write_csv(table)
        else:
            frame.write_parquet(table)
        written.append(table)
    return written
