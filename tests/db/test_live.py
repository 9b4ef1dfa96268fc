"""What is stored of the session that is on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from db import Database
from db.repositories.snapshots import KeptSnapshot
from market.schemas import INSTANT, DailyBars, IndexBars

NOON = datetime(2026, 3, 18, 3, tzinfo=UTC)
SESSION = date(2026, 3, 18)


def prices(at: datetime, **price: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [ticker.removeprefix("t") for ticker in price],
            "price": list(price.values()),
            "change_rate": 1.25,
            "volume": 10,
            "at": pl.Series([at] * len(price), dtype=INSTANT),
            "source": "test",
        }
    )


def test_a_newer_price_replaces_an_older_one_and_never_the_other_way(database: Database) -> None:
    with database.transaction() as tx:
        assert tx.prices.store(prices(NOON, t005930=100, t000660=200)).new == 2
    with database.transaction() as tx:
        done = tx.prices.store(prices(NOON - timedelta(seconds=1), t005930=90, t035720=1))
        assert (done.new, done.changed) == (1, 0)
    with database.transaction() as tx:
        assert tx.prices.store(prices(NOON + timedelta(seconds=1), t005930=110)).changed == 1
    with database.reader() as tx:
        found = tx.prices.latest(["005930", "000660", "999999"])
    assert found.select("ticker", "price").rows() == [("000660", 200), ("005930", 110)]
    assert found["at"].to_list() == [NOON, NOON + timedelta(seconds=1)]


def test_readers_are_told_that_prices_changed_and_only_then(database: Database) -> None:
    for _ in range(2):
        with database.transaction() as tx:
            tx.prices.store(prices(NOON, t005930=100))
    with database.reader() as tx:
        events = tx.events.after(0)
    assert [event["payload"] for event in events] == [{"changed": ["prices"]}]


def test_indices_stand_where_they_were_last_seen(database: Database) -> None:
    with database.transaction() as tx:
        for value, seconds in ((2500.0, 0), (2510.5, 5), (2400.0, 3)):
            at = pl.Series([NOON + timedelta(seconds=seconds)], dtype=INSTANT)
            frame = pl.DataFrame({"name": ["KOSPI"], "value": [value], "change_pct": [0.4]})
            tx.prices.store_indices(frame.with_columns(at=at))
    with database.reader() as tx:
        assert tx.prices.indices()["value"].to_list() == [2510.5]


def snapshot(at: datetime, session: date = SESSION) -> KeptSnapshot:
    bars = pl.DataFrame(
        [(session, "005930", 1, 1, 1, 1, 1, None, None, None, None, False, "test", at)],
        schema=DailyBars.create_empty().schema,
        orient="row",
    )
    return KeptSnapshot(session, at, "test", DailyBars.validate(bars), IndexBars.create_empty())


def test_a_snapshot_comes_back_as_it_was_and_is_kept_once(database: Database) -> None:
    kept = snapshot(NOON)
    with database.transaction() as tx:
        assert tx.snapshots.add(kept)
        assert not tx.snapshots.add(kept)
        assert tx.snapshots.add(snapshot(NOON + timedelta(minutes=5)))
    with database.reader() as tx:
        [first, second] = tx.snapshots.of(SESSION)
        old = NOON - timedelta(minutes=10)
        newest = tx.snapshots.newest(SESSION, since=old, until=NOON + timedelta(minutes=4))
        none = tx.snapshots.newest(SESSION, since=old, until=NOON - timedelta(seconds=1))
    assert first.bars.equals(kept.bars)
    assert (first.at, second.at) == (NOON, NOON + timedelta(minutes=5))
    assert newest is not None
    assert newest.at == NOON
    assert none is None


def test_snapshots_are_kept_for_some_sessions(database: Database) -> None:
    with database.transaction() as tx:
        for days in range(4):
            tx.snapshots.add(snapshot(NOON, SESSION + timedelta(days=days)))
        assert tx.snapshots.prune(3) == 1
        assert tx.snapshots.prune(3) == 0
    with database.reader() as tx:
        assert tx.snapshots.of(SESSION) == []
        assert len(tx.snapshots.of(SESSION + timedelta(days=1))) == 1
