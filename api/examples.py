"""An example of every answer, for OpenAPI; tests hold them to the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api import backtests

Json = dict[str, Any]

SIGNAL: Final[Json] = {
    "id": 41,
    "ticker": "005930",
    "name": "삼성전자",
    "market": "KOSPI",
    "signal_type": "vcp",
    "score": 71.0,
    "out_of": 100.0,
    "grade": "A",
    "session": "2026-02-20",
    "as_of": "close",
    "preliminary": False,
    "change": "new",
    "entry_price": 72300,
    "target_price": 79100,
    "stop_price": 68900,
    "status": "open",
    "reasons": ["3 contractions: 12.1 %, 7.4 %, 3.9 %"],
    "parts": {
        "trend": {"points": 20.0, "out_of": 20.0, "conditions": 8, "rs": 91.2},
        "gates": {"pattern": True, "template": True, "liquidity": True},
    },
    "flags": [],
    "market_cap": 431000000000000,
    "value20": 812000000000,
    "net_buying_session": "2026-02-19",
    "created_at": "2026-02-20T15:46:02.120000+09:00",
}
GATE: Final[Json] = {
    "status": "YELLOW",
    "level": 61.4,
    "kospi_status": "GREEN",
    "kosdaq_status": "YELLOW",
    "kospi_close": 2731.5,
    "kospi_change_pct": 0.42,
    "kosdaq_close": 861.2,
    "kosdaq_change_pct": -0.18,
    "sectors": [{"name": "전기전자", "signal": "bullish", "change_pct": 1.25, "score": 75.0}],
    "parts": {"change": {"points": 12.1, "out_of": 20.0}},
    "session": "2026-02-20",
    "as_of": "close",
    "updated_at": "2026-02-20T15:46:02.120000+09:00",
}
JONGGA: Final[Json] = {
    "ticker": "005930",
    "name": "삼성전자",
    "signal_type": "JONGGA_V2",
    "score": {
        "total": 7.0,
        "news": None,
        "volume": 3.0,
        "chart": 2.0,
        "candle": 1.0,
        "period": 1.0,
        "flow": None,
    },
    "grade": "A",
    "entry_price": 72300,
    "target_price": 83100,
    "stop_loss": 68700,
    "position_size": 10.0,
    "reasons": ["812.0 billion won traded"],
    "signal_date": "2026-02-20",
}
DAYTRADING: Final[Json] = {
    "success": True,
    "data": {
        "signals": [
            {
                "ticker": "005930",
                "name": "삼성전자",
                "market": "KOSPI",
                "score": 83.0,
                "grade": "A",
                "checks": [
                    {"name": "volume", "status": "passed", "points": 15.0},
                    {"name": "net_buying", "status": "missing", "points": None},
                ],
                "signal_type": "BUY",
                "current_price": 72300,
                "entry_price": 72300,
                "target_price": 75900,
                "stop_loss": 70200,
                "reasons": ["volume 2.4 times its 20-session mean"],
            }
        ],
        "count": 1,
        "generated_at": "2026-02-20T15:46:02.120000+09:00",
    },
}
FOUND: Final[Json] = {
    "ticker": "005930",
    "name": "삼성전자",
    "market": "KOSPI",
    "sector": "전기전자",
    "kind": "common",
}
STOCK: Final[Json] = FOUND | {
    "flags": [],
    "current_price": 72300,
    "price_change": 900,
    "price_change_pct": 1.2605,
    "volume": 14201133,
    "market_cap": 431000000000000,
    "session": "2026-02-20",
    "updated_at": "2026-02-20T15:44:10+09:00",
}
CHART: Final[Json] = {
    "ticker": "005930",
    "period": "90d",
    "data": [
        {
            "date": "2026-02-20",
            "open": 71500.0,
            "high": 72600.0,
            "low": 71300.0,
            "close": 72300.0,
            "volume": 14201133.0,
        }
    ],
    "total_points": 1,
}
FLOW: Final[Json] = {
    "ticker": "005930",
    "period_days": 20,
    "data": [
        {
            "date": "2026-02-19",
            "foreign_net": 1203300,
            "inst_net": -88100,
            "foreign_net_amount": 86100000000,
            "inst_net_amount": -6300000000,
        }
    ],
    "smartmoney_score": 63.33,
    "total_points": 1,
}
SCAN: Final[Json] = {
    "id": 812,
    "scanner": "vcp",
    "session": "2026-02-20",
    "as_of": "close",
    "preliminary": False,
    "status": "completed",
    "rows": 2412,
    "grades": {"S": 1, "A": 7, "B": 11, "C": 2393},
    "left_out": {"halted": 61},
    "rules_version": "1",
    "rules_hash": "6f1c0a9be2d4",
    "source": "kiwoom",
    "reason": None,
    "seconds": 2.8,
    "run_url": "http://127.0.0.1:4200/runs/flow-run/0195b7f1-3c52-7e8a-9f0e-1f8d8e3b6a55",
    "created_at": "2026-02-20T15:46:02.120000+09:00",
}
TIMETABLE: Final[Json] = {
    "now": "2026-02-20T16:00:00+09:00",
    "open": False,
    "session": "2026-02-20",
    "opens_at": "2026-02-20T09:00:00+09:00",
    "closes_at": "2026-02-20T15:30:00+09:00",
    "note": None,
    "next_session": "2026-02-23",
    "next_opens_at": "2026-02-23T09:00:00+09:00",
    "closed_today": None,
    "next": [{"flow": "net-buying", "at": "2026-02-20T18:40:00+09:00"}],
    "sessions": ["2026-02-19", "2026-02-20", "2026-02-23"],
    "round_trip_pct": 0.2373,
    "slippage_ticks": 1,
}
HEALTH: Final[Json] = {
    "status": "healthy",
    "service": "closebell",
    "version": "0.1.0",
    "timestamp": "2026-02-20T16:00:00+09:00",
    "checks": {
        "database": "ok",
        "notifier": "ok",
        "last_scan": {
            "vcp": {
                "session": "2026-02-20",
                "as_of": "close",
                "completed_at": "2026-02-20T15:46:02.120000+09:00",
                "age_seconds": 837.9,
                "sessions_behind": 0,
                "stale": False,
            }
        },
        "sources": {
            "kiwoom": {
                "state": "ok",
                "missing": None,
                "collected_at": "2026-02-20T15:31:44+09:00",
                "age_seconds": 950.0,
                "last_success": "2026-02-20T15:32:31+09:00",
                "last_failure": None,
                "last_error": None,
                "calls": 5120,
                "retries": 2,
                "waited_seconds": 4702.5,
                "breaker": "closed",
            }
        },
    },
}


BY_PATH: Final[Mapping[str, Any]] = {
    "/api/kr/signals": [SIGNAL],
    "/api/kr/signals/gone": [SIGNAL],
    "/api/kr/signals/{ticker}": [SIGNAL],
    "/api/kr/market-gate": GATE,
    "/api/kr/market-gate/history": [GATE],
    "/api/kr/market-gate/sectors": GATE["sectors"],
    "/api/kr/jongga-v2/latest": [JONGGA],
    "/api/daytrading/signals": DAYTRADING,
    "/api/kr/stocks": [FOUND],
    "/api/kr/stocks/{ticker}": STOCK,
    "/api/kr/stocks/{ticker}/chart": CHART,
    "/api/kr/stocks/{ticker}/flow": FLOW,
    "/api/kr/scans": [SCAN],
    "/api/kr/timetable": TIMETABLE,
    "/api/kr/backtests": [backtests.RUN],
    "/api/kr/backtests/{id}": backtests.WHOLE,
    "/health": HEALTH,
    "/health/live": {"status": "alive"},
    "/health/ready": {"status": "ready"},
}
