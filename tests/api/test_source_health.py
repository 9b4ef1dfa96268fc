"""What /health and /metrics say of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from api_market import publish_everything
from api_server import serving
from databases import emptied

from api import models
from api.keys import make_key
from db.database import Database
from db.guards import StoredGuards


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with emptied(postgres_url) as opened:
        publish_everything(opened)
        guards = StoredGuards(opened)
        for retry in (False, False, True):
            guards.reserve("kiwoom ka20002", per_second=1000, burst=1, longest=9, retry=retry)
            guards.reserve("kiwoom", per_second=1000, burst=5, longest=9, retry=retry)
        permit, _ = guards.enter("dart", probe_for=5)
        guards.failed("dart", permit, threshold=1, cool_down=60, reason="dart list.json: HTTP 503")
        with opened.transaction() as tx:
            tx.sources.configured("krx", "CLOSEBELL_KRX_AUTH_KEY")
            tx.sources.succeeded("kiwoom")
            tx.sources.succeeded("dart", covers_from=date(2026, 2, 1), covers_to=date(2026, 2, 6))
            tx.sources.failed("dart", "dart list.json: HTTP 503, 4 attempts in 9.1 s")
        yield opened


@pytest.fixture
def client(database: Database) -> Iterator[httpx.Client]:
    with serving(database) as served, served.client() as opened:
        yield opened


def test_health_tells_of_every_source_and_is_degraded_by_one(client: httpx.Client) -> None:
    found = client.get("/health").json()
    models.Health.model_validate(found)
    sources = found["checks"]["sources"]
    assert {name: one["state"] for name, one in sources.items()} == {
        "dart": "degraded",
        "kiwoom": "ok",
        "krx": "not configured",
        "sample": "ok",
    }
    assert found["status"] == "degraded"
    kiwoom = sources["kiwoom"]
    assert (kiwoom["calls"], kiwoom["retries"], kiwoom["breaker"]) == (3, 1, "closed")
    assert sources["krx"]["missing"] == "CLOSEBELL_KRX_AUTH_KEY"
    assert sources["dart"]["last_error"] == "dart list.json: HTTP 503, 4 attempts in 9.1 s"
    assert sources["dart"]["last_success"] < sources["dart"]["last_failure"]
    assert sources["dart"]["breaker"] == "open"


def test_metrics_tell_of_every_source(client: httpx.Client) -> None:
    lines = set(client.get("/metrics").text.splitlines())
    assert {
        'closebell_source_degraded{source="dart"} 1.0',
        'closebell_source_degraded{source="kiwoom"} 0.0',
        'closebell_source_configured{source="krx"} 0.0',
        'closebell_source_breaker_open{source="dart"} 1.0',
        'closebell_source_calls{source="kiwoom"} 3.0',
        'closebell_source_retries{source="kiwoom"} 1.0',
    } <= lines
    assert any(
        line.startswith('closebell_source_last_success_timestamp_seconds{source="dart"}')
        for line in lines
    )


def test_what_a_source_said_is_told_only_to_who_may_read(database: Database) -> None:
    key, other = make_key(), make_key()
    with database.transaction() as tx:
        tx.keys.add(key.id, "reader", ["read"], key.secret_hash)
        tx.keys.add(other.id, "prometheus", ["metrics"], other.secret_hash)
    with serving(database) as served, served.client() as client:

        def said(headers: dict[str, str]) -> tuple[str, str | None, str | None]:
            found = client.get("/health", headers=headers).json()
            models.Health.model_validate(found)
            dart, krx = (found["checks"]["sources"][name] for name in ("dart", "krx"))
            return dart["state"], dart["last_error"], krx["missing"]

        words = "dart list.json: HTTP 503, 4 attempts in 9.1 s"
        assert said({"X-API-Key": key.text}) == ("degraded", words, "CLOSEBELL_KRX_AUTH_KEY")
        for stranger in ({}, {"X-API-Key": "cb_wrong"}, {"X-API-Key": other.text}):
            assert said(stranger) == ("degraded", None, None)
        client.post("/session", json={"key": key.text})
        assert said({})[1] == words
