"""`closebell replay`: a whole session again, at any speed, without a provider."""

from __future__ import annotations

import os
import sys
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import AsJson, a_date, load_settings, print_json
from cli.tables import console
from flows.home import prepare

if TYPE_CHECKING:
    from flows.replay import PlayedRun


def a_time(text: str) -> time:
    """A time of the day as HH:MM."""
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"no time as HH:MM: {text}") from error


def replay(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Snapshots to play. Default: the setting, or the sample."),
    ] = None,
    session: Annotated[
        date | None,
        typer.Option(
            "--session", parser=a_date, metavar="YYYY-MM-DD", help="Default: the newest there is."
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0, help="How fast its clock runs; 0: without waiting."),
    ] = None,
    begin: Annotated[
        time | None, typer.Option("--from", parser=a_time, metavar="HH:MM", help="Default: 09:00.")
    ] = None,
    until: Annotated[
        time | None,
        typer.Option("--until", parser=a_time, metavar="HH:MM", help="Default: to the close."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a session: exits, scans every five minutes, closing bets, and the close.

    At a speed at which a run lasts longer than the next one waits, that one is skipped, and said.
    """
    for name, value in (("FILE", file), ("SESSION", session), ("SPEED", speed), ("FROM", begin)):
        if value is not None:
            os.environ[f"CLOSEBELL_REPLAY_{name}"] = str(value)
    os.environ.setdefault("CLOSEBELL_LOG_LEVEL", "error")
    prepare(load_settings().data_dir)
    from flows.replay import replay as play

    out = console()

    def tell(run: PlayedRun) -> None:
        if not as_json:
            out.print(_line(run), markup=False, highlight=False, soft_wrap=True)
            sys.stdout.flush()

    runs = play(until, tell)
    if as_json:
        print_json([run.model_dump(mode="json") for run in runs])
    if any(run.state == "failed" for run in runs):
        raise typer.Exit(1)


def _line(run: PlayedRun) -> str:
    name = f"{run.flow} {run.step}" if run.step else run.flow
    found = ", ".join(f"{scanner} {count}" for scanner, count in run.signals.items())
    words = "; ".join(filter(None, (run.market_gate, found, *run.notes)))
    return f"{run.slot:%H:%M}  {name:<21} {run.state:<9} {words}"
