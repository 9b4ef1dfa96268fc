"""Answers are kept until something changes, and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import psycopg
import pytest
from api_market import (
    COLLECTED,
    MON,
    SAMSUNG,
    THU,
    WED,
    fill,
    new_run,
    publish,
    publish_everything,
    publish_gate,
)
from api_server import Served, eventually, serving
from databases import emptied
from sqlalchemy import event

from db import Database
from market.schemas import DailyBars

LISTS = (
    "/api/kr/signals",
    "/api/kr/signals/005930",
    "/api/kr/market-gate",
    "/api/kr/market-gate/history",
    "/api/kr/market-gate/sectors",
    "/api/kr/jongga-v2/latest",
    "/api/daytrading/signals",
    "/api/kr/stocks",
    "/api/kr/stocks/005930",
    "/api/kr/stocks/005930/chart",
    "/api/kr/stocks/005930/flow",
)


@pytest.fixture
def market(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        yield database


@contextmanager
def statements(served: Served) -> Iterator[list[str]]:
    """Every statement that the server sends."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = served.database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_nothing_is_queried_while_nothing_changes(market):
    with serving(market) as served, served.client() as client:
        first = {path: client.get(path) for path in LISTS}
        with statements(served) as seen:
            again = {path: client.get(path) for path in LISTS}
        assert seen == []
        for path in LISTS:
            assert again[path].content == first[path].content
            assert again[path].headers["etag"] == first[path].headers["etag"]


def test_who_has_the_answer_already_gets_304_without_a_body(client):
    for path in (*LISTS, "/api/kr/scans", "/api/kr/signals?format=arrow"):
        etag = client.get(path).headers["etag"]
        for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            answer = client.get(path, headers={"If-None-Match": sent})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_is_seen_by_every_process_at_once(market):
    with (
        serving(market) as one,
        serving(market) as two,
        one.client() as first,
        two.client() as second,
    ):
        before = first.get("/api/kr/signals").headers["etag"]
        assert second.get("/api/kr/signals").headers["etag"] == before
        publish(market, "vcp", WED, 5)
        for client in (first, second):
            eventually(lambda c=client: c.get("/api/kr/signals").headers["etag"] != before)
        assert first.get("/api/kr/signals").content == second.get("/api/kr/signals").content
        assert len(first.get("/api/kr/signals").json()) == 11


def test_a_scan_that_finds_nothing_is_seen_by_every_process(postgres_url):
    with emptied(postgres_url) as market:
        fill(market)
        publish(market, "daytrading", WED, 3, slot="09:05")
        with (
            serving(market) as one,
            serving(market) as two,
            one.client() as first,
            two.client() as second,
        ):
            path = "/api/daytrading/signals"
            assert first.get(path).json()["data"]["count"] == 3
            publish(market, "daytrading", WED, 0, slot="09:10")
            eventually(lambda: first.get(path).json()["data"]["count"] == 0)
            eventually(lambda: second.get(path).json()["data"]["count"] == 0)
            assert first.get("/api/kr/signals").json() == []
            assert first.get(path).content == second.get(path).content


def test_a_day_trade_list_is_of_the_run_that_made_it(postgres_url):
    def made(client, limit):
        return client.get(f"/api/daytrading/signals?limit={limit}").json()["data"]["generated_at"]

    with emptied(postgres_url) as market:
        fill(market)
        publish(market, "daytrading", WED, 3, slot="09:05")
        with serving(market) as served, served.client() as client:
            before = made(client, 1)
            with market.transaction() as tx:
                tx.runs.add([replace(new_run("daytrading", WED, "09:10"), status="failed")])
            publish(market, "daytrading", WED, 3, slot="09:05")  # the same again
            assert made(client, 2) == before
            publish(market, "daytrading", WED, 2, slot="09:05", base=60.0)
            changed = made(client, 3)
            assert changed > before
            publish(market, "daytrading", WED, 1, slot="09:05", base=60.0)  # one is gone
            assert made(client, 4) > changed


