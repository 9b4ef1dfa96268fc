"""The lists of signals: what they hold, how they are narrowed, how they are paged."""

from __future__ import annotations

import io

import polars as pl
import pytest
from api_market import HALTED, SAMSUNG, SPLIT
from databases import emptied
from pydantic import TypeAdapter

from api import models

SIGNALS = TypeAdapter(list[models.Signal])


def test_the_newest_signals_come_best_first_with_every_field(client):
    answer = client.get("/api/kr/signals")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    SIGNALS.validate_python(found)
    shares = [one["score"] / one["out_of"] for one in found]
    assert [round(share, 4) for share in shares] == [0.52] * 3 + [0.51] * 3 + [0.5] * 3
    # On equal shares the larger scale first.
    assert [one["signal_type"] for one in found[:3]] == ["daytrading", "vcp", "closing_bet"]
    first = next(one for one in found if one["signal_type"] == "vcp" and one["ticker"] == SPLIT)
    assert first == {
        "id": first["id"],
        "ticker": SPLIT,
        "name": "SK하이닉스",
        "market": "KOSPI",
        "signal_type": "vcp",
        "score": 51.0,
        "out_of": 100.0,
        "grade": "A",
        "session": "2026-02-04",
        "as_of": "close",
        "preliminary": False,
        "change": "new",
        "entry_price": 10_001,
        "target_price": 11_600,
        "stop_price": None,
        "status": "open",
        "reasons": ["3 contractions: 12.1 %"],
        "parts": {
            "trend": {"points": 20.0, "out_of": 20.0},
            "smart_money": {"points": 19.0, "out_of": 30.0},
            "gates": {"pattern": True},
        },
        "flags": [],
        "market_cap": None,
        "value20": 5_000_000_001,
        "net_buying_session": "2026-02-02",
        "created_at": first["created_at"],
    }
    assert first["created_at"].endswith("+09:00")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("signal_type=vcp", 3),
        ("signal_type=vcp&signal_type=daytrading", 6),
        ("signal_type=vcp,closing_bet", 6),
        ("status=watch", 3),
        ("status=open,watch", 6),
        ("status=filled", 2),
        ("status=expired", 1),
        ("status=withdrawn", 0),
        ("grade=S", 3),
        ("grade=S,A", 6),
        ("market=KOSDAQ", 3),
        ("market=KOSPI", 6),
        ("min_score=51", 6),
        ("min_score=51.5", 3),
        ("min_score=100", 0),
        (f"ticker={SAMSUNG}", 3),
        ("session=2026-02-04", 9),
        ("session=2026-02-03", 4),
        ("as_of=close", 9),
        ("as_of=final", 0),
        ("limit=4", 4),
        ("signal_type=vcp&grade=A&market=KOSPI", 1),
    ],
)
def test_each_filter_narrows_the_list(client, query, count):
    answer = client.get(f"/api/kr/signals?{query}")
    assert answer.status_code == 200
    assert len(answer.json()) == count


def test_pages_hold_every_signal_once_and_in_the_same_order(client):
    whole = client.get("/api/kr/signals?limit=100").json()
    assert len(whole) == 9
    for size in (1, 2, 4, 9):
        paged, address = [], f"/api/kr/signals?limit={size}"
        while address:
            answer = client.get(address)
            paged += answer.json()
            address = answer.links.get("next", {}).get("url")
        assert paged == whole


def test_the_next_page_keeps_the_filters(client):
    answer = client.get("/api/kr/signals?limit=1&signal_type=vcp&grade=S,A")
    following = client.get(answer.links["next"]["url"])
    assert [one["grade"] for one in answer.json() + following.json()] == ["S", "A"]
    assert "next" not in following.links


def test_csv_and_arrow_hold_the_same_rows(client):
    rows = client.get("/api/kr/signals").json()
    csv = client.get("/api/kr/signals?format=csv")
    arrow = client.get("/api/kr/signals?format=arrow")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"
    one = pl.read_csv(io.BytesIO(csv.content), schema_overrides={"ticker": pl.String})
    two = pl.read_ipc_stream(io.BytesIO(arrow.content))
    for frame in (one, two):
        assert frame.columns == list(rows[0])
        for name in ("id", "ticker", "score", "entry_price", "stop_price", "name"):
            assert frame[name].to_list() == [row[name] for row in rows]


def test_a_stocks_signals_come_newest_first(client):
    found = client.get(f"/api/kr/signals/{SAMSUNG}").json()
    SIGNALS.validate_python(found)
    assert {one["ticker"] for one in found} == {SAMSUNG}
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    pages = client.get(f"/api/kr/signals/{SAMSUNG}?limit=2")
    rest = client.get(pages.links["next"]["url"])
    assert pages.json() + rest.json() == found


def test_a_known_stock_without_signals_has_an_empty_list_and_an_unknown_one_none(client):
    assert client.get(f"/api/kr/signals/{HALTED}?signal_type=vcp&status=expired").json() == []
    unknown = client.get("/api/kr/signals/999999")
    assert unknown.status_code == 404


def test_closing_bets_have_the_old_shape(client):
    found = client.get("/api/kr/jongga-v2/latest").json()
    TypeAdapter(list[models.JonggaSignal]).validate_python(found)
    assert len(found) == 3
    assert found[0] | {"ticker": "", "name": ""} == {
        "ticker": "",
        "name": "",
        "signal_type": "JONGGA_V2",
        "score": {
            "total": 6.24,
            "news": None,
            "volume": 3.0,
            "chart": 2.0,
            "candle": 1.0,
            "period": 0.0,
            "flow": 2.0,
        },
        "grade": "S",
        "entry_price": 10_002,
        "target_price": 11_600,
        "stop_loss": 9_200,
        "position_size": 12.0,
        "reasons": ["3 contractions: 12.1 %"],
        "signal_date": "2026-02-04",
    }


def test_day_trades_have_the_old_shape(client):
    found = client.get("/api/daytrading/signals").json()
    models.Daytrading.model_validate(found)
    assert found["success"] is True
    assert found["data"]["count"] == 3
    best = found["data"]["signals"][0]
    assert (best["grade"], best["signal_type"], best["score"]) == ("S", "STRONG_BUY", 54.6)
    assert [check["name"] for check in best["checks"]] == [
        "volume",
        "momentum",
        "box",
        "average5",
        "net_buying",
        "rebound",
        "sector",
    ]
    assert best["checks"][4] == {"name": "net_buying", "status": "missing", "points": None}


@pytest.mark.parametrize(
    ("query", "count"),
    [("min_score=54", 1), ("min_score=105", 0), ("market=KOSDAQ", 1), ("limit=2", 2)],
)
def test_day_trades_are_narrowed(client, query, count):
    data = client.get(f"/api/daytrading/signals?{query}").json()["data"]
    assert (data["count"], len(data["signals"])) == (count, count)


def test_before_any_scan_lists_are_empty_and_the_gate_is_not_found(postgres_url):
    from api_server import serving

    with emptied(postgres_url) as database, serving(database) as fresh, fresh.client() as empty:
        assert empty.get("/api/kr/signals").json() == []
        assert empty.get("/api/kr/jongga-v2/latest").json() == []
        assert empty.get("/api/daytrading/signals").json()["data"] == {
            "signals": [],
            "count": 0,
            "generated_at": None,
        }
        for path in ("/api/kr/market-gate", "/api/kr/market-gate/sectors"):
            assert empty.get(path).status_code == 404
        assert empty.get("/api/kr/market-gate/history").json() == []
