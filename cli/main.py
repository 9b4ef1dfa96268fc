"""The commands, and what becomes of their errors: one clear line, or JSON, and an exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from typer._click.exceptions import ClickException, NoArgsIsHelpError

import logs
from cli import (
    alerts,
    backtest,
    calendar,
    database,
    deploy,
    doctor,
    imports,
    keys,
    performance,
    replay,
    runs,
    serve,
    signals,
    stream,
    sweep,
    up,
    worker,
)
from errors import ClosebellError

DONE, FAILED, USED_WRONGLY, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="closebell",
    help="Scan the whole Korean stock market at the close; keep the signals in PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(runs.app, name="run")
app.command("backfill")(runs.backfill)
app.command("replay")(replay.replay)
app.command("import")(imports.import_)
app.command("signals")(signals.signals)
app.command("performance")(performance.performance)
app.add_typer(backtest.app, name="backtest")
app.command("sweep")(sweep.sweep)
app.command("calendar")(calendar.calendar)
app.command("serve")(serve.serve)
app.command("stream")(stream.stream)
app.command("up")(up.up)
app.command("worker")(worker.worker)
app.command("deploy")(deploy.deploy)
app.add_typer(keys.app, name="keys")
app.add_typer(alerts.app, name="alerts")
app.add_typer(database.app, name="db")
app.command("doctor")(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"closebell {version('closebell')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Exit codes: 0 done or rightly skipped, 1 failed, 2 used wrongly."""


def main() -> None:
    """Run the command line; an error is one line.

    The traceback of an unexpected one goes to the log: on a terminal, or where a program reads
    JSON, at debug, as the line is enough; in a journal, where nobody can try again, at error.
    """
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(encoding="utf-8", errors="replace")
    as_json = "--json" in sys.argv
    logs.configure(_level())
    try:
        code = app(standalone_mode=False)
    except NoArgsIsHelpError as error:
        typer.echo(error.format_message())
        code = USED_WRONGLY
    except ClickException as error:
        _tell(error.format_message(), _usage(error), "usage", as_json=as_json)
        code = USED_WRONGLY
    except (KeyboardInterrupt, typer.Abort):
        _tell("interrupted", None, "Interrupted", as_json=as_json)
        code = INTERRUPTED
    except ClosebellError as error:
        _tell(error.detail, error.remedy, type(error).__name__, as_json=as_json)
        code = FAILED
    except BrokenPipeError:
        sys.stderr.close()
        code = FAILED
    except Exception as error:  # noqa: BLE001 a mistake of ours: a line here, the rest in the log
        watched = as_json or sys.stderr.isatty()
        logs.get().log(logging.DEBUG if watched else logging.ERROR, "unexpected", exc_info=error)
        detail = "; ".join(dict.fromkeys(_line(leaf) for leaf in _leaves(error)))
        remedy = "CLOSEBELL_LOG_LEVEL=debug shows where it happened; please report that"
        _tell(detail, remedy, "Unexpected", as_json=as_json)
        code = FAILED
    sys.exit(code or DONE)


def _level() -> str | None:
    """The level asked for in the environment, for what goes wrong before the settings are read."""
    level = os.environ.get("CLOSEBELL_LOG_LEVEL", "")
    return level if level in ("debug", "info", "warning", "error") else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The error itself; of a group, what is in it."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _usage(error: ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "closebell --help"


def _tell(detail: str, remedy: str | None, kind: str, *, as_json: bool) -> None:
    if as_json:
        told = {"error": kind, "detail": detail, "remedy": remedy}
        print(json.dumps(told, ensure_ascii=False), file=sys.stderr)  # noqa: T201
        return
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(f"error: {detail}", style="red")
    if remedy:
        console.print(f"  try: {remedy}")
