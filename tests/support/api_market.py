"""A small market for the API's tests: every figure is known beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from eager_backtests import eager_backtest

from db import Database
from db.repositories import Repositories
from db.repositories.runs import NewRun
from market.calendar import TradingCalendar
from market.schemas import DailyBars, IndexBars, NetBuying
from outcomes.rules import TradeRules
from tasks.backtest import new_backtest
from tasks.settle import settle_signals

MON, TUE, WED, THU = date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4), date(2026, 2, 5)
SESSIONS = (MON, TUE, WED)
COLLECTED = datetime(2026, 2, 4, 6, 44, tzinfo=UTC)
OUT_OF = {"vcp": 100.0, "daytrading": 105.0, "closing_bet": 12.0}
SAMSUNG, SPLIT, HALTED = "005930", "000660", "035720"
_NAMES = {
    SAMSUNG: ("삼성전자", "KOSPI", "전기전자"),
    SPLIT: ("SK하이닉스", "KOSPI", "전기전자"),
    HALTED: ("카카오", "KOSDAQ", None),
}
_CHECKS = ("volume", "momentum", "box", "average5", "net_buying", "rebound", "sector")
SIGNAL_SCHEMA: dict[str, Any] = {
    "session": pl.Date,
    "ticker": pl.String,
    "score": pl.Float64,
    "out_of": pl.Float64,
    "grade": pl.String,
    "entry": pl.Int64,
    "target": pl.Int64,
    "stop": pl.Int64,
    "parts": pl.String,
    "reasons": pl.List(pl.String),
    "flags": pl.List(pl.String),
    "close": pl.Int64,
    "change": pl.Float64,
    "value20": pl.Float64,
    "market_cap": pl.Int64,
    "net_buying_session": pl.Date,
    "position_size": pl.Float64,
}


def fill(database: Database) -> None:
    """Three stocks over three sessions: one plain, one split in two on Wednesday, one halted."""
    with database.transaction() as tx:
        tx.instruments.observe(_instruments())
        tx.bars.store(DailyBars.cast(_bars()))
        tx.net_buying.store(NetBuying.cast(_net_buying()))
        tx.index_bars.store(
            IndexBars.cast(
                pl.DataFrame(
                    {
                        "session": [WED],
                        "index": ["KOSPI"],
                        "open": [2700.0],
                        "high": [2740.0],
                        "low": [2690.0],
                        "close": [2731.5],
                        "volume": [1],
                        "value": [1],
                    }
                )
            )
        )


def publish(
    database: Database,
    scanner: str = "vcp",
    session: date = WED,
    count: int = 3,
    *,
    slot: str = "close",
    announce: bool = True,
    base: float = 50.0,
    preliminary: bool = False,
    rows: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Publish that many signals of a scanner as the flows do: rows and event in one transaction.

    Args:
        rows: the signals themselves, instead of `count` of `signal`.
    """
    found = (
        rows
        if rows is not None
        else [signal(scanner, session, number, base) for number in range(count)]
    )
    with database.transaction() as tx:
        run = tx.runs.add([replace(new_run(scanner, session, slot), preliminary=preliminary)])[0]
        changes = tx.signals.replace(
            scanner,
            slot,
            {session: run},
            pl.DataFrame(found, schema=SIGNAL_SCHEMA, orient="row"),
            rules_hash="abc",
            preliminary=preliminary,
            status="watch" if scanner == "daytrading" else "open",
        )
        if announce and (changes or tx.runs.opened):
            payload = {"signal_type": scanner, "session": session.isoformat(), "as_of": slot}
            tx.events.append(f"signal:{scanner}", "signal_update", payload | vars(changes))


def publish_gate(database: Database, session: date = WED, level: float = 61.4) -> None:
    """Publish a market gate and its event."""
    with database.transaction() as tx:
        run = tx.runs.add([new_run("market_gate", session, "close")])[0]
        tx.gates.replace("close", {session: run}, _gate(session, level), rules_hash="abc")
        payload = {"session": session.isoformat(), "as_of": "close"}
        tx.events.append("market-gate", "market_gate_update", payload)


def publish_everything(database: Database) -> None:
    """All the above, of every scanner, so that no answer is empty."""
    fill(database)
    publish(database, "closing_bet", TUE, 4)
    for scanner in OUT_OF:
        publish(database, scanner)
    publish_gate(database, TUE, 55.0)
    publish_gate(database, WED)
    publish_backtest(database)
    settle_signals(database, TradingCalendar(), TradeRules(), WED)


def publish_backtest(database: Database) -> None:
    """One backtest with trades, of a market of its own."""
    result = eager_backtest("closing_bet")
    with database.transaction() as tx:
        facts = result.facts | {"trials": 1}
        new = new_backtest(replace(result, facts=facts), "key", "stored", 1.5)
        tx.backtests.add(new, result.equity, result.trades)


def announce_scan(tx: Repositories, session: date = WED) -> None:
    """The event of a back-fill."""
    payload = {"from": MON.isoformat(), "to": session.isoformat(), "as_of": "close", "sessions": 3}
    tx.events.append("scan", "scan_update", payload)


