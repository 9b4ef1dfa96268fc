"""What several commands share: options, the open database, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any, get_args

import typer
from rich.console import Console

import logs
import settings
from cli.words import ENGLISH, Words, words_of
from db import Database
from market.calendar import TradingCalendar
from settings import Settings
from tasks.markets import open_market

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def a_source(text: str) -> str:
    """One of the sources' names; another is a usage error."""
    if text not in (names := get_args(settings.Source)):
        raise typer.BadParameter(f"{text!r} is no source ({', '.join(names)})")
    return text


SourceOption = Annotated[
    str | None,
    typer.Option(
        parser=a_source,
        metavar="NAME",
        help="kiwoom, krx, marcap, sample, replay, or stored: the real market as it is in the "
        "database, from whichever source. Default: CLOSEBELL_SOURCE, else stored "
        "once something was imported, else sample.",
    ),
]


def a_date(text: str) -> date:
    """A date as YYYY-MM-DD; a wrong one is a usage error."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date (write it as 2026-02-20)") from None


def a_day(text: str) -> date:
    """A date that the trading calendar knows; another is a usage error."""
    day, calendar = a_date(text), TradingCalendar()
    if not calendar.first <= day <= calendar.last:
        raise typer.BadParameter(
            f"nothing is known of {day}: the calendar reaches from {calendar.first} to "
            f"{calendar.last}"
        )
    return day


SessionOption = Annotated[date, typer.Option(parser=a_date, metavar="YYYY-MM-DD")]


def print_json(value: Any) -> None:
    """One JSON document on standard output; dates as ISO 8601."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def working(*, quiet: bool, words: Words = ENGLISH) -> Iterator[Callable[[str], None]]:
    """A function that says what is being waited for: a spinner on a terminal, else plain lines."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with console.status("") as status:
            yield lambda message: status.update(words.told(message))
    else:
        yield lambda message: console.print(words.told(message), markup=False)


def load_settings() -> Settings:
    """All settings, checked; logs as they say."""
    config = settings.load()
    logs.configure(config.log_level)
    if unknown := settings.unknown_names():
        logs.get().warning("no such settings in the environment", names=unknown)
    return config


@contextmanager
def market(source: str | None, *, quiet: bool) -> Iterator[tuple[Settings, Database, str]]:
    """Settings, the database of the source's market, and the source's name."""
    config = load_settings()
    with (
        working(quiet=quiet, words=words_of(config.language)) as say,
        open_market(config, source, say) as (db, name),
    ):
        yield config, db, name
