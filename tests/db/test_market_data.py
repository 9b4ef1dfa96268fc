"""Bars, net buying, instruments and news: stored by key, read back as the scanners need them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import permutations

import polars as pl
import psycopg
import pytest
from databases import emptied
from hypothesis import given
from hypothesis import strategies as st

from db.repositories.imports import NewImport
from db.versions import merge_versions
from market.schemas import DailyBars, IndexBars, NetBuying, News

MON, TUE, WED, THU, FRI = (date(2026, 2, day) for day in range(2, 7))
EVENING = datetime(2026, 2, 3, 9, 40, tzinfo=UTC)


@pytest.fixture(params=["embedded", pytest.param("debian", marks=pytest.mark.system)])
def store(request):
    name = {"embedded": "postgres_url", "debian": "debian_postgres_url"}[request.param]
    with emptied(request.getfixturevalue(name)) as database:
        yield database


def bar(session, ticker, close=10_000, **more):
    return {
        "session": session,
        "ticker": ticker,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 5,
        "value": None,
        "base": 9_900,
        "listed_shares": 7,
        "market_cap": 8,
        "adjusted": False,
        "source": "file",
        "collected_at": EVENING,
        **more,
    }


def bars(*rows):
    return DailyBars.validate(pl.DataFrame(list(rows)), cast=True)


def counts(done):
    return (done.new, done.changed, done.unchanged)


def put(store, noun, frame):
    with store.transaction() as tx:
        return counts(getattr(tx, noun).store(frame))


def test_bars_come_back_as_they_were_stored(store):
    frame = bars(
        bar(MON, "000001"),
        bar(TUE, "000001", 12_000, value=3_000_000_000_000, base=None, market_cap=None),
        bar(TUE, "00104K", adjusted=True, source="other", listed_shares=None),
    )
    assert put(store, "bars", frame) == (3, 0, 0)
    found = store.read_market_data(MON, TUE).bars
    assert found.sort("session", "ticker").select(frame.columns).equals(frame)
    assert DailyBars.is_valid(found)


def test_only_the_sessions_asked_for_are_read(store):
    put(store, "bars", bars(*(bar(day, "000001") for day in (MON, TUE, WED, THU))))
    found = store.read_market_data(TUE, WED).bars
    assert sorted(found["session"]) == [TUE, WED]
    assert sorted(store.read_market_data(MON, MON).bars["session"]) == [MON]
    assert store.read_market_data(FRI, FRI).bars.height == 0


def test_storing_again_changes_nothing_and_what_differs_is_counted(store):
    frame = bars(bar(MON, "000001"), bar(MON, "000002"))
    put(store, "bars", frame)
    later = frame.with_columns(collected_at=EVENING.replace(hour=11))
    assert put(store, "bars", later) == (0, 0, 2)
    corrected = bars(bar(MON, "000001", 10_050), bar(MON, "000002"), bar(MON, "000003"))
    assert put(store, "bars", corrected) == (1, 1, 1)
    found = store.read_market_data(MON, MON).bars.sort("ticker")
    assert found["close"].to_list() == [10_050, 10_000, 10_000]
    assert found["collected_at"].to_list()[1] == EVENING


def test_details_are_left_out_before_the_session_they_are_wanted_from(store):
    put(store, "bars", bars(bar(MON, "000001"), bar(TUE, "000001"), bar(WED, "000001")))
    found = store.read_market_data(MON, WED, details_from=WED).bars.sort("session")
    assert found["market_cap"].to_list() == [None, None, 8]
    assert found["listed_shares"].to_list() == [None, None, 7]
    assert found["base"].to_list() == [9_900] * 3


def test_the_stored_sessions_are_listed_within_bounds(store):
    put(
        store, "bars", bars(*(bar(day, t) for day in (MON, TUE, THU) for t in ("000001", "000002")))
    )
    with store.reader() as tx:
        assert tx.bars.sessions(MON, FRI) == [MON, TUE, THU]
        assert tx.bars.sessions(TUE, WED) == [TUE]
        assert tx.bars.sessions(FRI, FRI) == []


def net_buying(*rows):
    kinds = ("foreign", "institution", "individual")
    empty = {f"{kind}_{unit}": None for kind in kinds for unit in ("won", "shares")}
    default = {**empty, "ticker": "000001", "provisional": False, "source": "file"}
    return NetBuying.validate(pl.DataFrame([{**default, **row} for row in rows]), cast=True)


def test_net_buying_known_later_is_not_read(store):
    late = EVENING.replace(day=5)
    frame = net_buying(
        {"session": MON, "known_at": EVENING, "foreign_won": -5_000_000_000},
        {"session": MON, "known_at": late, "foreign_won": -4_000_000_000},
        {"session": TUE, "known_at": late, "foreign_won": 1},
    )
    assert put(store, "net_buying", frame) == (3, 0, 0)
    found = store.read_market_data(MON, FRI, EVENING).net_buying
    assert found["foreign_won"].to_list() == [-5_000_000_000]
    assert store.read_market_data(MON, FRI).net_buying.height == 3
    assert store.read_market_data(MON, FRI, net_buying_from=TUE).net_buying.height == 1


def test_index_bars_come_back_as_they_were_stored(store):
    row = {"session": MON, "index": "KOSPI", "open": None, "high": 2650.25, "low": 2600.0}
    frame = IndexBars.validate(
        pl.DataFrame([{**row, "close": 2610.1, "volume": 10**9, "value": None}]), cast=True
    )
    assert put(store, "index_bars", frame) == (1, 0, 0)
    assert store.read_market_data(MON, MON).index_bars.equals(frame)


def test_news_is_none_unless_a_source_is_configured(store):
    row = {"id": "d1", "ticker": "000001", "seen_at": EVENING, "verdict": "blocking", "url": None}
    frame = News.validate(
        pl.DataFrame([{**row, "title": '감사의견 "거절"', "source": "dart"}]), cast=True
    )
    assert store.read_market_data(MON, FRI).news is None
    assert store.read_market_data(MON, FRI, news=True).news.height == 0
    put(store, "news", frame)
    assert store.read_market_data(MON, FRI, news=True).news.equals(frame)
    assert store.read_market_data(MON, MON, news=True).news.height == 0
    before = EVENING.replace(hour=1)
    assert store.read_market_data(MON, FRI, before, news=True).news.height == 0


def observed(session, name="가", ticker="000001", **more):
    row = {"ticker": ticker, "session": session, "name": name, "market": "KOSPI", "kind": "common"}
    return {**row, "sector": None, "flags": None, "listed": None, "delisted": None, **more}


OBSERVED = {
    "sector": pl.String,
    "flags": pl.List(pl.String),
    "listed": pl.Date,
    "delisted": pl.Date,
}


def observe(store, *rows):
    with store.transaction() as tx:
        return counts(tx.instruments.observe(pl.DataFrame(list(rows), schema_overrides=OBSERVED)))


def test_instruments_and_flags_come_in_any_order_of_time(store):
    first = observed(MON, "가", flags=["halted", "administrative"])
    second = observed(TUE, "가", flags=["halted"])
    third = observed(WED, "나", flags=[], sector="철강", listed=date(2001, 1, 5))
    expected_flags = {
        ("administrative", MON, TUE),
        ("halted", MON, WED),
    }
    for number, order in enumerate(permutations([first, second, third])):
        ticker = f"{number:06d}"
        for row in (*order, *order):
            observe(store, {**row, "ticker": ticker})
        found = store.read_market_data(MON, FRI)
        names = found.instruments.filter(ticker=ticker).sort("since")
        assert names.select("since", "name", "sector", "listed").rows() == [
            (MON, "가", "철강", date(2001, 1, 5)),
            (WED, "나", "철강", date(2001, 1, 5)),
        ]
        flags = found.flags.filter(ticker=ticker).select("flag", "since", "until")
        assert set(flags.rows()) == expected_flags


def test_observing_the_same_again_changes_nothing(store):
    rows = [observed(MON), observed(TUE, "나")]
    assert observe(store, *rows) == (2, 0, 0)
    assert observe(store, *rows) == (0, 0, 2)


def test_an_instrument_is_read_only_once_it_was_seen(store):
    observe(store, observed(WED))
    assert store.read_market_data(MON, TUE).instruments.height == 0
    assert store.read_market_data(MON, WED).instruments.height == 1


NAMES = st.lists(st.sampled_from(["가", "나", None]), min_size=3, max_size=8)


@given(names=NAMES, data=st.data())
def test_versions_tell_what_was_observed_in_whatever_parts_it_came(names, data):
    days = [date(2026, 2, 1 + n) for n in range(len(names))]
    everything = pl.DataFrame(
        {"ticker": "000001", "session": days, "name": names}, schema_overrides={"name": pl.String}
    )
    known = pl.DataFrame(
        schema={"ticker": pl.String, "since": pl.Date, "seen": pl.Date, "name": pl.String}
    )
    order = data.draw(st.permutations(range(len(names))))
    cut = data.draw(st.integers(1, len(names)))
    for part in (order[:cut], order[cut:], order[:cut]):
        if part:
            known = merge_versions(known, everything[sorted(part)], ["name"])
    assert known["since"].is_sorted()
    assert known["since"].is_unique().all()
    in_force = everything.join_asof(
        known, left_on="session", right_on="since", by="ticker", check_sortedness=False
    )
    for row in in_force.filter(pl.col("name").is_not_null()).to_dicts():
        assert row["name_right"] == row["name"]


def test_rejected_rows_are_kept_with_their_file_row_and_reason(store):
    rejected = pl.DataFrame(
        {
            "row": [3, 9],
            "reason": ["null close", "duplicate"],
            "content": ['{"a": null}', '{"a": 1}'],
        }
    )
    with store.transaction() as tx:
        number = tx.imports.add(NewImport("bars.csv", "abc", 10, 8, 0, 2), rejected)
    with store.reader() as tx:
        assert tx.imports.known("abc", 2)
        assert not tx.imports.known("abc", 1)
        assert not tx.imports.known("abd", 2)
        assert tx.imports.rejected(number).rows() == [
            (3, "null close", {"a": None}),
            (9, "duplicate", {"a": 1}),
        ]


def test_freshness_says_what_is_newest_and_none_where_there_is_nothing(store):
    assert store.freshness().bars is None
    put(store, "bars", bars(bar(MON, "000001"), bar(TUE, "000001"), bar(TUE, "000002")))
    observe(store, observed(MON))
    with store.reader() as tx:
        assert [tx.bars.newest(day) for day in (MON, TUE)] == [MON, TUE]
    found = store.freshness()
    assert (found.bars.first, found.bars.session, found.bars.rows) == (MON, TUE, 2)
    assert found.net_buying is None
    assert found.instruments == 1


def test_two_importers_of_the_same_rows_at_once_make_no_doubles(database, postgres_url):
    frame = bars(*(bar(MON, f"{n:06d}") for n in range(500)))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: put(database, "bars", frame), range(4)))
    assert sorted(done) == [(0, 0, 500)] * 3 + [(500, 0, 0)]
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM daily_bars").fetchone() == (500,)


EMPTIED = "SELECT count(*) FROM packed_bars WHERE ticker IS NULL"
CHANGES = {
    "nothing": "",
    "an update": "UPDATE daily_bars SET close = 12345, high = 12345 WHERE ticker = '000002'",
    "a move": "UPDATE daily_bars SET session = '2026-02-05' WHERE session = '2026-02-04'",
    "an insert": (
        "INSERT INTO daily_bars SELECT session, '000009', open, high, low, close, volume, value,"
        " base, listed_shares, market_cap, collection_id, adjusted FROM daily_bars"
        " WHERE ticker = '000001' AND session = '2026-02-03'"
    ),
    "a delete": "DELETE FROM daily_bars WHERE ticker = '000001' AND session <> '2026-02-02'",
    "a session gone": "DELETE FROM daily_bars WHERE session = '2026-02-03'",
    "a truncate": "TRUNCATE daily_bars",
}


@pytest.mark.parametrize("change", CHANGES)
def test_bars_changed_by_anybody_are_read_as_they_are_now(store, change):
    tickers = ("000001", "000002")
    put(
        store,
        "bars",
        bars(*(bar(day, t, adjusted=t > "1") for day in (MON, TUE, WED) for t in tickers)),
    )
    with store.transaction() as tx:
        tx.bars.pack(MON, FRI)
    with psycopg.connect(store.url) as connection:
        if CHANGES[change]:
            connection.execute(CHANGES[change])
        stored = connection.execute(
            "SELECT session, ticker, close, value, market_cap, adjusted FROM daily_bars"
            " ORDER BY session, ticker"
        ).fetchall()
        emptied_rows = connection.execute(EMPTIED).fetchone()
    assert (emptied_rows == (0,)) == (change in ("nothing", "a truncate"))

    def read(**more):
        found = store.read_market_data(MON, FRI, **more).bars.sort("session", "ticker")
        return found.select("session", "ticker", "close", "value", "market_cap", "adjusted")

    assert read().rows() == stored
    # The same with details of the last session only, and after the next write packed it again.
    plain = [(*row[:3], None, None, row[5]) if row[0] < WED else row for row in stored]
    assert read(details_from=WED).rows() == plain
    with store.transaction() as tx:
        tx.bars.pack(MON, FRI)
    with psycopg.connect(store.url) as connection:
        sessions = connection.execute("SELECT DISTINCT session FROM daily_bars ORDER BY 1")
        packed = connection.execute("SELECT session FROM packed_bars ORDER BY 1").fetchall()
        assert packed == sessions.fetchall()
        assert connection.execute(EMPTIED).fetchone() == (0,)
    assert read().rows() == stored
    assert read(details_from=WED).rows() == plain


def test_a_change_undone_leaves_the_bars_packed(store):
    put(store, "bars", bars(bar(MON, "000001")))
    with store.transaction() as tx:
        tx.bars.pack(MON, MON)
    with psycopg.connect(store.url) as connection:
        connection.execute("DELETE FROM daily_bars")
        connection.rollback()
        assert connection.execute("SELECT count(ticker) FROM packed_bars").fetchone() == (1,)
    assert len(store.read_market_data(MON, MON).bars) == 1


def test_packing_doesnt_wait_for_somebody_who_stores(store):
    put(store, "bars", bars(bar(MON, "000001")))
    with store.transaction() as storing:
        storing.bars.store(bars(bar(TUE, "000001")))
        with store.transaction() as tx:
            tx.bars.pack(MON, TUE)
        assert store.read_market_data(MON, TUE).bars["session"].to_list() == [MON]
    assert sorted(store.read_market_data(MON, TUE).bars["session"]) == [MON, TUE]