def new_run(scanner: str, session: date, slot: str = "close") -> NewRun:
    """A completed run."""
    return NewRun(
        scanner=scanner,
        session=session,
        slot=slot,
        status="completed",
        rules_hash="abc",
        rules_version="1",
        source="sample",
        scanned=2000,
        grades={"S": 1, "A": 2, "B": 3, "C": 4},
        left_out={"halted": 1},
        seconds=2.5,
        flow_run_id="0195b7f1",
    )


def signal(scanner: str, session: date, number: int, base: float = 50.0) -> dict[str, Any]:
    """The numberth signal: the score grows with it."""
    tickers: Sequence[str] = list(_NAMES)
    ticker = tickers[number] if number < len(tickers) else f"{900000 + number}"
    score = (base + number) / 100 * OUT_OF[scanner]
    return {
        "session": session,
        "ticker": ticker,
        "score": score,
        "out_of": OUT_OF[scanner],
        "grade": "BAS"[number % 3],
        "entry": 10_000 + number,
        "target": 11_600,
        "stop": None if number == 1 else 9_200,
        "parts": json.dumps(_parts(scanner)),
        "reasons": ["3 contractions: 12.1 %"],
        "flags": ["warning"] if number == 2 else [],
        "close": 10_000,
        "change": 0.0125,
        "value20": 5e9 + number,
        "market_cap": None,
        "net_buying_session": MON,
        "position_size": 0.12 if scanner == "closing_bet" else None,
    }


def _parts(scanner: str) -> dict[str, Any]:
    if scanner == "daytrading":
        checks = {c: {"points": 15.0, "out_of": 15.0, "status": "passed"} for c in _CHECKS}
        missing = {"points": None, "out_of": 15.0, "status": "missing", "missing": "no figures"}
        return checks | {"net_buying": missing, "gates": {"up": True}}
    if scanner == "closing_bet":
        points = {"value": 3.0, "chart": 2.0, "candle": 1.0, "period": 0.0, "supply": 2.0}
        parts: dict[str, Any] = {name: {"points": p, "out_of": 3.0} for name, p in points.items()}
        return parts | {"news": {"points": None, "out_of": 3.0, "missing": "no news"}}
    return {
        "trend": {"points": 20.0, "out_of": 20.0},
        "smart_money": {"points": 19.0, "out_of": 30.0},
        "gates": {"pattern": True},
    }


def _instruments() -> pl.DataFrame:
    rows = [
        {
            "ticker": ticker,
            "session": MON,
            "name": name,
            "market": market,
            "kind": "common",
            "sector": sector,
            "flags": ["warning"] if ticker == HALTED else [],
            "listed": None,
            "delisted": None,
        }
        for ticker, (name, market, sector) in _NAMES.items()
    ]
    schema = {
        "ticker": pl.String,
        "session": pl.Date,
        "name": pl.String,
        "market": pl.String,
        "kind": pl.String,
        "sector": pl.String,
        "flags": pl.List(pl.String),
        "listed": pl.Date,
        "delisted": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _bars() -> pl.DataFrame:
    rows = []
    for number, session in enumerate(SESSIONS):
        plain = 72_000 + 300 * number
        rows.append((session, SAMSUNG, plain, plain - 300, 1_000))
        split = 200_000 if session < WED else 104_000
        rows.append((session, SPLIT, split, 200_000 if session < WED else 100_000, 500))
        rows.append((session, HALTED, 41_000, 41_000, 0))
    return pl.DataFrame(
        [
            {
                "session": session,
                "ticker": ticker,
                "open": close if volume else 0,
                "high": close if volume else 0,
                "low": close if volume else 0,
                "close": close,
                "volume": volume,
                "value": close * volume,
                "base": base,
                "listed_shares": 1_000_000,
                "market_cap": close * 1_000_000,
                "adjusted": False,
                "source": "sample",
                "collected_at": COLLECTED,
            }
            for session, ticker, close, base, volume in rows
        ]
    )


def _net_buying() -> pl.DataFrame:
    def row(session: date, known: int, won: int | None) -> dict[str, Any]:
        return {
            "session": session,
            "ticker": SAMSUNG,
            "known_at": datetime(2026, 2, known, 9, 40, tzinfo=UTC),
            "foreign_won": won,
            "institution_won": -3_000_000,
            "individual_won": None,
            "foreign_shares": 120,
            "institution_shares": -40,
            "individual_shares": None,
            "provisional": False,
            "source": "sample",
        }

    return pl.DataFrame([row(MON, 2, 8_000_000), row(MON, 3, 9_000_000), row(TUE, 3, None)])


def _gate(session: date, level: float) -> pl.DataFrame:
    sectors = [{"name": "전기전자", "signal": "bullish", "change_pct": 1.25, "score": 75.0}]
    return pl.DataFrame(
        {
            "session": [session],
            "level": [level],
            "status": ["YELLOW"],
            "kospi_status": ["GREEN"],
            "kosdaq_status": ["YELLOW"],
            "kospi_close": [2731.5],
            "kospi_change_pct": [0.42],
            "kosdaq_close": [861.2],
            "kosdaq_change_pct": [-0.18],
            "sectors": [json.dumps(sectors)],
            "parts": [json.dumps({"change": {"points": 12.1, "out_of": 20.0}})],
        }
    )