def writes() -> dict[str, object]:
    """Everything that changes what the API shows, without a word from whoever does it."""

    def bars(database: Database) -> None:
        with database.transaction() as tx:
            tx.bars.store(
                DailyBars.cast(
                    pl.DataFrame(
                        {
                            "session": [WED],
                            "ticker": [SAMSUNG],
                            "open": [1],
                            "high": [1],
                            "low": [1],
                            "close": [1],
                            "volume": [1],
                            "value": [1],
                            "base": [1],
                            "listed_shares": [1],
                            "market_cap": [1],
                            "adjusted": [False],
                            "source": ["sample"],
                            "collected_at": [COLLECTED],
                        }
                    )
                )
            )

    def name(database: Database) -> None:
        with database.transaction() as tx:
            tx.instruments.observe(
                pl.DataFrame(
                    {
                        "ticker": [SAMSUNG],
                        "session": [MON],
                        "name": ["another name"],
                        "market": ["KOSPI"],
                        "kind": ["common"],
                        "sector": ["x"],
                    }
                )
            )

    def net_buying(database: Database) -> None:
        from api_market import _net_buying

        from market.schemas import NetBuying

        with database.transaction() as tx:
            tx.net_buying.store(NetBuying.cast(_net_buying().with_columns(foreign_won=pl.lit(7))))

    def sector(database: Database) -> None:
        with database.transaction() as tx:
            frame = pl.DataFrame(
                {"ticker": ["035720"], "listed": [None], "delisted": [None], "sector": ["y"]},
                schema_overrides={"listed": pl.Date, "delisted": pl.Date},
            )
            tx.instruments.complete(frame)

    return {
        "bars": bars,
        "instruments": name,
        "sectors": sector,
        "net buying": net_buying,
        "signals": lambda database: publish(database, "vcp", WED, 7, announce=False),
        "withdrawn signals": lambda database: publish(database, "vcp", WED, 0, announce=False),
        "gates": lambda database: publish_gate(database, WED, 12.0),
        "a scan that found nothing": lambda database: publish(
            database, "daytrading", THU, 0, announce=False
        ),
    }


@pytest.mark.parametrize("what", list(writes()))
def test_every_unit_of_work_that_changes_what_is_shown_is_heard_of(market, what):
    with serving(market) as served, served.client() as client:
        before = {path: client.get(path).content for path in LISTS}
        with market.reader() as tx:
            last = tx.events.last_id()
        writes()[what](market)
        with market.reader() as tx:
            assert tx.events.last_id() > last
        eventually(lambda: any(client.get(path).content != before[path] for path in LISTS))


def test_writing_the_same_again_is_no_change(market):
    with market.reader() as tx:
        last = tx.events.last_id()
    fill(market)
    publish(market, "vcp")
    with market.reader() as tx:
        assert tx.events.last_id() == last


def test_nothing_is_kept_while_nobody_listens(market, postgres_url):
    with serving(market) as served, served.client() as client:
        client.get("/api/kr/signals")
        served.loop.call_soon_threadsafe(served.services.notifier._lost)
        eventually(lambda: not served.services.notifier.listening)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("UPDATE signals SET entry = 1")  # by a hand that tells nobody
        assert {one["entry_price"] for one in client.get("/api/kr/signals").json()} == {1}


def test_a_forged_notification_only_wakes(market, postgres_url):
    with serving(market) as served, served.client() as client:
        before = client.get("/api/kr/signals").content
        position = served.services.notifier.position
        with psycopg.connect(served.database.url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify('closebell', '{\"signals\": []}')")
        publish_gate(market, WED, 33.0)
        eventually(lambda: served.services.notifier.position != position)
        assert client.get("/api/kr/signals").content == before
        assert client.get("/api/kr/market-gate").json()["level"] == 33.0
