"""`closebell calendar [YEAR]`: the sessions of a year and their hours."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import settings
from cli.words import words_of
from market.calendar import SessionHours, TradingCalendar
from market.clock import SystemClock

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar(
    year: Annotated[
        int | None, typer.Argument(help="The year; default: this year in Seoul.", min=1995)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every session as JSON.")] = False,
) -> None:
    """List the exchange's sessions of a year: what is closed, and what opens at other hours."""
    config = settings.load()
    book = TradingCalendar(config.extra_holidays)
    year = year or SystemClock().now().year
    first, last = max(date(year, 1, 1), book.first), date(year, 12, 31)
    hours = [book.hours(day) for day in book.sessions(first, last)]
    if as_json:
        typer.echo(json.dumps([_row(h) for h in hours], ensure_ascii=False))
        return
    usual = Counter(_times(h) for h in hours).most_common(1)[0][0]
    unlike = [(h.session, _times(h), h.note or "") for h in hours if _times(h) != usual]
    closed = [
        (day, "closed", book.why_closed(day))
        for day in (first + timedelta(n) for n in range((last - first).days + 1))
        if day.weekday() < 5 and not book.is_session(day)
    ]
    words = words_of(config.language)
    table = Table(words("date"), words("hours"), words("why"))
    for day, times, why in sorted(unlike + closed):
        table.add_row(f"{day} {words(WEEKDAYS[day.weekday()])}", words(times), words.told(why))
    console = Console(highlight=False)
    title = "{year}: {count} sessions, {hours} Asia/Seoul, but for"
    console.print(words(title, year=year, count=len(hours), hours=usual))
    console.print(table)


def _times(hours: SessionHours) -> str:
    return f"{hours.open:%H:%M}-{hours.close:%H:%M}"


def _row(hours: SessionHours) -> dict[str, str | None]:
    return {
        "session": hours.session.isoformat(),
        "open": hours.open.isoformat(),
        "close": hours.close.isoformat(),
        "note": hours.note,
    }
