"""Backtests as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from api.backtests import PERCENT
from backtest.figures import Figures
from backtest.report import number, percent
from cli.backtest_files import Stored
from cli.tables import won

Row = Mapping[str, Any]
NEWEST = 10  # trades
FIGURES = tuple(field.name for field in fields(Figures))
COUNTS = ("drawdown_sessions", "trades", "open_trades", "costs", "profit")


def said(name: str, value: Any) -> str:
    """A figure as a person reads it."""
    if name in PERCENT:
        return percent(value)
    return won(value) if name in COUNTS else number(value)


def print_run(out: Console, stored: Stored) -> None:
    """What a run rests on, its figures against the markets, and its newest trades."""
    row, f, facts = stored.row, stored.row["figures"], stored.row["facts"]
    changes = ", ".join(f"{k}={v}" for k, v in row["spec"]["changes"].items()) or "default rules"
    out.print(
        f"backtest {row['id']}: {row['scanner']}, {row['first']} to {row['last']}, "
        f"{row['capital']:,} won, {row['source']} market, {changes}",
        style="bold",
        markup=False,
    )
    bad = facts["survivorship"]["verdict"] != "included"
    out.print(f"survivorship: {facts['survivorship']['words']}", style="red" if bad else "")
    out.print(f"trials of this scanner so far: {facts['trials']:,}", style="")
    out.print(f"costs: {facts['costs']}", markup=False)
    for note in facts["notes"]:
        out.print(f"note: {note}", style="yellow", markup=False)
    table = _table("", "account", "KOSPI", "all stocks, equal weights")
    for words, name in (("return", "return"), ("a year", "cagr"), ("deepest fall", "max_drawdown")):
        own = f["total_return" if name == "return" else name]
        markets = (f[f"{one}_{name}"] for one in ("kospi", "universe"))
        table.add_row(words, percent(own), *(percent(one) for one in markets))
    out.print(table)
    out.print(
        f"volatility {percent(f['volatility'])} · Sharpe {number(f['sharpe'])} · "
        f"Sortino {number(f['sortino'])} · exposure {percent(f['exposure'])} · "
        f"turnover {number(f['turnover'])} a year"
    )
    out.print(
        f"{f['trades']:,} trades closed, {f['open_trades']:,} open · hit rate "
        f"{percent(f['hit_rate'])} · profit factor {number(f['profit_factor'])} · mean trade "
        f"{percent(f['average_return'])} · costs {f['costs']:,} won"
    )
    passed = ", ".join(f"{why} {n:,}" for why, n in facts["not_bought"].items()) or "none"
    out.print(
        f"{facts['signals']:,} signals, {facts['filled']:,} filled; not bought: {passed}",
        markup=False,
    )
    _print_trades(out, stored)
    out.print(f"{row['seconds']:.1f} s. Next: closebell backtest export {row['id']} --format html")


def _print_trades(out: Console, stored: Stored) -> None:
    if stored.trades.is_empty():
        return
    table = _table(
        "bought", "ticker", "price", "shares", "sold", "at", "%", "ended by", name="name"
    )
    for one in stored.trades.tail(NEWEST).iter_rows(named=True):
        table.add_row(
            one["name"] or "",
            str(one["bought_session"]),
            one["ticker"],
            won(one["bought_price"]),
            won(one["bought_shares"]),
            str(one["sold_session"] or "held"),
            won(one["sold_price"]),
            f"{one['profit_pct']:+.2f}",
            one["reason"].replace("_", " "),
        )
    out.print(f"the newest of {stored.trades.height:,} trades:")
    out.print(table)


def listed(rows: Sequence[Row]) -> Table:
    """One line a run."""
    table = _table(
        *("scanner", "from", "to", "market", "return", "a year", "Sharpe", "deepest fall"),
        *("trades", "changes"),
        name="id",
    )
    for row in rows:
        f = row["figures"]
        table.add_row(
            str(row["id"]),
            row["scanner"],
            str(row["first"]),
            str(row["last"]),
            row["source"],
            percent(f["total_return"]),
            percent(f["cagr"]),
            number(f["sharpe"]),
            percent(f["max_drawdown"]),
            f"{f['trades']:,}",
            ", ".join(f"{k}={v}" for k, v in row["spec"]["changes"].items()),
        )
    return table


def comparison(one: Row, other: Row) -> dict[str, Any]:
    """ids, what was chosen differently (name: [one, other]), and every figure of both."""
    flat = [_flat(row["spec"]) | {"source": row["source"]} for row in (one, other)]
    names = sorted(flat[0].keys() | flat[1].keys())
    different = {
        name: [each.get(name) for each in flat]
        for name in names
        if flat[0].get(name) != flat[1].get(name) and not name.startswith(("rules_hash", "changes"))
    }
    figures = {name: [row["figures"].get(name) for row in (one, other)] for name in FIGURES}
    return {"ids": [one["id"], other["id"]], "different": different, "figures": figures}


def print_comparison(out: Console, found: Mapping[str, Any]) -> None:
    """Two tables: the choices that differ, and the figures."""
    one, other = (str(number) for number in found["ids"])
    choices = _table(one, other, name="chosen")
    for name, values in found["different"].items():
        choices.add_row(name, *(str(value) for value in values))
    if found["different"]:
        out.print(choices)
    else:
        out.print("nothing was chosen differently")
    figures = _table(one, other, "difference", name="figure")
    for name, (a, b) in found["figures"].items():
        gap = said(name, b - a) if a is not None and b is not None else "-"
        figures.add_row(name.replace("_", " "), said(name, a), said(name, b), gap)
    out.print(figures)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = isinstance(value, Mapping)
        found |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def _table(*columns: str, name: str = "") -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(name)
    words = ("ticker", "ended by", "changes", "chosen", "scanner", "market", "bought", "sold")
    for column in columns:
        if column:
            table.add_column(column, justify="left" if column in words else "right")
    return table
