"""`closebell serve`: the read API and the WebSocket notifier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

import typer

from cli.common import SourceOption, load_settings, working
from db.schema import Market
from tasks.markets import invented


def serve(
    host: Annotated[
        str | None, typer.Option(help="Where to listen; default CLOSEBELL_API_HOST, 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default CLOSEBELL_API_PORT, 8000.")
    ] = None,
    source: SourceOption = None,
) -> None:
    """Serve the stored signals over HTTP and WebSocket until interrupted.

    Reads PostgreSQL as a role that can't write, and nothing else. Beyond this machine it needs API
    keys: closebell keys create NAME.
    """
    from api.services import RoundTrip
    from api.serving import serve as run
    from flows.timetable import TIMETABLE
    from market.calendar import SessionHours
    from outcomes.costs import round_trip
    from outcomes.rules import TradeRules

    def slots(hours: SessionHours) -> Iterator[tuple[datetime, str]]:
        return ((at, line.flow) for line in TIMETABLE for at, _ in line.slots(hours))

    config = load_settings()
    rules = TradeRules.from_mapping(config.rules).costs

    def costs(session: date) -> RoundTrip:
        cost = round_trip(session, rules)
        return RoundTrip(None if cost is None else round(cost * 100, 4), rules.slippage_ticks)

    chosen = {"api_host": host, "api_port": port}
    config = config.model_copy(update={k: v for k, v in chosen.items() if v is not None})
    source = source or config.source
    market: Market = "sample" if invented(source, config) else "real"
    with working(quiet=False) as say:
        run(config, market if source else None, say, slots, costs)
