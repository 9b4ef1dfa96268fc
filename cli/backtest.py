"""`closebell backtest …`: a scanner traded over history, and what was tried before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from api import backtests, views
from backtest.names import parse
from backtest.plan import CAPITAL
from cli.backtest_files import FORMATS, Stored, export_run, plan_from, read_run, whole
from cli.backtest_tables import comparison, print_comparison, print_listed, print_run
from cli.common import AsJson, SourceOption, load_settings, market, working
from cli.tables import console
from cli.words import Words, words_of
from db.repositories import Repositories
from errors import ClosebellError, SettingsError
from market.calendar import TradingCalendar
from tasks.backtest import run_backtest
from tasks.markets import open_market

app = typer.Typer(
    help="Trade a scanner's signals over history, and look at what was tried.",
    no_args_is_help=True,
)


def first_day(text: str) -> date:
    """A date, or the first day of a year."""
    return _day(text, "01-01")


def last_day(text: str) -> date:
    """A date, or the last day of a year."""
    return _day(text, "12-31")


def _day(text: str, of_year: str) -> date:
    try:
        return date.fromisoformat(f"{text}-{of_year}" if len(text) == 4 else text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no year or date (2015, 2015-03-02)") from None


First = Annotated[
    date, typer.Option("--from", parser=first_day, metavar="DATE", help="A year or a date.")
]
Last = Annotated[
    date, typer.Option("--to", parser=last_day, metavar="DATE", help="A year or a date.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="RULE=VALUE",
        help="Change a rule, as in vcp.pivot.max_below=0.03, outcomes.vcp.hold=40 or "
        "limits.max_positions=3; repeatable. A wrong name is answered with those near it.",
    ),
]
Capital = Annotated[int, typer.Option(min=1, metavar="WON", help="What the account begins with.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="As `closebell backtest list` shows it.")]


def used_wrongly(error: SettingsError) -> typer.BadParameter:
    """A rule that doesn't exist, or a wrong value, as an error of usage."""
    remedy = f"; {error.remedy}" if error.remedy else ""
    return typer.BadParameter(f"{error.detail}{remedy}")


def _command(scanner: str, text: str) -> Callable[..., None]:
    def run(
        first: First,
        last: Last,
        changes: Changes = None,
        capital: Capital = CAPITAL,
        source: SourceOption = None,
        as_json: AsJson = False,
    ) -> None:
        if first > last:
            raise typer.BadParameter(f"--from {first} is after --to {last}")
        config = load_settings()
        try:
            changed = dict(parse(text) for text in changes or [])
            plan = plan_from(config.rules, scanner, first, last, changed, capital)
        except SettingsError as error:
            raise used_wrongly(error) from None
        calendar = TradingCalendar(config.extra_holidays)
        words = words_of(config.language)
        with (
            working(quiet=as_json, words=words) as say,
            open_market(config, source, say) as (db, name),
        ):
            done = run_backtest(db, name, calendar, plan, say)
            with db.reader() as tx:
                stored = read_run(tx, done.id)
        _show(stored, words, as_json=as_json)

    run.__doc__ = text
    return run


app.command("vcp")(
    _command("vcp", "Volatility contractions: buy stops at the pivot, target, stop, time limit.")
)
app.command("daytrading")(
    _command("daytrading", "Day trades of the close's list, bought at the next opening.")
)
app.command("closing_bet")(
    _command("closing_bet", "Closing bets: bought in the closing auction, sold by their rule.")
)


@app.command("list")
def list_(
    scanner: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    source: SourceOption = None,
    as_json: AsJson = False,
) -> None:
    """The backtests that are stored, newest first."""
    with market(source, quiet=as_json) as (config, db, name), db.reader() as tx:
        rows = tx.backtests.recent(limit, scanner=scanner)
        tried = _tried(tx, rows)
    words = words_of(config.language)
    if as_json:
        typer.echo(views.dumps([backtests.run(row) for row in rows]).decode())
    elif rows:
        print_listed(console(), rows, tried, words)
    else:
        nothing = "Nothing was tried on the {market} market yet. Try: closebell backtest vcp"
        console().print(words(nothing, market=words(name)))


@app.command()
def show(number: Number, source: SourceOption = None, as_json: AsJson = False) -> None:
    """One backtest: what it rests on, its figures, and its trades."""
    with market(source, quiet=as_json) as (config, db, _name), db.reader() as tx:
        stored = read_run(tx, number)
    _show(stored, words_of(config.language), as_json=as_json)


@app.command()
def compare(
    one: Number, other: Number, source: SourceOption = None, as_json: AsJson = False
) -> None:
    """Two backtests side by side: what was chosen differently, and what came of it."""
    with market(source, quiet=as_json) as (config, db, _name), db.reader() as tx:
        first, second = (read_run(tx, number).row for number in (one, other))
        tried = _tried(tx, [first, second])
    if as_json:
        typer.echo(views.dumps(comparison(first, second)).decode())
        return
    print_comparison(console(), first, second, tried, words_of(config.language))


@app.command()
def export(
    number: Number,
    format_: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="What to write.")
    ] = "html",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Default: backtest-ID.FORMAT in this folder."),
    ] = None,
    source: SourceOption = None,
) -> None:
    """Write one backtest: html a report, csv and parquet its trades and equity, json all."""
    if format_ not in FORMATS:
        raise typer.BadParameter(f"{format_!r} is no format ({', '.join(FORMATS)})")
    with market(source, quiet=False) as (_, db, _name), db.reader() as tx:
        stored = read_run(tx, number)
    try:
        written = export_run(stored, format_, output)
    except OSError as error:
        raise ClosebellError(
            f"the file can't be written: {error}", remedy="choose another with --output"
        ) from error
    for path in written:
        typer.echo(str(path))


def _tried(tx: Repositories, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many sets of rules the scanners of these runs have had by now."""
    return {row["scanner"]: tx.backtests.tried(row["scanner"], row["key"]) for row in rows}


def _show(stored: Stored, words: Words, *, as_json: bool) -> None:
    if as_json:
        typer.echo(views.dumps(whole(stored)).decode())
    else:
        print_run(console(), stored, words)
