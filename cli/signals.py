"""`closebell signals`: the signals that are stored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from api import views
from cli.common import AsJson, SourceOption, a_date, market
from cli.tables import console, gate_line, print_signals
from market.asof import Slot

SCANNERS = ("vcp", "daytrading", "closing_bet")


def a_scanner(text: str) -> str:
    """One of the scanners' names; another is a usage error."""
    if text not in SCANNERS:
        raise typer.BadParameter(f"{text!r} is no scanner ({', '.join(SCANNERS)})")
    return text


def _slot(text: str) -> str:
    try:
        return str(Slot.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def signals(
    session: Annotated[
        date | None,
        typer.Option(parser=a_date, metavar="YYYY-MM-DD", help="Default: the newest stored."),
    ] = None,
    scanner: Annotated[
        list[str] | None,
        typer.Option(parser=a_scanner, metavar="NAME", help=f"{', '.join(SCANNERS)}; repeatable."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(parser=_slot, metavar="SLOT", help="close, final or HH:MM. Default: newest."),
    ] = None,
    ticker: Annotated[
        str | None, typer.Option(metavar="CODE", help="One stock's signals, newest first.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    source: SourceOption = None,
    as_json: AsJson = False,
) -> None:
    """Show stored signals, best first by score/out_of; prices in won as traded in their session."""
    with market(source, quiet=as_json) as (_, db, name), db.reader() as tx:
        found = tx.signals.find(
            scanners=scanner or None, session=session, slot=as_of, ticker=ticker
        ).head(limit)
        gate = tx.gates.get(session, as_of)
    if as_json:
        objects = [views.signal(row) for row in found.iter_rows(named=True)]
        typer.echo(views.dumps(objects).decode())
        return
    out = console()
    if gate is not None and ticker is None:
        out.print(gate_line(gate), f"· {gate['session']} {gate['as_of']} · {name} market")
    if found.is_empty():
        out.print(_nothing(session, ticker, gate))
        return
    print_signals(out, found)


def _nothing(session: date | None, ticker: str | None, gate: dict[str, Any] | None) -> str:
    if gate is None:
        when, option = (f" in {session}", f" --session {session}") if session else (" yet", "")
        return f"Nothing was scanned{when}. Try: closebell run end-of-day{option}"
    if ticker:
        return f"{ticker} was never a signal."
    return f"Scanned, and no stock passed in {gate['session']}."
