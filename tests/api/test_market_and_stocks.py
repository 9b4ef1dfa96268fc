"""The market gate, stocks, scans and health."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from api_market import (
    HALTED,
    SAMSUNG,
    SPLIT,
    WED,
    new_run,
    publish,
    publish_everything,
    publish_gate,
)
from api_server import serving
from databases import emptied
from pydantic import TypeAdapter
from sqlalchemy import text

from api import models
from market.clock import SEOUL, FixedClock


def test_the_market_gate_is_the_newest(client):
    found = client.get("/api/kr/market-gate").json()
    models.Gate.model_validate(found)
    assert (found["session"], found["level"], found["status"]) == ("2026-02-04", 61.4, "YELLOW")
    assert found["sectors"] == client.get("/api/kr/market-gate/sectors").json()
    assert found["sectors"][0]["name"] == "전기전자"


def test_the_history_has_one_gate_a_session_newest_first(client):
    found = client.get("/api/kr/market-gate/history").json()
    TypeAdapter(list[models.Gate]).validate_python(found)
    assert [(g["session"], g["level"]) for g in found] == [("2026-02-04", 61.4), ("2026-02-03", 55)]
    earlier = client.get("/api/kr/market-gate/history?before=2026-02-04").json()
    assert [g["session"] for g in earlier] == ["2026-02-03"]


@pytest.mark.parametrize(
    ("query", "tickers"),
    [
        ("", [SPLIT, SAMSUNG, HALTED]),
        ("q=0059", [SAMSUNG]),
        ("q=하이닉", [SPLIT]),
        ("q=sk", [SPLIT]),
        ("q=%25", []),
        ("market=KOSDAQ", [HALTED]),
        ("sector=전기전자", [SPLIT, SAMSUNG]),
    ],
)
def test_stocks_are_found_by_ticker_and_name(client, query, tickers):
    found = client.get(f"/api/kr/stocks?{query}").json()
    TypeAdapter(list[models.StockFound]).validate_python(found)
    assert [one["ticker"] for one in found] == tickers


def test_the_search_is_paged(client):
    first = client.get("/api/kr/stocks?limit=2")
    second = client.get(first.links["next"]["url"])
    assert [one["ticker"] for one in first.json() + second.json()] == [SPLIT, SAMSUNG, HALTED]


def test_a_stock_has_its_last_bar(client):
    assert client.get(f"/api/kr/stocks/{SAMSUNG}").json() == {
        "ticker": SAMSUNG,
        "name": "삼성전자",
        "market": "KOSPI",
        "sector": "전기전자",
        "kind": "common",
        "flags": [],
        "current_price": 72_600,
        "price_change": 300,
        "price_change_pct": 0.4149,
        "volume": 1000,
        "market_cap": 72_600_000_000,
        "session": "2026-02-04",
        "updated_at": "2026-02-04T15:44:00+09:00",
    }
    assert client.get(f"/api/kr/stocks/{HALTED}").json()["flags"] == ["warning"]
    assert client.get("/api/kr/stocks/999999").status_code == 404


def test_a_chart_is_on_todays_scale_unless_asked_otherwise(client):
    adjusted = client.get(f"/api/kr/stocks/{SPLIT}/chart").json()
    models.Chart.model_validate(adjusted)
    assert [(p["close"], p["volume"]) for p in adjusted["data"]] == [
        (100_000, 1000),
        (100_000, 1000),
        (104_000, 500),
    ]
    traded = client.get(f"/api/kr/stocks/{SPLIT}/chart?adjusted=false&days=2").json()
    assert [p["close"] for p in traded["data"]] == [200_000, 104_000]
    assert (traded["period"], traded["total_points"]) == ("2d", 2)


def test_a_halted_session_has_a_close_and_no_other_price(client):
    point = client.get(f"/api/kr/stocks/{HALTED}/chart?days=1").json()["data"][0]
    assert point == {
        "date": "2026-02-04",
        "open": None,
        "high": None,
        "low": None,
        "close": 41_000,
        "volume": 0,
    }


def test_net_buying_is_the_newest_revision_and_missing_is_null(client):
    found = client.get(f"/api/kr/stocks/{SAMSUNG}/flow").json()
    models.Flow.model_validate(found)
    assert [(p["date"], p["foreign_net_amount"]) for p in found["data"]] == [
        ("2026-02-02", 9_000_000),
        ("2026-02-03", None),
    ]
    assert found["smartmoney_score"] == 63.33  # 19 of 30
    assert client.get(f"/api/kr/stocks/{SAMSUNG}/flow?days=1").json()["data"] == []


def test_scans_are_listed_newest_first(client):
    found = client.get("/api/kr/scans").json()
    TypeAdapter(list[models.Scan]).validate_python(found)
    assert [one["scanner"] for one in found] == [
        "market_gate",
        "market_gate",
        "closing_bet",
        "daytrading",
        "vcp",
        "closing_bet",  # of the session before
    ]
    assert found[0]["run_url"] == "http://127.0.0.1:4200/runs/flow-run/0195b7f1"
    assert len(client.get("/api/kr/scans?scanner=vcp").json()) == 1


AT = {
    "that evening": (datetime(2026, 2, 4, 20, 0, tzinfo=SEOUL), "healthy", 0),
    "next morning": (datetime(2026, 2, 5, 9, 30, tzinfo=SEOUL), "healthy", 0),
    "next day just after the close": (datetime(2026, 2, 5, 16, 0, tzinfo=SEOUL), "healthy", 1),
    "next evening": (datetime(2026, 2, 5, 22, 0, tzinfo=SEOUL), "degraded", 1),
}


@pytest.mark.parametrize("moment", AT)
def test_a_scan_is_stale_when_a_later_session_is_overdue(postgres_url, moment):
    now, status, behind = AT[moment]
    clock = FixedClock(now)
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database, clock=clock) as served, served.client() as client:
            found = client.get("/health").json()
    models.Health.model_validate(found)
    assert found["status"] == status
    assert found["checks"]["last_scan"]["vcp"]["sessions_behind"] == behind
    assert found["checks"]["notifier"] == "ok"
    assert list(found["checks"]["sources"]) == ["sample"]


def test_a_sunday_is_not_stale(postgres_url):
    sunday = FixedClock(datetime(2026, 2, 8, 12, 0, tzinfo=SEOUL))
    with emptied(postgres_url) as database:
        publish_everything(database)
        friday = date(2026, 2, 6)
        for scanner in ("vcp", "daytrading", "closing_bet"):
            publish(database, scanner, friday)
        publish_gate(database, friday)
        with serving(database, clock=sunday) as served, served.client() as client:
            assert client.get("/health").json()["status"] == "healthy"


def test_probes_answer_without_a_key(client):
    assert client.get("/health/live").json() == {"status": "alive"}
    assert client.get("/health/ready").json() == {"status": "ready"}


def test_metrics_name_what_happened(client):
    client.get("/api/kr/signals")
    text = client.get("/metrics").text
    assert 'closebell_http_requests_total{route="/api/kr/signals",status="200"}' in text
    assert 'closebell_scan_age_seconds{scanner="vcp"}' in text
    assert "closebell_listening 1.0" in text


@pytest.mark.parametrize(
    ("days", "behind", "stale"),
    [(0, 0, False), (1, 1, True)],
    ids=["set up this evening", "set up the evening before"],
)
def test_a_scanner_that_never_scanned_is_told_and_stale_once_one_is_overdue(
    postgres_url, days, behind, stale
):
    thursday = datetime(2026, 2, 5, 22, 0, tzinfo=SEOUL)
    with emptied(postgres_url) as database:
        with database.transaction() as tx:
            tx.runs.add([replace(new_run("vcp", WED), status="failed")])
        with database.connection() as connection:
            begun = {"at": thursday - timedelta(days=days)}
            connection.execute(text("UPDATE scan_runs SET created_at = :at"), begun)
            connection.commit()
        with serving(database, clock=FixedClock(thursday)) as served, served.client() as client:
            found = client.get("/health").json()
            measured = client.get("/metrics").text
    models.Health.model_validate(found)
    scans = found["checks"]["last_scan"]
    assert list(scans) == ["vcp", "daytrading", "closing_bet", "market_gate"]
    for name, scan in scans.items():
        assert scan == {
            "session": None,
            "as_of": None,
            "completed_at": None,
            "age_seconds": None,
            "sessions_behind": behind,
            "stale": stale,
        }
        assert f'closebell_scan_sessions_behind{{scanner="{name}"}} {behind}.0' in measured
    assert found["status"] == ("degraded" if stale else "healthy")


def test_a_database_that_was_never_used_is_healthy(postgres_url):
    evening = FixedClock(datetime(2026, 2, 4, 18, 0, tzinfo=SEOUL))
    with (
        emptied(postgres_url) as database,
        serving(database, clock=evening) as served,
        served.client() as client,
    ):
        found = client.get("/health").json()
    assert found["status"] == "healthy"
    assert {scan["sessions_behind"] for scan in found["checks"]["last_scan"].values()} == {0}


MOMENTS = {
    "/api/kr/signals": ("session", "as_of", "created_at"),
    "/api/kr/signals/005930": ("session", "as_of", "created_at"),
    "/api/kr/market-gate": ("session", "as_of", "updated_at"),
    "/api/kr/market-gate/history": ("session", "as_of", "updated_at"),
    "/api/kr/jongga-v2/latest": ("signal_date",),
    "/api/daytrading/signals": ("generated_at",),
    "/api/kr/stocks/005930": ("updated_at",),
    "/api/kr/stocks/005930/chart": ("date",),
    "/api/kr/stocks/005930/flow": ("date",),
    "/api/kr/scans": ("session", "as_of", "created_at"),
}


def test_whatever_is_told_says_of_when_it_is(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served, served.client() as client:
            for path, names in MOMENTS.items():
                found = client.get(path).json()
                inner = found.get("data", found) if isinstance(found, dict) else found
                rows = inner if isinstance(inner, list) else [inner]
                assert rows, path
                assert all(row[name] for row in rows for name in names), path
            ages = client.get("/health").json()["checks"]["last_scan"].values()
            assert all(age["age_seconds"] >= 0 and age["completed_at"] for age in ages)
