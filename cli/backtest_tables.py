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
from cli.words import Words

Row = Mapping[str, Any]
NEWEST = 10  # trades
FIGURES = tuple(field.name for field in fields(Figures))
COUNTS = ("drawdown_sessions", "trades", "open_trades", "costs", "profit")


def said(name: str, value: Any) -> str:
    """A figure as a person reads it."""
    if name in PERCENT:
        return percent(value)
    return won(value) if name in COUNTS else number(value)


def print_run(out: Console, stored: Stored, words: Words) -> None:
    """What a run rests on, its figures against the markets, and its newest trades."""
    row, f, facts = stored.row, stored.row["figures"], stored.row["facts"]
    changes = _changes(row) or words("default rules")
    head = "backtest {id}: {scanner}, {first} to {last}, {capital} won, {source} market, {changes}"
    values = {name: row[name] for name in ("id", "scanner", "first", "last")}
    values |= {"capital": won(row["capital"]), "source": words(row["source"]), "changes": changes}
    out.print(words(head, **values), style="bold", markup=False)
    print_facts(out, facts, words)
    out.print(words("trials of this scanner so far: {n}", n=f"{facts['trials']:,}"))
    markets = (words("account"), "KOSPI", words("all stocks, equal weights"))
    table = columns_of([("", True), *((name, False) for name in markets)])
    for said_as, name in (
        (words("return"), "return"),
        (words("a year"), "cagr"),
        (words("deepest fall"), "max_drawdown"),
    ):
        own = f["total_return" if name == "return" else name]
        others = (f[f"{one}_{name}"] for one in ("kospi", "universe"))
        table.add_row(said_as, percent(own), *(percent(one) for one in others))
    out.print(table)
    for line in _in_words(row, words):
        out.print(line, markup=False)
    _print_trades(out, stored, words)
    last = "{seconds} s. Next: closebell backtest export {id} --format html"
    out.print(words(last, seconds=f"{row['seconds']:.1f}", id=row["id"]))


def print_facts(out: Console, facts: Row, words: Words) -> None:
    """What stands at the top of a run or a sweep: survivorship, costs, notes, conditions."""
    survivorship = facts["survivorship"]
    bad = survivorship["verdict"] != "included"
    told = words("survivorship: {told}", told=words.told(survivorship["words"]))
    out.print(told, style="red" if bad else "", markup=False)
    out.print(words("costs: {told}", told=words.told(facts["costs"])), markup=False)
    for note in facts["notes"]:
        told = words("note: {note}", note=words.told(note))
        out.print(told, style="yellow", markup=False)
    out.print(words("what would have to be true:"), markup=False)
    for condition in facts["conditions"]:
        out.print(f"  - {words.told(condition)}", style="dim", markup=False)


def _in_words(row: Row, words: Words) -> list[str]:
    f, facts = row["figures"], row["facts"]
    passed = ", ".join(f"{words(why)} {n:,}" for why, n in facts["not_bought"].items())
    return [
        words(
            "volatility {volatility} · Sharpe {sharpe} · Sortino {sortino} · "
            "exposure {exposure} · turnover {turnover} a year",
            volatility=percent(f["volatility"]),
            sharpe=number(f["sharpe"]),
            sortino=number(f["sortino"]),
            exposure=percent(f["exposure"]),
            turnover=number(f["turnover"]),
        ),
        words(
            "{trades} trades closed, {open} open · hit rate {hits} · "
            "profit factor {factor} · mean trade {mean} · costs {costs} won",
            trades=won(f["trades"]),
            open=won(f["open_trades"]),
            hits=percent(f["hit_rate"]),
            factor=number(f["profit_factor"]),
            mean=percent(f["average_return"]),
            costs=won(f["costs"]),
        ),
        words(
            "{signals} signals, {filled} filled; not bought: {passed}",
            signals=won(facts["signals"]),
            filled=won(facts["filled"]),
            passed=passed or words("none"),
        ),
    ]


def _print_trades(out: Console, stored: Stored, words: Words) -> None:
    if stored.trades.is_empty():
        return
    left = ("name", "bought", "ticker", "sold", "ended by")
    names = ("name", "bought", "ticker", "price", "shares", "sold", "at", "%", "ended by")
    table = columns_of([(words(name), name in left) for name in names])
    for one in stored.trades.tail(NEWEST).iter_rows(named=True):
        table.add_row(
            one["name"] or "",
            str(one["bought_session"]),
            one["ticker"],
            won(one["bought_price"]),
            won(one["bought_shares"]),
            str(one["sold_session"] or words("held")),
            won(one["sold_price"]),
            f"{one['profit_pct']:+.2f}",
            words(one["reason"].replace("_", " ")),
        )
    out.print(words("the newest of {n} trades:", n=f"{stored.trades.height:,}"))
    out.print(table)


