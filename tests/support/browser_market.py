"""A market for the dashboard's tests: a stock with a pattern, hostile names, a long list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from api_market import SAMSUNG, WED, fill, new_run, publish, publish_gate, signal

from db import Database
from market.calendar import TradingCalendar
from market.schemas import DailyBars

HOSTILE = '<img src=x onerror="document.title=1">'
HOSTILE_TICKER = "900010"
HISTORY = 160
"""Sessions of bars behind Samsung's pattern."""
SESSIONS = TradingCalendar().sessions(WED - timedelta(days=300), WED)[-HISTORY:]
LONG_SESSIONS = TradingCalendar().sessions(WED - timedelta(days=1000), WED)[-560:]
"""Those of a stock whose chart is loaded anew for each range."""
CONTRACTIONS = [(60, 75, 0.2), (90, 100, 0.1), (120, 130, 0.05)]
"""Position of the high, of the low, depth."""


def fill_market(database: Database) -> None:
    """Samsung with a long history; every scanner with signals; two gates."""
    fill(database)
    with database.transaction() as tx:
        tx.bars.store(DailyBars.cast(_history(SESSIONS, _closes())))
        tx.instruments.observe(_named(HOSTILE_TICKER, HOSTILE))
    publish(database, "vcp", SESSIONS[-2], 5)
    publish(database, "vcp", rows=[pattern(), signal("vcp", WED, 1), hostile("vcp")])
    publish(database, "daytrading")
    publish(database, "closing_bet")
    publish_gate(database, SESSIONS[-2], 55.0)
    publish_gate(database, WED)


def fill_long(database: Database) -> None:
    """Samsung with more bars than any range but the longest loads."""
    fill(database)
    closes = [50_000 + 100 * (n % 50) for n in range(len(LONG_SESSIONS))]
    with database.transaction() as tx:
        tx.bars.store(DailyBars.cast(_history(LONG_SESSIONS, closes)))


def pattern() -> dict[str, Any]:
    """Samsung as a vcp signal with three contractions, its smart money missing."""
    told = [
        {"high_on": _day(high), "low_on": _day(low), "depth": depth}
        for high, low, depth in CONTRACTIONS
    ]
    missing = {"points": None, "out_of": 30.0, "missing": "net buying isn't known for all sessions"}
    parts = {
        "trend": {"points": 20.0, "out_of": 20.0, "conditions": 8, "rs": 91.2},
        "contractions": {"points": 21.0, "out_of": 25.0, "count": 3},
        "volume_dry_up": {"points": 7.0, "out_of": 10.0, "ratio": 0.57},
        "tightness": {"points": 8.0, "out_of": 10.0, "atr_ratio": 0.45, "band_place": 0.12},
        "pivot": {"points": 3.0, "out_of": 5.0, "price": 72000.0, "low": 68400.0},
        "smart_money": missing,
        "pattern": {"contractions": told, "pivot": 72000.0, "low": 68400.0, "state": "forming"},
        "gates": {"pattern": True, "template": True, "liquidity": None},
    }
    levels = {"entry": 72_100, "target": 79_500, "stop": 68_400, "score": 59.0, "out_of": 70.0}
    return signal("vcp", WED, 0) | levels | {"parts": json.dumps(parts), "grade": "S"}


def hostile(scanner: str, number: int = 10) -> dict[str, Any]:
    """A signal whose every text is markup."""
    parts = {
        "trend": {"points": None, "out_of": 20.0, "missing": HOSTILE},
        "pattern": {"contractions": []},
        "gates": {HOSTILE: False},
    }
    texts = {"reasons": [HOSTILE], "flags": [HOSTILE], "parts": json.dumps(parts)}
    return signal(scanner, WED, number) | texts | {"ticker": HOSTILE_TICKER, "score": 51.0}


def publish_failure(database: Database) -> None:
    """A failed run with a hostile reason and no web address."""
    run = replace(new_run("daytrading", WED), status="failed", reason=HOSTILE, flow_run_id=None)
    with database.transaction() as tx:
        tx.runs.add([run])


def _day(position: int) -> str:
    return SESSIONS[position].isoformat()


def _history(sessions: Sequence[date], closes: Sequence[int]) -> pl.DataFrame:
    """Bars of all but the last three sessions, which are there already."""
    rows = []
    for n, session in enumerate(sessions[:-3]):
        close = closes[n]
        rows.append(
            {
                "session": session,
                "ticker": SAMSUNG,
                "open": close - 100,
                "high": close + 200,
                "low": close - 300,
                "close": close,
                "volume": 900_000 + 1000 * n,
                "value": close * 900_000,
                "base": closes[n - 1] if n else close,
                "listed_shares": 1_000_000,
                "market_cap": close * 1_000_000,
                "adjusted": False,
                "source": "sample",
                "collected_at": datetime(2026, 2, 1, 6, 44, tzinfo=UTC),
            }
        )
    return pl.DataFrame(rows)


def _closes() -> list[int]:
    """Rising, then down and up again three times, each time less."""
    closes = [48_000 + 400 * n for n in range(61)]
    for (high, low, depth), after in zip(CONTRACTIONS, (90, 120, HISTORY), strict=True):
        top = closes[high]
        bottom = round(top * (1 - depth))
        closes += [top - (top - bottom) * (n + 1) // (low - high) for n in range(low - high)]
        closes += [bottom + (top - bottom) * (n + 1) // (after - low) for n in range(after - low)]
    return closes[:HISTORY]


def _named(ticker: str, name: str) -> pl.DataFrame:
    row: dict[str, Any] = {
        "ticker": ticker,
        "session": date(2026, 2, 2),
        "name": name,
        "market": "KOSDAQ",
        "kind": "common",
        "sector": HOSTILE,
        "flags": ["warning"],
        "listed": None,
        "delisted": None,
    }
    types = {"flags": pl.List(pl.String), "listed": pl.Date, "delisted": pl.Date}
    return pl.DataFrame([row], schema_overrides=types)
