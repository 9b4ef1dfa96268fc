"""`closebell run …` and `closebell backfill`: flows, run here and now through Prefect."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import AsJson, SourceOption, a_date, load_settings, print_json, working
from cli.tables import console, gate_line, print_signals, scanned_table
from errors import ClosebellError
from flows.home import prepare
from flows.summary import RunSummary
from market.calendar import TradingCalendar
from market.clock import SystemClock
from scanners.rules import Rules
from tasks.markets import open_market

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

app = typer.Typer(help="Run a flow now, through Prefect.", no_args_is_help=True)

SHOWN = 10  # signals of each scanner

AcceptChecks = Annotated[
    bool,
    typer.Option(
        "--accept-checks", help="Publish although the checks refuse the data; the run says so."
    ),
]


@app.command("end-of-day")
def end_of_day(
    session: Annotated[
        date | None,
        typer.Option(
            parser=a_date, metavar="YYYY-MM-DD", help="Default: the newest that has closed."
        ),
    ] = None,
    source: SourceOption = None,
    accept_checks: AcceptChecks = False,
    as_json: AsJson = False,
) -> None:
    """Collect a session's data, check them, run all scanners and publish their signals."""

    def run(name: str, newest: date) -> State[Any]:
        from flows.end_of_day import end_of_day as flow

        return flow(
            session=session or newest, source=name, accept_checks=accept_checks, return_state=True
        )

    _run(run, source, as_json=as_json)


def backfill(
    first: Annotated[date, typer.Option("--from", parser=a_date, metavar="YYYY-MM-DD")],
    last: Annotated[date, typer.Option("--to", parser=a_date, metavar="YYYY-MM-DD")],
    source: SourceOption = None,
    accept_checks: AcceptChecks = False,
    as_json: AsJson = False,
) -> None:
    """Scan every session of a range in one pass, and announce it once."""
    if first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")

    def run(name: str, _newest: date) -> State[Any]:
        from flows.backfill import backfill as flow

        return flow(
            first=first, last=last, source=name, accept_checks=accept_checks, return_state=True
        )

    _run(run, source, as_json=as_json)


def _run(run: Callable[[str, date], State[Any]], source: str | None, *, as_json: bool) -> None:
    """Run a flow with the database held open, and show what became of it."""
    if as_json:  # standard error is for one error, as JSON
        os.environ.setdefault("CLOSEBELL_LOG_LEVEL", "error")
    config = load_settings()
    Rules.from_mapping(config.rules)
    prepare(config.data_dir)
    with ExitStack() as stack:
        say = stack.enter_context(working(quiet=as_json))
        say("opening the database")
        db, name = stack.enter_context(open_market(config, source, say))
        newest = _newest_session(db, name, TradingCalendar(config.extra_holidays))
        say("starting Prefect and the flow run")
        state = run(name, newest)
        summary = _summary(state)
        if as_json:
            print_json(summary.model_dump(mode="json"))
            return
        say("reading the signals")
        _show(summary, db, name)


def _newest_session(db: Any, source: str, calendar: TradingCalendar) -> date:
    """The newest session that has closed, or of stored data the newest stored."""
    closed = calendar.last_closed(SystemClock().now())
    if source != "stored":
        return closed
    bars = db.freshness().bars
    return min(bars.session, closed) if bars else closed


def _summary(state: State[Any]) -> RunSummary:
    """What the flow returned; its own error rises as it is."""
    if state.name == "Skipped":
        return RunSummary(state="skipped", reason=state.message)
    if state.is_completed():
        result = state.result()
        assert isinstance(result, RunSummary)
        return result
    try:
        state.result()
    except ClosebellError:
        raise
    except TimeoutError as error:
        raise ClosebellError(
            f"a step of the flow took too long: {error}",
            remedy="run it again; what was published before stays as it is",
        ) from error
    raise ClosebellError(f"the flow ended as {state.name}: {state.message}")


def _show(summary: RunSummary, db: Any, source: str) -> None:
    out = console()
    if summary.state == "skipped":
        out.print(f"skipped: {summary.reason}", markup=False)
        return
    session = summary.sessions[-1]
    if len(summary.sessions) == 1:
        with db.reader() as tx:
            signals = tx.signals.find(session=session, slot="close")
            gate = tx.gates.get(session, "close")
        print_signals(out, signals, each=SHOWN)
        if gate:
            out.print(gate_line(gate))
    out.print(scanned_table(summary))
    for note in summary.notes:
        out.print(f"note: {note}", markup=False, style="yellow")
    count = f"{len(summary.sessions)} sessions" if len(summary.sessions) > 1 else f"{session}"
    out.print(
        f"{source} market, {count} at the close, {summary.seconds:.1f} s, "
        f"flow run {summary.flow_run_id}"
    )
    out.print(_next(source))


def _next(source: str) -> str:
    program = "closebell" if sys.prefix == sys.base_prefix else ".venv/bin/closebell"
    if source == "sample":
        return (
            "This market is invented. Next, with real data:\n"
            f"  {program} import marcap:2025..2026        download and store two years\n"
            f"  {program} run end-of-day                  scan the newest stored session\n"
            f"  {program} signals --ticker CODE           one stock's signals and their parts\n"
            f"  {program} doctor                          what is set, stored and missing"
        )
    return f"Next: {program} signals --json, {program} doctor"
