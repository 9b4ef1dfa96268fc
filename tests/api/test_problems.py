"""Errors: each kind has its status, names what is wrong, and shows nothing of the inside."""

from __future__ import annotations

import io
import json
import sys

import pytest
import structlog
from api_server import serving
from databases import emptied

import logs
from api import models
from errors import DatabaseError

MALFORMED = {
    "/api/kr/signals?limit=0": "limit",
    "/api/kr/signals?limit=101": "limit",
    "/api/kr/signals?limit=x": "limit",
    "/api/kr/signals?signal_type=rsi": "signal_type",
    "/api/kr/signals?grade=D": "grade",
    "/api/kr/signals?market=NYSE": "market",
    "/api/kr/signals?min_score=101": "min_score",
    "/api/kr/signals?min_score=nan": "min_score",
    "/api/kr/signals?ticker=5930": "ticker",
    "/api/kr/signals?session=yesterday": "session",
    "/api/kr/signals?as_of=25:00": "as_of",
    "/api/kr/signals?format=xml": "format",
    "/api/kr/signals?cursor=abc": "cursor",
    "/api/kr/signals?cursor=%00": "cursor",
    "/api/kr/signals?unknown=1": "unknown",
    "/api/kr/signals/5930": "ticker",
    "/api/kr/market-gate?x=1": "x",
    "/api/kr/market-gate/history?limit=501": "limit",
    "/api/kr/jongga-v2/latest?limit=1": "limit",
    "/api/daytrading/signals?min_score=106": "min_score",
    "/api/kr/stocks?q=": "q",
    "/api/kr/stocks?q=%00": "q",
    "/api/kr/stocks/005930/chart?days=0": "days",
    "/api/kr/stocks/005930/chart?adjusted=maybe": "adjusted",
    "/api/kr/stocks/005930/flow?days=251": "days",
    "/api/kr/scans?scanner=rsi": "scanner",
    "/health?x=1": "x",
}


@pytest.mark.parametrize("address", MALFORMED)
def test_a_wrong_or_unknown_parameter_is_named(client, address):
    answer = client.get(address)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    models.Problem.model_validate(found)
    assert [wrong["parameter"] for wrong in found["errors"]] == [MALFORMED[address]]
    assert found["type"] == "urn:closebell:problem:invalid-parameter"


@pytest.mark.parametrize(
    ("method", "address", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/api/kr/signals/", 404, "not-found"),
        ("HEAD", "/api/kr/scans", 405, "method-not-allowed"),
        ("GET", "/api/kr/stocks/999999", 404, "not-found"),
        ("POST", "/api/kr/signals", 405, "method-not-allowed"),
        ("DELETE", "/api/kr/signals", 405, "method-not-allowed"),
        ("GET", "/api/kr/signals?" + "x" * 5000, 414, "uri-too-long"),
    ],
)
def test_each_kind_of_error_has_its_own_status_and_type(client, method, address, status, kind):
    answer = client.request(method, address)
    assert answer.status_code == status
    if method != "HEAD":
        assert answer.json()["type"] == f"urn:closebell:problem:{kind}"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_health_may_be_asked_for_without_its_body(client):
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_large_body_is_refused_whether_announced_or_not(client):
    announced = client.post("/session", content=b"x" * 20_000)
    dripped = client.post("/session", content=(b"x" * 1000 for _ in range(20)))
    assert (announced.status_code, dripped.status_code) == (413, 413)


def test_a_request_id_is_taken_over_only_when_it_is_plain(client):
    kept = client.get("/health/live", headers={"X-Request-ID": "abc-123"})
    assert kept.headers["x-request-id"] == "abc-123"
    forged = client.get("/health/live", headers={"X-Request-ID": "a b"})
    assert forged.headers["x-request-id"] != "a b"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ValueError("secret of the inside"), 500, "internal"),
        (DatabaseError("secret of the inside"), 503, "database-refused"),
        (KeyError("secret of the inside"), 500, "internal"),
    ],
)
def test_what_went_wrong_inside_goes_to_the_log_and_not_to_the_client(
    postgres_url, monkeypatch, error, status, kind
):
    from db.repositories.gates import Gates

    def broken(*_args: object) -> None:
        raise error

    monkeypatch.setattr(Gates, "get", broken)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    logs.configure("info")
    try:
        with emptied(postgres_url) as database, serving(database) as served:
            with served.client() as client:
                answer = client.get("/api/kr/market-gate", headers={"X-Request-ID": "look-me-up"})
            assert served.database.checked_out == 0
    finally:
        structlog.reset_defaults()
    told = [json.loads(line) for line in sys.stderr.getvalue().splitlines()]
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, kind)
    assert "secret" not in answer.text
    logged = [line for line in told if line.get("request_id") == "look-me-up"]
    assert "secret of the inside" in str(logged)
