"""How the dashboard's files are served; what they look like is for tests/browser."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime

import pytest
from api_market import TUE, WED, publish, publish_everything
from api_server import serving
from databases import emptied

from api.dashboard import STATIC, Dashboard
from api.services import RoundTrip
from market.clock import FixedClock

PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def page(client) -> str:
    return str(client.get("/").text)


def named(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)


def test_the_page_allows_nothing_but_its_own_files(client):
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", answer.text)


def test_every_file_the_page_names_is_there_and_kept_for_ever(client, page):
    assert len(named(page)) > 20
    assert not any("/style/" in address or "/views/stock" in address for address in named(page))
    for address in named(page):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_modules_import_only_files_that_are_there(client):
    for file in STATIC.rglob("*.js"):
        if file.parent.name == "vendor":
            continue
        for name in re.findall(r'(?:from|import)\(?\s*"(\.[^"]+)"', file.read_text("utf-8")):
            target = (file.parent / name).resolve()
            assert target.is_file(), f"{file.name}: {name}"
            assert target.is_relative_to(STATIC)


def test_the_page_is_checked_each_time_and_sent_once(client):
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_files_are_compressed_for_those_who_ask(client, page):
    address = next(one for one in named(page) if one.endswith("/words/ko.js"))
    packed = client.get(address)
    plain = client.get(address, headers=PLAIN)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # httpx unpacks
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "accept-encoding" in packed.headers["vary"]


def test_the_first_view_and_the_chart_are_under_300_kilobytes(client, page):
    names = [*named(page), "/"]
    first = sum(int(client.get(name).headers["content-length"]) for name in set(names))
    chart = len(gzip.compress((STATIC / "vendor" / "lightweight-charts.js").read_bytes(), 9))
    assert first < 90_000
    assert first + chart < 300_000


@pytest.mark.parametrize(
    "path",
    [
        "/assets/0000000000000000/app.js",
        "/assets/{version}/nothing.js",
        "/assets/{version}/../__init__.py",
        "/assets/{version}/%2e%2e/__init__.py",
        "/assets/{version}/index.html",
        "/assets/{version}/vendor/lightweight-charts.d.ts",
    ],
)
def test_nothing_else_is_served(client, path):
    answer = client.get(path.format(version=Dashboard().version))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_version_changes_with_any_byte(tmp_path):
    (tmp_path / "index.html").write_text("<p>")
    before = Dashboard(tmp_path).version
    (tmp_path / "app.js").write_text("1")
    between = Dashboard(tmp_path).version
    (tmp_path / "app.js").write_text("2")
    assert len({before, between, Dashboard(tmp_path).version}) == 3


def test_the_chart_library_is_shipped_with_its_licence_and_notice(client):
    version = Dashboard().version
    licence = client.get(f"/assets/{version}/vendor/lightweight-charts.LICENSE.txt").text
    notice = client.get(f"/assets/{version}/vendor/lightweight-charts.NOTICE.txt").text
    assert "Apache License" in licence
    assert "TradingView, Inc. https://www.tradingview.com/" in notice


def test_the_timetable_knows_the_hours_around_now(postgres_url):
    clock = FixedClock(datetime(2026, 2, 4, 3, tzinfo=UTC))

    def costs(session):
        return RoundTrip(0.4 if session == WED else None, 2)

    with (
        emptied(postgres_url) as database,
        serving(database, clock=clock, costs=costs) as served,
        served.client() as client,
    ):
        told = client.get("/api/kr/timetable").json()
    assert told["open"] is True
    assert told["session"] == "2026-02-04"
    assert told["closes_at"] == "2026-02-04T15:30:00+09:00"
    assert told["next_opens_at"] == "2026-02-05T09:00:00+09:00"
    assert told["next"] == [{"flow": "end-of-day", "at": "2026-02-04T15:30:00+09:00"}]
    assert told["closed_today"] is None
    assert {"2026-02-13", "2026-02-19"} <= set(told["sessions"])
    assert "2026-02-17" not in told["sessions"]  # Seollal
    assert (told["round_trip_pct"], told["slippage_ticks"]) == (0.4, 2)


def test_gone_is_what_the_scan_before_had_and_this_one_has_not(postgres_url):
    with emptied(postgres_url) as database:
        publish(database, "vcp", TUE, 5)
        publish(database, "vcp", WED, 3)
        publish(database, "vcp", WED, 4, slot="10:05")
        publish(database, "vcp", WED, 2, slot="10:10")
        with serving(database) as served, served.client() as client:
            path = "/api/kr/signals/gone?signal_type=vcp"
            close = client.get(path).json()
            inside = client.get(f"{path}&as_of=10:10").json()
    assert [(s["ticker"], s["session"]) for s in close] == [
        ("900004", "2026-02-03"),
        ("900003", "2026-02-03"),
    ]
    assert [(s["ticker"], s["as_of"]) for s in inside] == [("900003", "10:05"), ("035720", "10:05")]


def test_the_first_final_list_says_what_is_gone_of_the_close_before(postgres_url):
    with emptied(postgres_url) as database:
        publish(database, "vcp", TUE, 5)
        publish(database, "vcp", WED, 5)
        publish(database, "vcp", WED, 4, slot="final")
        with serving(database) as served, served.client() as client:
            found = client.get("/api/kr/signals/gone?signal_type=vcp").json()
    assert [(s["ticker"], s["session"], s["as_of"]) for s in found] == [
        ("900004", "2026-02-03", "close")
    ]


def test_names_are_found_by_initial_consonants(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served, served.client() as client:

            def found(text: str) -> list[str]:
                answer = client.get("/api/kr/stocks", params={"q": text})
                return [stock["name"] for stock in answer.json()]

            assert found("ㅅㅅㅈㅈ") == ["삼성전자"]
            assert found("하ㅇ") == ["SK하이닉스"]
            assert found("ㅋㅋㅇ") == ["카카오"]
            assert found("ㅎㅎ") == []
