"""What became of signals, as the API tells it: percent, and null where nothing is known."""

from __future__ import annotations

import httpx
from api_market import HALTED, SAMSUNG, TUE, WED, fill, publish
from api_server import serving
from databases import emptied


def test_performance_says_at_its_top_what_the_data_lack(client: httpx.Client) -> None:
    found = client.get("/api/kr/performance").json()
    assert found["period"] == "all"
    assert found["settled_to"] == str(WED)
    assert "too short to tell" in found["survivorship"]
    assert found["delisted_held"] is None
    assert {group["signal_type"] for group in found["groups"]} == {
        "vcp",
        "daytrading",
        "closing_bet",
    }


def test_performance_is_narrowed_down(client: httpx.Client) -> None:
    path = "/api/kr/performance?signal_type=closing_bet&grade=all,B&market_gate=all"
    groups = client.get(path).json()["groups"]
    assert [(g["grade"], g["market_gate"]) for g in groups] == [("all", "all"), ("B", "all")]
    assert groups[0]["small_sample"] is True
    assert [after["sessions"] for after in groups[0]["after"]] == [1, 5, 20]
    assert groups[0]["after"][2] == {
        "sessions": 20,
        "count": 0,
        "mean_pct": None,
        "median_pct": None,
        "market_pct": None,
        "edge_pct": None,
    }


def test_a_year_without_signals_is_a_problem(client: httpx.Client) -> None:
    answer = client.get("/api/kr/performance?period=1999")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert client.get("/api/kr/performance?period=soon").status_code == 422
    assert client.get("/api/kr/performance?grade=D").status_code == 422


def test_who_has_the_figures_gets_304(client: httpx.Client) -> None:
    for path in ("/api/kr/performance", f"/api/kr/stocks/{SAMSUNG}/signals"):
        tag = client.get(path).headers["etag"]
        again = client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


def test_a_stocks_signals_carry_what_became_of_them(client: httpx.Client) -> None:
    found = client.get(f"/api/kr/stocks/{SAMSUNG}/signals?signal_type=closing_bet").json()
    newest = found[0]
    assert (newest["session"], newest["status"]) == (str(WED), "filled")
    outcome = newest["outcome"]
    assert (outcome["filled_session"], outcome["filled_price"]) == (str(WED), 72_600)
    assert outcome["open_return_pct"] == 0
    assert outcome["net_return_pct"] is None
    assert outcome["steps"] == [
        {
            "session": str(WED),
            "from_status": "open",
            "status": "filled",
            "reason": None,
            "price": 72_600,
        }
    ]


def test_pages_of_a_stocks_signals_follow_each_other(client: httpx.Client) -> None:
    path = f"/api/kr/stocks/{SAMSUNG}/signals"
    whole = [one["id"] for one in client.get(path).json()]
    first = client.get(f"{path}?limit=1")
    second = client.get(first.links["next"]["url"])
    assert [first.json()[0]["id"], second.json()[0]["id"]] == whole[:2]
    assert client.get(f"{path}?cursor=nonsense").status_code == 422


def test_a_halted_stock_was_not_bought(client: httpx.Client) -> None:
    found = client.get(f"/api/kr/stocks/{HALTED}/signals?signal_type=closing_bet").json()
    assert {(one["outcome"]["status"], one["outcome"]["reason"]) for one in found} == {
        ("expired", "halted")
    }


def test_a_stock_never_seen_is_a_problem(client: httpx.Client) -> None:
    assert client.get("/api/kr/stocks/999999/signals").status_code == 404


def test_of_each_session_only_the_newest_slot_is_told_on_demand(postgres_url: str) -> None:
    with emptied(postgres_url) as database:
        fill(database)
        publish(database, "vcp", TUE)
        for slot in ("10:05", "10:10", "close"):
            publish(database, "vcp", WED, slot=slot)
        publish(database, "daytrading", WED, slot="10:05")
        publish(database, "daytrading", WED, 0, slot="10:10")  # it isn't in the newest list
        with serving(database) as served, served.client() as client:
            path = f"/api/kr/stocks/{SAMSUNG}/signals?slots=newest&limit=2"
            first = client.get(path)
            second = client.get(first.links["next"]["url"])
            every = client.get(f"/api/kr/stocks/{SAMSUNG}/signals").json()
    told = [
        (one["signal_type"], one["session"], one["as_of"]) for one in first.json() + second.json()
    ]
    assert told == [
        ("vcp", str(WED), "close"),
        ("daytrading", str(WED), "10:05"),
        ("vcp", str(TUE), "close"),
    ]
    assert "next" not in second.links
    assert len(every) == 5
