"""`closebell alerts …`: be told of what happens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from alerts.config import Alerts, as_mapping, read_alerts
from cli.common import AsJson, SourceOption, load_settings, print_json, working
from cli.tables import console
from errors import ClosebellError
from market.calendar import TradingCalendar
from market.clock import SystemClock
from tasks.markets import open_market

if TYPE_CHECKING:
    from db import Database
    from settings import Settings

app = typer.Typer(
    help="Be told of signals, the market gate, late scans and sources that are down.",
    no_args_is_help=True,
)


@app.command()
def run(source: SourceOption = None) -> None:
    """Send alerts as they arise, until interrupted. A second process waits for the first to end.

    What to tell whom stands under [alerts] in closebell.toml: closebell alerts list.
    """
    import tracing
    from alerts.senders import make_senders
    from flows.alerts import watch
    from tasks.alerts import Desk
    from tasks.sources import LIVE

    settings = load_settings()
    config = _wanted(settings)
    tracing.configure()
    clock = SystemClock()
    senders = make_senders(config, clock)
    calendar = TradingCalendar(settings.extra_holidays)

    async def until_stopped(db: Database, name: str, say: Any) -> None:
        desk = Desk(db, config, senders, calendar, clock, live=name in LIVE)
        watching = asyncio.ensure_future(watch(desk, say))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, watching.cancel)
        await asyncio.wait([watching])
        if not watching.cancelled():
            watching.result()

    with working(quiet=False) as say, open_market(settings, source, say) as (db, name):
        asyncio.run(until_stopped(db, name, say))


@app.command("test")
def try_(
    names: Annotated[
        list[str] | None, typer.Argument(help="Recipients; by default all.", metavar="NAME…")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message to the recipients and say what became of it; exits 1 if any failed."""
    from alerts.senders import make_senders
    from alerts.trial import send_trial

    settings = load_settings()
    config = read_alerts(settings)
    if unknown := sorted(set(names or ()) - set(config.recipients)):
        raise typer.BadParameter(f"no recipient {', '.join(unknown)} under [alerts.recipients]")
    clock = SystemClock()
    senders = make_senders(config, clock)
    chosen = names or list(senders)
    if not chosen:
        raise _nobody()
    with working(quiet=as_json) as say:
        say("sending")
        results = asyncio.run(send_trial({n: senders[n] for n in chosen}, config, clock))
    told = [{"recipient": name, "ok": error is None, "error": error} for name, error in results]
    if as_json:
        print_json(told)
    for line in () if as_json else told:
        console().print(f"{line['recipient']}: {line['error'] or 'sent'}", markup=False)
    raise typer.Exit(0 if all(line["ok"] for line in told) else 1)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The recipients and rules of the settings. Addresses and secrets aren't shown."""
    config = as_mapping(read_alerts(load_settings()))
    if as_json:
        print_json(config)
        return
    if not config["recipients"]:
        raise _nobody()
    table = Table("rule", "for", header_style="bold")
    for rule in config["rules"]:
        table.add_row(rule["when"], ", ".join(rule["to"]))
    kinds = ", ".join(f"{one['name']} ({one['kind']})" for one in config["recipients"])
    console().print(f"recipients: {kinds}", markup=False)
    console().print(table if config["rules"] else "no rules under [alerts]")


@app.command()
def status(
    source: SourceOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many messages.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What waits, what was sent, what failed and why, and whether a process sends."""
    with _market(source, quiet=as_json) as db:
        told = _status(db, limit)
    if as_json:
        print_json(told)
        return
    counts = ", ".join(f"{count} {name}" for name, count in told["messages"].items())
    behind = f"{told['events_behind']} events not judged yet"
    console().print(f"sending: {'yes' if told['running'] else 'no'}; {counts}; {behind}")
    table = Table("when", "to", "notices", "state", "attempts", "error", header_style="bold")
    for one in told["newest"]:
        when = f"{one['created_at']:%Y-%m-%d %H:%M}"
        state = f"{one['status']} (again)" if one["repeat"] else one["status"]
        row = (when, one["recipient"], len(one["notices"]), state, one["attempts"], one["error"])
        table.add_row(*("" if value is None else str(value) for value in row))
    if told["newest"]:
        console().print(table)


def _status(db: Database, limit: int) -> dict[str, Any]:
    from db.listening import is_alone
    from flows.alerts import ALONE

    running = is_alone(db, ALONE)
    with db.reader() as tx:
        position, last = tx.alerts.position(), tx.events.last_id()
        names = ("key", "recipient", "notices", "status", "attempts", "error", "created_at")
        newest = [
            {name: row[name] for name in (*names, "ended_at")} | {"repeat": row["unsure"]}
            for row in tx.alerts.recent(limit)
        ]
        return {
            "running": running,
            "events_behind": 0 if position is None else len(tx.events.after(position, 10_000)),
            "last_event_id": last,
            "messages": tx.alerts.counts(),
            "newest": newest,
        }


def _wanted(settings: Settings) -> Alerts:
    config = read_alerts(settings)
    if not config.rules:
        raise _nobody()
    return config


def _nobody() -> ClosebellError:
    return ClosebellError(
        "there are no alerts: [alerts] of closebell.toml names no recipients or rules",
        remedy="see docs/alerts.md",
    )


@contextmanager
def _market(source: str | None, *, quiet: bool) -> Iterator[Database]:
    settings = load_settings()
    with working(quiet=quiet) as say, open_market(settings, source, say) as (db, _):
        yield db
