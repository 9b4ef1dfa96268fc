"""`closebell signals`: the signals that are stored."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import polars as pl
import typer

from cli.common import AsJson, SourceOption, a_date, market, print_json
from cli.tables import console, gate_line, print_signals
from market.asof import Slot
from market.clock import SEOUL

SCANNERS = ("vcp", "daytrading", "closing_bet")


def _scanner(text: str) -> str:
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
        typer.Option(parser=_scanner, metavar="NAME", help=f"{', '.join(SCANNERS)}; repeatable."),
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
        print_json(signal_objects(found))
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


def signal_objects(found: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as the objects of /api/kr/signals."""
    return [_object(row) for row in found.iter_rows(named=True)]


def _object(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "ticker": row["ticker"],
        "name": row["name"],
        "market": row["market"],
        "signal_type": row["scanner"],
        "score": row["score"],
        "out_of": row["out_of"],
        "grade": row["grade"],
        "session": row["session"],
        "as_of": row["as_of"],
        "preliminary": row["preliminary"],
        "change": row["change"],
        "entry_price": row["entry"],
        "target_price": row["target"],
        "stop_price": row["stop"],
        "status": row["status"],
        "reasons": json.loads(row["reasons"]),
        "parts": json.loads(row["parts"]),
        "flags": json.loads(row["flags"]),
        "market_cap": row["market_cap"],
        "value20": row["value20"],
        "net_buying_session": row["net_buying_session"],
        "created_at": row["created_at"].astimezone(SEOUL).isoformat(),
    }
