"""`closebell run …` and `closebell backfill`: flows, run here and now through Prefect."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import AsJson, SourceOption, a_day, load_settings, print_json, working
from cli.tables import console, gate_line, print_signals, scanned_table
from cli.words import Words, words_of
from errors import ClosebellError
from flows.home import prepare
from flows.summary import RunSummary
from market.calendar import TradingCalendar
from market.clock import SystemClock
from outcomes.rules import TradeRules
from scanners.rules import Rules
from tasks.markets import open_market
from tasks.replay import REPLAY

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


SessionChoice = Annotated[
    date | None,
    typer.Option(
        parser=a_day,
        metavar="YYYY-MM-DD",
        help="Default: today's; after a close, the newest that has closed.",
    ),
]


@app.command("end-of-day")
def end_of_day(
    session: SessionChoice = None,
    source: SourceOption = None,
    accept_checks: AcceptChecks = False,
    as_json: AsJson = False,
) -> None:
    """Collect a session's data, check them, run all scanners and publish their signals."""

    def run(name: str, newest: date | None) -> State[Any]:
        from flows.end_of_day import end_of_day as flow

        return flow(
            session=session or newest, source=name, accept_checks=accept_checks, return_state=True
        )

    _run(run, source, as_json=as_json)


def backfill(
    first: Annotated[date, typer.Option("--from", parser=a_day, metavar="YYYY-MM-DD")],
    last: Annotated[date, typer.Option("--to", parser=a_day, metavar="YYYY-MM-DD")],
    source: SourceOption = None,
    accept_checks: AcceptChecks = False,
    as_json: AsJson = False,
) -> None:
    """Scan every session of a range in one pass, and announce it once."""
    if first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")

    def run(name: str, _newest: date | None) -> State[Any]:
        from flows.backfill import backfill as flow

        return flow(
            first=first, last=last, source=name, accept_checks=accept_checks, return_state=True
        )

    _run(run, source, as_json=as_json)


def _command(flow: str, about: str, *, closed: bool) -> None:
    """Add `run FLOW`; `closed`: it works with a session that has closed, by default the newest."""
    module = flow.replace("-", "_")

    def command(
        session: SessionChoice = None, source: SourceOption = None, as_json: AsJson = False
    ) -> None:
        def run(name: str, newest: date | None) -> State[Any]:
            chosen = session or (newest if closed else None)
            state: State[Any] = getattr(import_module(f"flows.{module}"), module)(
                session=chosen, source=name, return_state=True
            )
            return state

        _run(run, source, as_json=as_json)

    app.command(flow, help=about)(command)


for _flow, _about, _closed in (
    (
        "pre-open",
        "Today's listing and levels of open signals; catch up with what was missed.",
        False,
    ),
    ("morning", "Compare the session before with the exchange's official bars.", False),
    ("exits", "What became of the session before's closing bets at the open.", False),
    ("intraday", "Scan the session so far; what it finds is preliminary.", False),
    ("closing-bet", "Preview, decision or check of closing bets, by the time of day.", False),
    ("net-buying", "Score a closed session once more, with its own net buying.", True),
    ("settle", "The same with the final net buying; follow every open signal.", True),
):
    _command(_flow, _about, closed=_closed)


def _run(
    run: Callable[[str, date | None], State[Any]], source: str | None, *, as_json: bool
) -> None:
    """Run a flow with the database held open, and show what became of it."""
    if as_json:  # standard error is for one error, as JSON
        os.environ.setdefault("CLOSEBELL_LOG_LEVEL", "error")
    config = load_settings()
    Rules.from_mapping(config.rules)
    TradeRules.from_mapping(config.rules)
    prepare(config.data_dir)
    words = words_of(config.language)
    with ExitStack() as stack:
        say = stack.enter_context(working(quiet=as_json, words=words))
        say("opening the database")
        db, name = stack.enter_context(open_market(config, source, say))
        newest = _newest_session(db, name, TradingCalendar(config.extra_holidays))
        say("starting Prefect and the flow run")
        try:
            state = run(name, newest)
        except RuntimeError as error:  # of Prefect's engine; a flow's own errors are in its state
            raise ClosebellError(
                f"Prefect's server didn't start: {error}",
                remedy="try again when the machine is less busy, or keep one running: closebell up",
            ) from error
        try:
            summary = _summary(state)
        except Exception as error:
            if as_json:  # standard error tells of it as well, with the remedy
                print_json(_failed(state, error).model_dump(mode="json"))
            raise
        if as_json:
            print_json(summary.model_dump(mode="json"))
            return
        say("reading the signals")
        _show(summary, db, name, words)


def _newest_session(db: Any, source: str, calendar: TradingCalendar) -> date | None:
    """The newest session that has closed, of stored data the newest stored, of a replay its own."""
    if source == REPLAY:
        return None
    closed = calendar.last_closed(SystemClock().now())
    if source != "stored":
        return closed
    with db.reader() as tx:
        return tx.bars.newest(closed) or closed


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


def _failed(state: State[Any], error: Exception) -> RunSummary:
    run_id = state.state_details.flow_run_id
    return RunSummary(
        state="failed",
        reason=error.detail if isinstance(error, ClosebellError) else type(error).__name__,
        flow_run_id=str(run_id) if run_id else None,
    )


def _show(summary: RunSummary, db: Any, source: str, words: Words) -> None:
    out = console()
    if summary.state == "skipped":
        out.print(words("skipped: {reason}", reason=words.told(summary.reason or "")), markup=False)
        return
    session = summary.sessions[-1]
    if summary.as_of and len(summary.sessions) == 1:
        with db.reader() as tx:
            signals = tx.signals.find(
                scanners=list(summary.scanners), session=session, slot=summary.as_of
            )
            gate = tx.gates.get(session, summary.as_of)
        print_signals(out, signals, words, each=SHOWN)
        if gate:
            out.print(gate_line(gate, words))
    if summary.scanners:
        out.print(scanned_table(summary, words))
    for note in summary.notes:
        out.print(words("note: {note}", note=words.told(note)), markup=False, style="yellow")
    several = len(summary.sessions) > 1
    told = [
        words("{market} market", market=words(source)),
        (words("{count} sessions", count=len(summary.sessions)) if several else str(session))
        + _as_of(summary.as_of, words),
        words("{seconds} s", seconds=f"{summary.seconds:.1f}"),
        words("flow run {id}", id=summary.flow_run_id),
    ]
    out.print(", ".join(told))
    out.print(_next(source, words))


def _as_of(slot: str | None, words: Words) -> str:
    if slot is None:
        return ""
    told = {"close": " at the close", "final": " with its net buying"}
    return words(told.get(slot, " at {slot}"), slot=slot)


def _next(source: str, words: Words) -> str:
    program = "closebell" if sys.prefix == sys.base_prefix else ".venv/bin/closebell"
    if source != "sample":
        return words("Next: {program} signals --json, {program} doctor", program=program)
    commands = (
        ("import marcap:2025..2026", "download and store two years"),
        ("run end-of-day", "scan the newest stored session"),
        ("signals --ticker CODE", "one stock's signals and their parts"),
        ("doctor", "what is set, stored and missing"),
    )
    lines = [f"  {program} {command:<30}{words(what)}" for command, what in commands]
    return "\n".join([words("This market is invented. Next, with real data:"), *lines])
