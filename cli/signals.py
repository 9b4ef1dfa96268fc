"""`closebell signals`: the signals that are stored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from api import views
from cli.common import AsJson, SourceOption, a_date, market
from cli.tables import console, gate_line, print_signals
from cli.words import Words, words_of
from market.asof import Slot
from market.scanners import SCANNERS


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
    with market(source, quiet=as_json) as (config, db, name), db.reader() as tx:
        found = tx.signals.find(
            scanners=scanner or None, session=session, slot=as_of, ticker=ticker
        ).head(limit)
        gate = tx.gates.get(session, as_of)
    if as_json:
        objects = [views.signal(row) for row in found.iter_rows(named=True)]
        typer.echo(views.dumps(objects).decode())
        return
    out, words = console(), words_of(config.language)
    if gate is not None and ticker is None:
        of = words("{market} market", market=words(name))
        out.print(gate_line(gate, words), f"· {gate['session']} {words(gate['as_of'])} · {of}")
    if found.is_empty():
        out.print(_nothing(session, ticker, gate, words))
        return
    print_signals(out, found, words)


def _nothing(
    session: date | None, ticker: str | None, gate: dict[str, Any] | None, words: Words
) -> str:
    if gate is None:
        when = words(" in {session}", session=session) if session else words(" yet")
        option = f" --session {session}" if session else ""
        text = "Nothing was scanned{when}. Try: closebell run end-of-day{option}"
        return words(text, when=when, option=option)
    if ticker:
        return words("{ticker} was never a signal.", ticker=ticker)
    return words("Scanned, and no stock passed in {session}.", session=gate["session"])
