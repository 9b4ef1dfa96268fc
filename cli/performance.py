"""`closebell performance`: how good the signals were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from api import outcomes as answers
from api import views
from cli.common import AsJson, SourceOption, a_date, market
from cli.signals import a_scanner
from cli.tables import console
from cli.words import Words, words_of
from errors import ClosebellError
from market.calendar import TradingCalendar
from market.scanners import SCANNERS
from outcomes.performance import ALL
from outcomes.returns import HORIZONS
from outcomes.rules import TradeRules
from tasks.performance import performance_report

GRADES = ("S", "A", "B", "C")
NOTES = (
    "Percent. hits: earned their costs; 95 %: Wilson's interval of that many distinct trades.",
    "small: fewer than {n} distinct trades, which say nothing.",
    "Of trades that ended: what is still held isn't in hits, expectancy and profit factor.",
    "Costs: {commission} commission and {fee} fees a side, {ticks} tick slippage a side, "
    "the sale's tax of its session.",
    "random: the mean liquid stock bought and sold with each trade, at the same costs.",
    "after N: close to close so many sessions after the signal; index: its market's meanwhile.",
    "A day trade of the close is only watched; those found in the session are traded.",
)


def _grade(text: str) -> str:
    if text.upper() not in GRADES:
        raise typer.BadParameter(f"{text!r} is no grade ({', '.join(GRADES)})")
    return text.upper()


def performance(
    scanner: Annotated[
        list[str] | None,
        typer.Option(parser=a_scanner, metavar="NAME", help=f"{', '.join(SCANNERS)}; repeatable."),
    ] = None,
    grade: Annotated[
        list[str] | None, typer.Option(parser=_grade, metavar="GRADE", help="S, A, B; repeatable.")
    ] = None,
    first: Annotated[
        date | None,
        typer.Option("--from", parser=a_date, metavar="YYYY-MM-DD", help="Signals from it on."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=a_date, metavar="YYYY-MM-DD", help="Signals up to it."),
    ] = None,
    source: SourceOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what became of the signals: by scanner, grade and the market gate at the time.

    Figures are of the signals that were settled (closebell run settle); the JSON is that of
    /api/kr/performance, in percent.
    """
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")
    with market(source, quiet=as_json) as (config, db, name):
        rules = TradeRules.from_mapping(config.rules)
        report = performance_report(
            db, rules, scanners=scanner or None, grades=grade or None, first=first, last=last
        )
    if report is None:
        raise ClosebellError(
            "no signal of that kind was settled yet", remedy="closebell run settle"
        )
    if as_json:
        typer.echo(views.dumps(answers.report(report)).decode())
        return
    words = words_of(config.language)
    out = console()
    _head(out, report, name, words)
    if nothing_over(report["groups"]):
        following = TradingCalendar(config.extra_holidays).next(report["settled_to"])
        out.print(_not_yet(report, following, words), markup=False, soft_wrap=True)
        return
    _show(out, report, rules, words)


def nothing_over(groups: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no trade has ended and no session after a signal is over: there is no figure."""
    return not any(g["closed"] or any(g[f"n_{h}"] for h in HORIZONS) for g in groups)


def _not_yet(report: Mapping[str, Any], following: date, words: Words) -> str:
    whole = [g for g in report["groups"] if (g["grade"], g["gate"]) == (ALL, ALL)]
    return words(
        "Nothing can be told yet: {n} signals are followed, no trade has ended, and no session "
        "after a signal is over. The first figures come once {following}, the session after "
        "{settled}, is stored and settled (closebell run settle); those after {horizons} sessions "
        "come so many sessions after the signals.",
        n=f"{sum(g['signals'] for g in whole):,}",
        following=following,
        settled=report["settled_to"],
        horizons=", ".join(map(str, HORIZONS[1:])),
    )


def _head(out: Console, report: Mapping[str, Any], source: str, words: Words) -> None:
    style = "bold red" if report["verdict"] in ("partly", "absent") else "dim"
    out.print(words.told(report["survivorship"]), style=style, markup=False, soft_wrap=True)
    market = "{source} market, settled to {session}"
    out.print(words(market, source=words(source), session=report["settled_to"]), markup=False)
    out.print()


def _show(out: Console, report: Mapping[str, Any], rules: TradeRules, words: Words) -> None:
    for scanner in dict.fromkeys(group["scanner"] for group in report["groups"]):
        groups = [
            group
            for group in report["groups"]
            if group["scanner"] == scanner and ALL in (group["grade"], group["gate"])
        ]
        out.print(_trades(scanner, groups, words))
        out.print(_afterwards(scanner, groups, words))
    for line in _notes(rules, words):
        out.print(line, style="dim", markup=False, soft_wrap=True)


def _notes(rules: TradeRules, words: Words) -> list[str]:
    cost = rules.costs
    values = {
        "n": rules.min_sample,
        "commission": f"{cost.commission:.3%}",
        "fee": f"{cost.exchange_fee:.4%}",
        "ticks": f"{cost.slippage_ticks:g}",
    }
    return [words(note, **values) for note in NOTES]


def _trades(scanner: str, groups: list[Mapping[str, Any]], words: Words) -> Table:
    names = ("signals", "bought", "held", "trades", "hits", "95 %", "expectancy", "random")
    title = words("{scanner}: trades", scanner=scanner)
    table = _table(title, [words(name) for name in (*names, "profit factor", "sessions")])
    for group in groups:
        table.add_row(
            _name(group, words),
            f"{group['signals']:,}",
            f"{group['filled']:,}",
            f"{group['held']:,}",
            f"{group['trades']:,}",
            "-" if group["hit_rate"] is None else f"{group['hit_rate'] * 100:.0f}",
            _range(group["hit_low"], group["hit_high"], words),
            _percent(group["expectancy"]),
            _percent(group["random_expectancy"]),
            _plain(group["profit_factor"]),
            _plain(group["sessions_held"]),
        )
    return table


def _afterwards(scanner: str, groups: list[Mapping[str, Any]], words: Words) -> Table:
    names = []
    for horizon in HORIZONS:
        names += [words("after {n}", n=horizon), *map(words, ("mean", "median", "index"))]
    table = _table(words("{scanner}: returns", scanner=scanner), names)
    for group in groups:
        cells = []
        for h in HORIZONS:
            cells.append(f"{group[f'n_{h}']:,}")
            cells += [_percent(group[f"{kind}_{h}"]) for kind in ("mean", "median", "market")]
        table.add_row(_name(group, words), *cells)
    return table


def _table(title: str, names: Sequence[str]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, no_wrap=True, min_width=22)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _name(group: Mapping[str, Any], words: Words) -> str:
    small = words(" (small)") if group["small"] and group["filled"] else ""
    if group["grade"] != ALL:
        return words("  grade {grade}", grade=group["grade"]) + small
    gate = group["gate"]
    return (words("all") if gate == ALL else words("  gate {gate}", gate=words(gate))) + small


def _range(low: float | None, high: float | None, words: Words) -> str:
    if low is None or high is None:
        return "-"
    return words("{low} to {high}", low=f"{low * 100:.0f}", high=f"{high * 100:.0f}")


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction * 100:+.2f}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
