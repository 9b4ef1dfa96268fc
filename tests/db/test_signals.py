"""Publishing signals and gates: again and again, one session or many, the same rows."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import psycopg
import pytest
from databases import emptied

from db.repositories.runs import NewRun

MON, TUE, WED = date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4)
SCHEMA = {
    "session": pl.Date,
    "ticker": pl.String,
    "scanner": pl.String,
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


@pytest.fixture(params=["embedded", pytest.param("debian", marks=pytest.mark.system)])
def url(request):
    name = {"embedded": "postgres_url", "debian": "debian_postgres_url"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def store(url):
    with emptied(url) as database:
        yield database


def signal(session, ticker, grade="A", score=70.0, **more):
    return {
        "session": session,
        "ticker": ticker,
        "scanner": "vcp",
        "score": score,
        "out_of": 100.0,
        "grade": grade,
        "entry": 10_000,
        "target": 11_600,
        "stop": 9_200,
        "parts": json.dumps({"trend": {"points": 20.0, "out_of": 20.0}}),
        "reasons": ['거래량 "감소", 5일'],
        "flags": ["warning"],
        "close": 10_000,
        "change": 0.0125,
        "value20": 1.5e9,
        **more,
    }


def frame(*signals):
    return pl.DataFrame(list(signals), schema=SCHEMA)


def run(session, slot="close", status="completed", scanner="vcp"):
    return NewRun(
        scanner=scanner,
        session=session,
        slot=slot,
        status=status,
        rules_hash="r",
        rules_version="1",
        source="sample",
        scanned=3,
        grades={"A": 1},
        left_out={"young": 2},
        seconds=0.5,
    )


def publish(store, sessions, signals, slot="close", **more):
    with store.transaction() as tx:
        runs = dict(zip(sessions, tx.runs.add([run(s, slot) for s in sessions]), strict=True))
        done = tx.signals.replace("vcp", slot, runs, signals, **{"rules_hash": "r", **more})
    return (done.new, done.changed, done.withdrawn, done.unchanged)


def rows(url, columns="ticker, status, grade, change"):
    with psycopg.connect(url) as connection:
        query = psycopg.sql.SQL("SELECT {} FROM signals ORDER BY session, ticker").format(
            psycopg.sql.SQL(columns)
        )
        return connection.execute(query).fetchall()


def changes(url, session, slot):
    chosen = [
        row[2:] for row in rows(url, "session, as_of, ticker, change") if row[:2] == (session, slot)
    ]
    return dict(chosen)


def everything(url):
    return rows(url, "signals::text, xmin::text")


def test_what_is_published_is_read_back(store):
    publish(store, [MON], frame(signal(MON, "000001", market_cap=5, net_buying_session=MON)))
    with store.reader() as tx:
        [found] = tx.signals.find().to_dicts()
    expected = {
        "scanner": "vcp",
        "session": MON,
        "as_of": "close",
        "ticker": "000001",
        "score": 70.0,
        "out_of": 100.0,
        "grade": "A",
        "entry": 10_000,
        "target": 11_600,
        "stop": 9_200,
        "close": 10_000,
        "day_change": 0.0125,
        "value20": 1_500_000_000,
        "market_cap": 5,
        "net_buying_session": MON,
        "position_size": None,
        "status": "open",
        "change": "new",
        "name": None,
    }
    assert {key: found[key] for key in expected} == expected
    assert json.loads(found["reasons"]) == ['거래량 "감소", 5일']
    assert json.loads(found["flags"]) == ["warning"]
    assert json.loads(found["parts"]) == {"trend": {"points": 20.0, "out_of": 20.0}}


def test_an_identical_result_writes_no_signal(store, url):
    signals = frame(signal(MON, "000001"), signal(MON, "000002"))
    assert publish(store, [MON], signals) == (2, 0, 0, 0)
    before = everything(url)
    assert publish(store, [MON], signals, rules_hash="another") == (0, 0, 0, 2)
    rounding = signals.with_columns(pl.col("score") * (1 + 1e-12))
    assert publish(store, [MON], rounding) == (0, 0, 0, 2)
    assert everything(url) == before


def test_a_signal_keeps_its_id_when_it_changes_and_goes_and_comes_back(store, url):
    publish(store, [MON], frame(signal(MON, "000001")))
    before = rows(url, "id")
    assert publish(store, [MON], frame(signal(MON, "000001", "S", 85.0))) == (0, 1, 0, 0)
    assert publish(store, [MON], frame()) == (0, 0, 1, 0)
    assert rows(url, "status, grade") == [("withdrawn", "S")]
    assert publish(store, [MON], frame()) == (0, 0, 0, 0)
    assert publish(store, [MON], frame(signal(MON, "000001", "S", 85.0))) == (0, 1, 0, 0)
    assert rows(url, "status, grade") == [("open", "S")]
    assert rows(url, "id") == before


@pytest.mark.parametrize("outcome", ["filled", "target", "stopped", "expired"])
def test_what_later_steps_recorded_stays(store, url, outcome):
    publish(store, [MON], frame(signal(MON, "000001")))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE signals SET status = %s", [outcome])
    assert publish(store, [MON], frame()) == (0, 0, 0, 0)
    assert publish(store, [MON], frame(signal(MON, "000001", "B", 55.0))) == (0, 1, 0, 0)
    assert rows(url, "status, grade") == [(outcome, "B")]


def test_only_the_given_sessions_and_slot_are_touched(store, url):
    publish(store, [MON, TUE], frame(signal(MON, "000001"), signal(TUE, "000001")))
    publish(store, [MON], frame(signal(MON, "000009")), slot="15:12")
    assert publish(store, [TUE], frame(signal(MON, "000005"))) == (0, 0, 1, 0)
    assert rows(url, "session, as_of, ticker, status") == [
        (MON, "close", "000001", "open"),
        (MON, "15:12", "000009", "open"),
        (TUE, "close", "000001", "withdrawn"),
    ]


def test_a_signal_is_compared_with_the_session_scanned_before(store, url):
    publish(store, [MON], frame(*(signal(MON, f"00000{n}", "A") for n in (1, 2, 3))))
    tuesday = [signal(TUE, "000001", "S"), signal(TUE, "000002"), signal(TUE, "000003", "B")]
    publish(store, [TUE], frame(*tuesday, signal(TUE, "000004")))
    assert rows(url, "ticker, change")[3:] == [
        ("000001", "upgraded"),
        ("000002", "carried"),
        ("000003", "downgraded"),
        ("000004", "new"),
    ]


def test_a_session_scanned_later_in_between_changes_what_follows_it(store, url):
    publish(store, [MON], frame(signal(MON, "000001", "A")))
    publish(store, [WED], frame(signal(WED, "000001", "A")))
    assert rows(url, "change") == [("new",), ("carried",)]
    publish(store, [TUE], frame(signal(TUE, "000001", "B")))
    assert rows(url, "change") == [("new",), ("downgraded",), ("upgraded",)]
    publish(store, [TUE], frame())
    assert rows(url, "change") == [("new",), ("downgraded",), ("new",)]


def test_many_sessions_at_once_give_what_one_after_the_other_gives(store, url):
    days = [MON, TUE, WED]
    signals = frame(
        *(
            signal(day, f"00000{n}", "SAB"[(n + i) % 3])
            for i, day in enumerate(days)
            for n in (1, 2)
        )
    )
    for day in days:
        publish(store, [day], signals)
    single = rows(url)
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE signals, scan_runs CASCADE")
    assert publish(store, days, signals) == (6, 0, 0, 0)
    assert rows(url) == single


def test_the_first_final_list_follows_the_best_list_of_the_session_before(store, url):
    publish(store, [MON, TUE], frame(signal(MON, "000001"), signal(TUE, "000001")))  # a back-fill
    publish(store, [WED], frame(signal(WED, "000001")))
    wednesday = frame(signal(WED, "000001", "S"), signal(WED, "000002"))
    publish(store, [WED], wednesday, slot="final")
    assert changes(url, WED, "final") == {"000001": "upgraded", "000002": "new"}
    publish(store, [TUE], frame(signal(TUE, "000001", "S"), signal(TUE, "000002")), slot="final")
    assert changes(url, TUE, "final") == {"000001": "upgraded", "000002": "new"}
    assert changes(url, WED, "final") == {"000001": "carried", "000002": "carried"}
    assert changes(url, WED, "close") == {"000001": "carried"}  # with Tuesday's close, as before


def test_a_session_without_a_final_list_is_not_skipped_over(store, url):
    publish(store, [MON], frame(signal(MON, "000001")), slot="final")
    publish(store, [TUE], frame(signal(TUE, "000001", "B"), signal(TUE, "000002")))
    publish(store, [WED], frame(signal(WED, "000001"), signal(WED, "000002")), slot="final")
    assert changes(url, TUE, "close") == {"000001": "downgraded", "000002": "new"}
    assert changes(url, WED, "final") == {"000001": "upgraded", "000002": "carried"}
    publish(store, [TUE], frame(signal(TUE, "000001", "B")))
    assert changes(url, WED, "final") == {"000001": "upgraded", "000002": "new"}


def test_the_newest_slot_of_the_newest_session_is_shown_even_when_it_is_empty(store):
    publish(store, [MON], frame(signal(MON, "000001")))
    publish(store, [TUE], frame(signal(TUE, "000002")), slot="15:12")
    publish(store, [TUE], frame(signal(TUE, "000003")), slot="close")
    with store.transaction() as tx:
        assert tx.signals.find()["ticker"].to_list() == ["000003"]
        tx.runs.add([run(WED, status="failed")])
        assert tx.signals.find()["ticker"].to_list() == ["000003"]
        tx.runs.add([run(WED)])
        assert tx.signals.find()["ticker"].to_list() == []
        assert tx.signals.find(session=TUE, slot="15:12")["ticker"].to_list() == ["000002"]
        assert tx.runs.newest_session("vcp", "close") == WED


def test_the_best_come_first_and_withdrawn_ones_only_when_asked_for(store):
    publish(store, [MON], frame(signal(MON, "000003", "B", 50.0)))
    publish(
        store,
        [MON],
        frame(
            signal(MON, "000001", score=70.0, value20=1e9),
            signal(MON, "000002", score=90.0),
            signal(MON, "000004", score=70.0, value20=2e9),
        ),
    )
    with store.reader() as tx:
        assert tx.signals.find()["ticker"].to_list() == ["000002", "000004", "000001"]
        assert "000003" in tx.signals.find(withdrawn=True)["ticker"]


def test_a_signal_carries_the_name_of_its_session(store):
    observed = {"market": "KOSPI", "kind": "common", "sector": None, "ticker": "000001"}
    publish(store, [MON, TUE], frame(signal(MON, "000001"), signal(TUE, "000001")))
    with store.transaction() as tx:
        tx.instruments.observe(
            pl.DataFrame(
                [
                    {**observed, "session": MON, "name": "옛이름"},
                    {**observed, "session": TUE, "name": "새이름"},
                ],
                schema_overrides={"sector": pl.String},
            )
        )
        assert tx.signals.find(ticker="000001")["name"].to_list() == ["새이름", "옛이름"]


def statements(store, count):
    """How many statements publishing that many stocks takes."""
    from sqlalchemy import event

    seen: list[str] = []
    signals = frame(*(signal(MON, f"{n:06d}") for n in range(count)))
    listen = (store._engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    event.listen(*listen)
    publish(store, [MON], signals)
    event.remove(*listen)
    return len(seen)


def test_publishing_takes_as_many_statements_for_one_stock_as_for_two_thousand(store):
    assert statements(store, 1) == statements(store, 2000) < 20


GATE = {
    "level": 55.5,
    "status": "YELLOW",
    "kospi_status": "GREEN",
    "kosdaq_status": None,
    "kospi_close": 2600.5,
    "kospi_change_pct": 0.4,
    "kosdaq_close": None,
    "kosdaq_change_pct": None,
    "sectors": json.dumps([{"name": "철강", "signal": "bullish"}]),
    "parts": "{}",
}


def gates(*sessions, **more):
    schema = {"kosdaq_status": pl.String, "kosdaq_close": pl.Float64}
    return pl.DataFrame(
        [{**GATE, **more, "session": s} for s in sessions],
        schema_overrides={**schema, "kosdaq_change_pct": pl.Float64, "status": pl.String},
    )


def publish_gates(store, sessions, found, slot="close"):
    with store.transaction() as tx:
        ids = tx.runs.add([run(s, slot, scanner="market_gate") for s in sessions])
        runs = dict(zip(sessions, ids, strict=True))
        return tx.gates.replace(slot, runs, found, rules_hash="r")


def test_a_gate_is_written_once_and_changed_in_place(store):
    assert publish_gates(store, [MON, TUE], gates(MON, TUE)).new == 2
    assert publish_gates(store, [MON, TUE], gates(MON, TUE)).unchanged == 2
    assert publish_gates(store, [TUE], gates(MON, TUE, level=71.0, status="GREEN")).changed == 1
    with store.reader() as tx:
        newest, monday = tx.gates.get(), tx.gates.get(MON)
    assert (newest["session"], newest["level"], newest["status"]) == (TUE, 71.0, "GREEN")
    assert newest["sectors"] == [{"name": "철강", "signal": "bullish"}]
    assert (monday["status"], monday["kosdaq_close"]) == ("YELLOW", None)


def test_the_last_colour_is_of_the_newest_earlier_session_that_has_one(store):
    with store.reader() as tx:
        assert tx.gates.last_status_before(WED, "close") is None
    publish_gates(store, [MON], gates(MON, status="RED"))
    publish_gates(store, [MON], gates(MON, status="GREEN"), slot="15:12")
    publish_gates(store, [TUE], gates(TUE, status=None))
    with store.reader() as tx:
        assert tx.gates.last_status_before(WED, "close") == "RED"
        assert tx.gates.last_status_before(WED, "15:12") == "GREEN"
        assert tx.gates.last_status_before(MON, "close") is None
