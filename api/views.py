"""Rows as the objects of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from market.clock import SEOUL

Row = Mapping[str, Any]
CHECKS = ("volume", "momentum", "box", "average5", "net_buying", "rebound", "sector")
VERDICTS = {"S": "STRONG_BUY", "A": "BUY", "B": "WATCH"}
_SIGNAL_FRAME: dict[str, Any] = {
    "id": pl.Int64,
    "ticker": pl.String,
    "name": pl.String,
    "market": pl.String,
    "signal_type": pl.String,
    "score": pl.Float64,
    "out_of": pl.Float64,
    "grade": pl.String,
    "session": pl.Date,
    "as_of": pl.String,
    "preliminary": pl.Boolean,
    "change": pl.String,
    "entry_price": pl.Int64,
    "target_price": pl.Int64,
    "stop_price": pl.Int64,
    "status": pl.String,
    "reasons": pl.String,
    "parts": pl.String,
    "flags": pl.String,
    "market_cap": pl.Int64,
    "value20": pl.Int64,
    "net_buying_session": pl.Date,
    "created_at": pl.Datetime("us", "Asia/Seoul"),
}


def dumps(value: Any) -> bytes:
    """JSON; dates and moments in ISO 8601."""
    return orjson.dumps(value)


def local(moment: datetime) -> datetime:
    """A moment on Seoul's clock."""
    return moment.astimezone(SEOUL)


def signal(row: Row) -> dict[str, Any]:
    """An object of /api/kr/signals, from a row of SignalPages."""
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
        "reasons": orjson.Fragment(row["reasons"]),
        "parts": orjson.Fragment(row["parts"]),
        "flags": orjson.Fragment(row["flags"]),
        "market_cap": row["market_cap"],
        "value20": row["value20"],
        "net_buying_session": row["net_buying_session"],
        "created_at": local(row["created_at"]),
    }


def signal_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The same as a frame; reasons, parts and flags as JSON text."""
    plain = [
        signal(row) | {name: row[name] for name in ("reasons", "parts", "flags")} for row in rows
    ]
    return pl.DataFrame(plain, schema=_SIGNAL_FRAME, orient="row")


def gate(row: Row) -> dict[str, Any]:
    """An object of /api/kr/market-gate."""
    return {
        "status": row["status"],
        "level": row["level"],
        "kospi_status": row["kospi_status"],
        "kosdaq_status": row["kosdaq_status"],
        "kospi_close": row["kospi_close"],
        "kospi_change_pct": row["kospi_change_pct"],
        "kosdaq_close": row["kosdaq_close"],
        "kosdaq_change_pct": row["kosdaq_change_pct"],
        "sectors": row["sectors"],
        "parts": row["parts"],
        "session": row["session"],
        "as_of": row["as_of"],
        "updated_at": local(row["updated_at"]),
    }


def jongga(row: Row) -> dict[str, Any]:
    """An object of /api/kr/jongga-v2/latest."""
    parts = json.loads(row["parts"])
    size = row["position_size"]
    return {
        "ticker": row["ticker"],
        "name": row["name"],
        "signal_type": "JONGGA_V2",
        "score": {
            "total": row["score"],
            "news": _points(parts, "news"),
            "volume": _points(parts, "value"),
            "chart": _points(parts, "chart"),
            "candle": _points(parts, "candle"),
            "period": _points(parts, "period"),
            "flow": _points(parts, "supply"),
        },
        "grade": row["grade"],
        "entry_price": row["entry"],
        "target_price": row["target"],
        "stop_loss": row["stop"],
        "position_size": None if size is None else round(size * 100, 6),
        "reasons": orjson.Fragment(row["reasons"]),
        "signal_date": row["session"],
    }


def daytrading(row: Row) -> dict[str, Any]:
    """A signal of /api/daytrading/signals."""
    parts = json.loads(row["parts"])
    checks = [
        {
            "name": name,
            "status": parts.get(name, {}).get("status", "missing"),
            "points": _points(parts, name),
        }
        for name in CHECKS
    ]
    return {
        "ticker": row["ticker"],
        "name": row["name"],
        "market": row["market"],
        "score": row["score"],
        "grade": row["grade"],
        "checks": checks,
        "signal_type": VERDICTS[row["grade"]],
        "current_price": row["close"],
        "entry_price": row["entry"],
        "target_price": row["target"],
        "stop_loss": row["stop"],
        "reasons": orjson.Fragment(row["reasons"]),
    }


def scan(row: Row, prefect_ui_url: str) -> dict[str, Any]:
    """An object of /api/kr/scans."""
    run = row["flow_run_id"]
    return {
        "id": row["id"],
        "scanner": row["scanner"],
        "session": row["session"],
        "as_of": row["as_of"],
        "preliminary": row["preliminary"],
        "status": row["status"],
        "rows": row["scanned"],
        "grades": row["grades"],
        "left_out": row["left_out"],
        "rules_version": row["rules_version"],
        "rules_hash": row["rules_hash"],
        "source": row["source"],
        "reason": row["reason"],
        "seconds": row["seconds"],
        "run_url": f"{prefect_ui_url.rstrip('/')}/runs/flow-run/{run}" if run else None,
        "created_at": local(row["created_at"]),
    }


def price_change(bar: Row) -> tuple[int | None, float | None]:
    """A bar's change against its base price, in won and in percent."""
    if bar["base"] is None:
        return None, None
    change = bar["close"] - bar["base"]
    return change, round(change / bar["base"] * 100, 4)


def _points(parts: Mapping[str, Any], name: str) -> float | None:
    points: float | None = parts.get(name, {}).get("points")
    return points