def print_listed(out: Console, rows: Sequence[Row], tried: Mapping[str, int], words: Words) -> None:
    """What has to be known of these runs, then one line a run.

    Args:
        tried: how many sets of rules each scanner has had by now.
    """
    _warn(out, rows, tried, words)
    left = ("id", "scanner", "from", "to", "market", "changes")
    names = (
        *left[:-1],
        "return",
        "a year",
        "Sharpe",
        "deepest fall",
        "trades",
        "trials",
        "changes",
    )
    table = columns_of([(words(name), name in left) for name in names])
    for row in rows:
        f = row["figures"]
        table.add_row(
            str(row["id"]),
            row["scanner"],
            str(row["first"]),
            str(row["last"]),
            words(row["source"]),
            percent(f["total_return"]),
            percent(f["cagr"]),
            number(f["sharpe"]),
            percent(f["max_drawdown"]),
            f"{f['trades']:,}",
            f"{row['facts']['trials']:,}",
            _changes(row),
        )
    out.print(table)


def _warn(out: Console, rows: Sequence[Row], tried: Mapping[str, int], words: Words) -> None:
    """Survivorship, each sentence once with the runs it is of, and how much was tried."""
    told: dict[str, list[int]] = {}
    for row in rows:
        bias = row["facts"]["survivorship"]
        if bias["verdict"] != "included":
            told.setdefault(bias["words"], []).append(row["id"])
    for sentence, numbers in told.items():
        line = "survivorship of {ids}: {told}"
        ids = ", ".join(str(one) for one in sorted(numbers))
        out.print(
            words(line, ids=ids, told=words.told(sentence)),
            style="red",
            markup=False,
            soft_wrap=True,
        )
    if len(told) == 0 and rows:
        out.print(words("survivorship: stocks that left the market are in the data of all"))
    count = ", ".join(f"{scanner} {n:,}" for scanner, n in tried.items())
    trials = "trials so far: {count}; the best of many looks good by luck"
    out.print(words(trials, count=count), style="yellow", markup=False, soft_wrap=True)


def comparison(one: Row, other: Row) -> dict[str, Any]:
    """ids, what was chosen differently (name: [one, other]), and every figure of both.

    `survivorship` (verdict, words) and `trials` (as of each run) are of one and other.
    """
    flat = [_flat(row["spec"]) | {"source": row["source"]} for row in (one, other)]
    names = sorted(flat[0].keys() | flat[1].keys())
    different = {
        name: [each.get(name) for each in flat]
        for name in names
        if flat[0].get(name) != flat[1].get(name) and not name.startswith(("rules_hash", "changes"))
    }
    figures = {name: [row["figures"].get(name) for row in (one, other)] for name in FIGURES}
    return {
        "ids": [one["id"], other["id"]],
        "survivorship": [row["facts"]["survivorship"] for row in (one, other)],
        "trials": [row["facts"]["trials"] for row in (one, other)],
        "different": different,
        "figures": figures,
    }


def print_comparison(
    out: Console, one: Row, other: Row, tried: Mapping[str, int], words: Words
) -> None:
    """What has to be known of both, the choices that differ, and the figures."""
    _warn(out, [one, other], tried, words)
    found = comparison(one, other)
    ids = [(str(number), True) for number in found["ids"]]
    choices = columns_of([(words("chosen"), True), *ids])
    for name, values in found["different"].items():
        choices.add_row(name, *(str(value) for value in values))
    out.print(choices if found["different"] else words("nothing was chosen differently"))
    numbers = [(str(number), False) for number in found["ids"]]
    figures = columns_of([(words("figure"), True), *numbers, (words("difference"), False)])
    for name, (a, b) in found["figures"].items():
        gap = said(name, b - a) if a is not None and b is not None else "-"
        figures.add_row(words(name.replace("_", " ")), said(name, a), said(name, b), gap)
    out.print(figures)


def _changes(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in row["spec"]["changes"].items())


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = isinstance(value, Mapping)
        found |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def columns_of(named: Sequence[tuple[str, bool]]) -> Table:
    """An empty table: the heads of its columns, and whether they stand at the left."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name, left in named:
        table.add_column(name, justify="left" if left else "right")
    return table
