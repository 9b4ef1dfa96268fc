"""`closebell doctor`: is everything there, and if not, how to get it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import SecretStr

import settings
from cli.checks import Check, show_checks
from cli.common import AsJson, print_json
from cli.doctor_api import look_at_alerts, look_at_role
from cli.doctor_prefect import look_at_prefect
from cli.sources import source_checks
from cli.words import words_of
from db import Database, open_database
from db.embedded.carry_over import due
from db.schema import Market, SchemaStatus
from errors import ClosebellError
from market.calendar import TradingCalendar
from market.clock import SystemClock
from outcomes.rules import TradeRules
from scanners.rules import Rules
from settings import Language, Settings, language_of_environment

MARKETS: tuple[Market, ...] = ("real", "sample")
LEAST_FREE = 2.0  # GB; a year of bars and its indices take some two
LEAST_FREE_WITHOUT_DATABASE = 0.2  # GB, for logs and downloads
COLLECTED = ("kiwoom", "krx", "marcap")
"""The sources from which every session is collected; with others the data end where they end."""


Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Ask every configured source what its documents leave open (some 140 calls that "
        "only read, a few minutes), and say which setting follows.",
    ),
]


def doctor(as_json: AsJson = False, live: Live = False) -> None:
    """Look at settings, database, Prefect and the age of the data; say what is missing.

    Exits 1 when something needed is wrong. Never prints a secret, never places an order.
    """
    if live:
        from cli.live import show_live  # its tasks bring Prefect along

        raise typer.Exit(0 if show_live(as_json=as_json) else 1)
    checks = list(_examine())
    ok = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        show_checks(checks, words_of(_language()))
    raise typer.Exit(0 if ok else 1)


def _language() -> Language:
    """The settings', or the environment's where those can't be read."""
    try:
        return settings.load().language
    except ClosebellError:
        return language_of_environment()


def _examine() -> Iterator[Check]:
    running = sys.version_info
    yield Check(
        "python",
        (3, 11) <= running[:2] <= (3, 14),
        f"{running.major}.{running.minor}.{running.micro}, closebell {version('closebell')}",
    )
    try:
        config = settings.load()
        rules = Rules.from_mapping(config.rules)
        TradeRules.from_mapping(config.rules)
    except ClosebellError as error:
        yield Check("settings", False, error.detail, error.remedy)
        return
    yield Check("settings", True, _shown(config))
    yield Check("rules", True, f"version {rules.version}, hash {rules.hash}")
    yield _disk(config)
    yield from (Check(*found) for found in look_at_prefect(config))
    try:
        for market in MARKETS:
            yield from _market(config, market)
    except ClosebellError as error:
        yield Check("database", False, error.detail, error.remedy)
        return
    yield Check(*look_at_role(config))


def _shown(config: Settings) -> str:
    """Every setting that was set, secrets only as set."""
    chosen = {name: getattr(config, name) for name in sorted(config.model_fields_set)}
    words = [
        f"{name}={'(set)' if isinstance(value, SecretStr) else value}"
        for name, value in chosen.items()
        if name != "rules"
    ]
    file = settings.config_file()
    return f"{', '.join(words) or 'all at their defaults'}; {file}" + (
        "" if file.is_file() else " (not there, not needed)"
    )


def _disk(config: Settings) -> Check:
    folder = next(p for p in (config.data_dir, *config.data_dir.parents) if p.exists())
    free = shutil.disk_usage(folder).free / 1e9
    embedded = config.database_url is None
    enough = free >= (LEAST_FREE if embedded else LEAST_FREE_WITHOUT_DATABASE)
    remedy = "make room (old backups, logs): when it is full PostgreSQL stops writing"
    return Check("disk", enough, f"{free:,.1f} GB free at {folder}", None if enough else remedy)


def _market(config: Settings, market: Market) -> Iterator[Check]:
    with open_database(config, market=market, check=False) as db:
        status = db.status()
        if market == "real":
            yield _database(db, status)
            yield from _carry_over(config)
            yield from source_checks(config, db if status.up_to_date else None)
        if status.current is None:
            yield _empty(market)
        elif status.up_to_date:
            yield from _freshness(config, db, market)
            if market == "real":
                yield from (Check(*found) for found in look_at_alerts(config, db))


def _database(db: Database, status: SchemaStatus) -> Check:
    usable = status.current is None or status.up_to_date
    remedy = "install the newer closebell" if status.newer else "closebell db upgrade"
    return Check(
        "database",
        usable,
        f"{db.shown_url}, tables of version {status.current or 'none yet'}",
        None if usable else remedy,
    )


def _carry_over(config: Settings) -> Iterator[Check]:
    if config.database_url is None and (older := due(config.data_dir)):
        detail = f"PostgreSQL {older}; a newer one is here"
        yield Check("database version", True, detail, "closebell db carry-over")


def _empty(market: str) -> Check:
    remedy = {
        "real": "closebell import marcap:2025..2026, or your own files (closebell import --help)",
        "sample": "closebell run end-of-day --source sample",
    }[market]
    return Check(f"{market} market", True, "nothing stored", remedy)


def _freshness(config: Settings, db: Database, market: str) -> Iterator[Check]:
    fresh = db.freshness()
    if fresh.bars is None:
        yield _empty(market)
        return
    calendar = TradingCalendar(config.extra_holidays)
    closed = calendar.last_closed(SystemClock().now())
    behind = len(calendar.sessions(fresh.bars.session, closed)) - 1
    yield Check(
        f"{market} market: bars",
        behind <= 1 or market == "sample" or config.source not in COLLECTED,
        f"{fresh.bars.first} to {fresh.bars.session} ({fresh.bars.rows:,} stocks), "
        + ("up to date" if behind <= 0 else f"{behind} sessions behind {closed}"),
        _catch_up(market) if behind > 0 else None,
    )
    for name, found, what in (
        ("net buying", fresh.net_buying, "smart money, net buying and supply parts are missing"),
        ("index bars", fresh.index_bars, "the market gate is missing"),
    ):
        yield Check(
            f"{market} market: {name}",
            True,
            f"to {found.session}" if found else f"none stored: {what}",
            None if found else f"import a file with {name} (closebell import --help)",
        )
    scans: dict[str, Any] = fresh.scans
    yield Check(
        f"{market} market: scans",
        True,
        ", ".join(f"{name} {day}" for name, day in sorted(scans.items())) or "none yet",
        None if scans else "closebell run end-of-day",
    )


def _catch_up(market: str) -> str:
    return "closebell run end-of-day --source sample" if market == "sample" else (
        "import the newer sessions, then closebell run end-of-day"
    )  # fmt: skip
