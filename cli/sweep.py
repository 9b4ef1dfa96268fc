"""`closebell sweep`: a grid of rule values over history, judged on sessions it wasn't chosen on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from backtest.figures import A_YEAR
from backtest.grid import points, shown
from backtest.names import parse
from backtest.plan import CAPITAL
from backtest.report import number, percent
from backtest.trials import as_json as summary_json
from cli.backtest import Capital, Changes, First, Last, used_wrongly
from cli.backtest_files import plan_from
from cli.backtest_tables import print_facts
from cli.common import AsJson, SourceOption, load_settings, print_json, working
from cli.tables import console
from cli.words import Words, words_of
from errors import SettingsError
from flows.home import prepare
from market.calendar import TradingCalendar
from market.scanners import SCANNERS
from settings import Settings
from tasks.markets import open_market
from tasks.sweep import Sweep, Swept, run_sweep
from tasks.trials import Processes, Workers

BEST = 10


def sweep(
    scanner: Annotated[str, typer.Argument(metavar="|".join(SCANNERS))],
    first: First,
    last: Last,
    grid: Annotated[
        list[str],
        typer.Option(
            "--grid",
            metavar="RULE=VALUE,VALUE…",
            help="Values of a rule, as in vcp.pivot.max_below=0.01,0.03,0.05; repeatable: every "
            "combination is tried.",
        ),
    ],
    changes: Changes = None,
    windows: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN/TEST",
            help="Walk forward: choose on TRAIN, try on the TEST after it, move on; 24m/6m, 3y/1y.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes. Default: one a core; on a cluster, all it has."),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster that is running (tcp://host:8786). "
            "Default: CLOSEBELL_DASK_ADDRESS, else processes here.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Where a cluster's machines all find the panel."
        ),
    ] = None,
    capital: Capital = CAPITAL,
    source: SourceOption = None,
    as_json: AsJson = False,
) -> None:
    """Try every combination of rule values; stopped and started again it goes on where it was.

    The best of many trials looks good by luck alone: the deflated Sharpe ratio says how much of it
    is, and with --windows the rules are judged on sessions they weren't chosen on.
    """
    if scanner not in SCANNERS:
        raise typer.BadParameter(f"{scanner!r} is no scanner ({', '.join(SCANNERS)})")
    if first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")
    config = load_settings()
    try:
        combinations = points(grid)
        fixed = dict(parse(text) for text in changes or [])
        if twice := sorted(fixed.keys() & combinations[0].keys()):
            raise SettingsError(
                f"{', '.join(twice)} is both set and in the grid",
                remedy="leave it out of --set, or out of --grid",
            )
        plans = [
            plan_from(config.rules, scanner, first, last, fixed | one, capital)
            for one in combinations
        ]
    except SettingsError as error:
        raise used_wrongly(error) from None
    asked = Sweep(plans, combinations, windows)
    runner, count = _workers(config, dask, workers)
    words = words_of(config.language)
    with (
        working(quiet=as_json, words=words) as say,
        open_market(config, source, say) as (db, name),
    ):
        say(f"reading the market; {len(plans):,} trials")
        with _bar(words, quiet=as_json) as advance:
            done = run_sweep(
                db,
                name,
                TradingCalendar(config.extra_holidays),
                asked,
                runner,
                count=count,
                folder=folder,
                progress=advance,
            )
    if as_json:
        print_json(_whole(done))
    else:
        _show(console(), done, words)


def _workers(config: Settings, dask: str | None, count: int | None) -> tuple[Workers, int]:
    """Processes here, or the cluster that is asked for."""
    address = dask or config.dask_address
    if not address:
        processes = count or os.cpu_count() or 1
        return Processes(processes), processes
    prepare(config.data_dir)
    from flows.sweep import Cluster

    cluster = Cluster(address)
    return cluster, count or cluster.size()


@contextmanager
def _bar(words: Words, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar of the trials done on a terminal, else a line now and then."""
    err = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda _done, _all: None
        return
    if not err.is_terminal:
        yield lambda done, all_: err.print(words.told(f"{done:,} of {all_:,} trials done"))
        return
    columns = (
        TextColumn(words("trials")),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


def _whole(done: Swept) -> dict[str, Any]:
    """The object that --json prints."""
    trials = [
        {"number": n, "changes": done.changes[n - 1], **_without_returns(result["whole"])}
        for n, result in sorted(done.results.items())
    ]
    return {
        "id": done.id,
        "survivorship": dict(done.facts["survivorship"]),
        "costs": done.facts["costs"],
        "conditions": done.facts["conditions"],
        "trials": trials,
        "resumed": done.resumed,
        "tried": done.tried,
        "summary": summary_json(done.summary),
        "warning": _warning(done),
        "notes": done.facts["notes"],
    }


def _without_returns(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "returns"}


def _show(out: Console, done: Swept, words: Words) -> None:
    print_facts(out, done.facts, words)
    if done.resumed:
        out.print(words("went on with a sweep that had {n} trials done", n=f"{done.resumed:,}"))
    ranked = sorted(
        done.results.items(),
        key=lambda item: (-(item[1]["whole"]["sharpe"] or float("-inf")), item[0]),
    )
    names = ("trial", "changes", "return", "a year", "Sharpe", "deepest fall", "trades")
    table = _table(names, words)
    for n, result in ranked[:BEST]:
        table.add_row(str(n), _lines(done.changes[n - 1]), *_cells(result["whole"]))
    best = "the best of {n} trials by their Sharpe ratio:"
    out.print(words(best, n=f"{len(done.results):,}"), style="bold")
    out.print(table)
    if done.windows:
        _show_windows(out, done, words)
    out.print(words.told(_warning(done)), style="bold yellow", markup=False)
    last = "sweep {id}; the same command again shows it without trying anything anew"
    out.print(words(last, id=done.id))


def _show_windows(out: Console, done: Swept, words: Words) -> None:
    names = ("chosen on", "changes", "Sharpe then", "tried on", "return", "a year", "Sharpe")
    table = _table((*names, "deepest fall", "trades"), words)
    for choice in done.summary.choices:
        w = choice.window
        none = words("none, too few trades")
        table.add_row(
            f"{w.train_first}\n{w.train_last}",
            _lines(done.changes[choice.number - 1]) if choice.number else none,
            number(choice.train["sharpe"]) if choice.train else "-",
            f"{w.test_first}\n{w.test_last}",
            *(_cells(choice.test) if choice.test else ["-"] * 5),
        )
    out.print(words("walked forward:"), style="bold")
    out.print(table)
    forward = done.summary.forward
    if forward is not None:
        told = words(
            "all tests together: return {total}, a year {cagr}, Sharpe {sharpe}, "
            "deepest fall {fall}",
            total=percent(forward["total_return"]),
            cagr=percent(forward["cagr"]),
            sharpe=number(forward["sharpe"]),
            fall=percent(forward["max_drawdown"]),
        )
        out.print(told)


def _lines(changes: Mapping[str, Any]) -> str:
    """One value a line, so that a narrow terminal shows them whole."""
    return shown(changes).replace(", ", "\n")


def _cells(part: Mapping[str, Any]) -> list[str]:
    return [
        percent(part["total_return"]),
        percent(part["cagr"]),
        number(part["sharpe"]),
        percent(part["max_drawdown"]),
        f"{part['trades']:,}",
    ]


def _warning(done: Swept) -> str:
    """How much of the best trial is luck, in words."""
    luck = done.summary.luck
    if luck is None:
        return f"warning: {done.tried:,} trials were made, and none had enough trades to be judged"
    told = f"warning: {done.tried:,} trials were made with this scanner"
    if luck.expected_best is None or luck.sharpe is None:
        return f"{told}; too few to tell luck from skill"
    year = A_YEAR**0.5
    unknown = f"can't be told: {luck.why}"
    probability = unknown if luck.probability is None else f"{luck.probability:.0%}"
    return (
        f"{told}: the best of so many useless ones is expected to show a Sharpe ratio of "
        f"{luck.expected_best * year:.2f}, this one shows {luck.sharpe * year:.2f}; probability "
        f"that it is more than luck (deflated Sharpe ratio): {probability}"
    )


def _table(names: Sequence[str], words: Words) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        left = name in ("changes", "chosen on", "tried on")
        table.add_column(
            words(name),
            justify="left" if left else "right",
            overflow="fold",
            no_wrap=not left,
        )
    return table
