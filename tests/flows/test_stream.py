"""The stream as a service: what it watches, what it keeps, when it is on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from api_market import SAMSUNG, SPLIT, fill, publish, signal
from databases import emptied
from fake_kiwoom_stream import FakeStream, index, streaming, trade, until
from sqlalchemy import update

from db.models import Signal
from errors import DatabaseError, SourceNotConfigured
from flows.stream import Service, _window, serve
from market.calendar import TradingCalendar
from market.clock import SEOUL
from settings import Settings
from sources.http.tokens import Token
from sources.kiwoom.realtime import Limits, Realtime
from sources.kiwoom.realtime_rows import Tick
from tasks.stream import Kept, watched

CALENDAR = TradingCalendar()
MORNING = datetime(2026, 2, 5, 10, 0, tzinfo=SEOUL)


class Running:
    """A clock that began at `moment` and goes on from there."""

    def __init__(self, moment: datetime) -> None:
        self._ahead = moment - datetime.now(UTC)

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._ahead).astimezone(SEOUL)

    def wait_until(self, moment: datetime) -> None:
        raise AssertionError(f"a service waits for {moment} without holding the thread")


def service(database, fake, clock, **settings) -> Service:
    limits = Limits(first_delay=0.01, longest_delay=0.02, attempts=3)
    realtime = Realtime(fake.url, lambda _: Token(fake.token, 0), clock, limits)
    config = Settings(**settings)
    return Service(database, config, CALENDAR, clock, realtime, flush_seconds=0.05)


def prices(database) -> list[tuple]:
    with database.reader() as tx:
        found = tx.prices.latest([SAMSUNG, SPLIT, "035720"])
    return found.select("ticker", "price", "volume").rows()


@pytest.fixture
def database(postgres_url):
    with emptied(postgres_url) as found:
        fill(found)
        yield found


async def _during(running: asyncio.Future, scenario) -> None:
    scene = asyncio.ensure_future(scenario())
    await asyncio.wait([running, scene], return_when=asyncio.FIRST_COMPLETED)
    if not scene.done():
        scene.cancel()
        running.result()
    await scene
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_stocks_of_new_signals_are_watched_and_their_prices_kept(database):
    async def run():
        fake = FakeStream()
        async with streaming(fake):
            chosen = service(database, fake, Running(MORNING), watch_list=[SPLIT])

            async def scenario():
                await until(lambda: fake.stocks() == {SPLIT})
                await asyncio.to_thread(publish, database, "vcp", date(2026, 2, 4), 1)
                with database.reader() as tx:
                    expected = {SPLIT, *tx.signals.find()["ticker"]}
                assert len(expected) > 1
                await until(lambda: fake.stocks() == expected)
                await fake.push(
                    trade(SPLIT, "+71000", "+1000", "+1.43", "10"),
                    trade(SPLIT, "+71100", "+1100", "+1.57", "25", **{"20": "100001"}),
                    index("001", "+2750.25", "+0.68"),
                )
                await until(lambda: prices(database) == [(SPLIT, 71_100, 25)])
                with database.reader() as tx:
                    assert tx.prices.indices()["value"].to_list() == [2750.25]
                    assert tx.sources.get("kiwoom stream").state == "ok"

            await _during(asyncio.ensure_future(serve(chosen)), scenario)

    asyncio.run(run())


def test_what_ends_the_stream_is_told_and_noted(database):
    async def run():
        fake = FakeStream(faults=["refuse-keys"])
        async with streaming(fake):
            with pytest.raises(SourceNotConfigured, match="8001"):
                await asyncio.wait_for(serve(service(database, fake, Running(MORNING))), 20)

    asyncio.run(run())
    with database.reader() as tx:
        report = tx.sources.get("kiwoom stream")
    assert (report.state, "8001" in report.last_error) == ("degraded", True)


def test_a_second_process_waits_for_the_first(database):
    async def run():
        said: list[str] = []
        fake, other = FakeStream(), FakeStream()
        async with streaming(fake), streaming(other):
            first = asyncio.ensure_future(serve(service(database, fake, Running(MORNING))))
            await until(lambda: fake.connections == 1)
            second = replace(service(database, other, Running(MORNING)), on_message=said.append)
            waiting = asyncio.ensure_future(serve(second))
            await until(lambda: bool(said))
            assert "another process streams" in said[0]
            assert other.connections == 0
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await until(lambda: other.connections == 1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(run())


def test_it_is_on_from_ten_minutes_before_the_open_to_a_quarter_past_the_close():
    def window(moment):
        return tuple(f"{m:%m-%d %H:%M}" for m in _window(CALENDAR, moment.astimezone(SEOUL)))

    day = ("02-05 08:50", "02-05 15:45")
    assert window(datetime(2026, 2, 5, 3, 0, tzinfo=SEOUL)) == day
    assert window(datetime(2026, 2, 5, 15, 44, tzinfo=SEOUL)) == day
    assert window(datetime(2026, 2, 6, 16, 0, tzinfo=SEOUL)) == ("02-09 08:50", "02-09 15:45")
    assert window(datetime(2026, 11, 19, 9, 0, tzinfo=SEOUL)) == ("11-19 09:50", "11-19 16:45")


def test_only_so_many_stocks_are_watched_the_chosen_ones_first(database):
    publish(database, "vcp", date(2026, 2, 4), 3)
    config = Settings(watch_list=["035720"], kiwoom_stream_stocks=2)
    found = watched(database, config, date(2026, 2, 1))
    assert len(found) == 2
    assert found[0] == "035720"
    assert watched(database, Settings(), date(2026, 2, 5)) == []


def test_a_signal_that_isn_t_over_is_watched_though_newer_lists_lack_it(database):
    tuesday, wednesday = date(2026, 2, 3), date(2026, 2, 4)
    since = date(2026, 1, 5)
    publish(database, "vcp", tuesday, 3)
    publish(database, "closing_bet", tuesday, 4)
    publish(database, "daytrading", tuesday, 5)
    publish(database, "daytrading", wednesday, rows=[], slot="10:00", preliminary=True)
    before = watched(database, Settings(), since)
    publish(database, "vcp", wednesday, 1)
    publish(database, "closing_bet", wednesday, rows=[])
    after = watched(database, Settings(), since)
    assert set(after) == set(before)
    assert len(after) == 5
    assert after[0] == signal("vcp", wednesday, 0)["ticker"], "the newest first"
    assert watched(database, Settings(), wednesday) == after[:1]


def test_what_is_held_is_watched_first_and_what_is_over_no_longer(database):
    tuesday, wednesday = date(2026, 2, 3), date(2026, 2, 4)
    publish(database, "vcp", tuesday, 3)
    publish(database, "closing_bet", wednesday, 1)
    held, over = (signal("vcp", tuesday, number)["ticker"] for number in (2, 1))
    with database.transaction() as tx:
        for ticker, status in ((held, "filled"), (over, "expired")):
            tx.signals._connection.execute(
                update(Signal).where(Signal.ticker == ticker).values(status=status)
            )
    found = watched(database, Settings(), tuesday)
    assert found == [held, signal("vcp", tuesday, 0)["ticker"]]


def test_ticks_that_could_not_be_stored_are_tried_again(database):
    kept = Kept()
    kept.take(Tick(SAMSUNG, 70_000, 0.0, 1, MORNING))
    with database.transaction() as tx:
        connection = tx.prices._connection
        connection.exec_driver_sql("ALTER TABLE last_prices RENAME TO away")
    try:
        with pytest.raises(DatabaseError):
            kept.store(database)
    finally:
        with database.transaction() as tx:
            tx.prices._connection.exec_driver_sql("ALTER TABLE away RENAME TO last_prices")
    kept.take(Tick(SAMSUNG, 70_100, 0.1, 2, MORNING + timedelta(seconds=1)))
    assert kept.store(database) == 1
    assert prices(database) == [(SAMSUNG, 70_100, 2)]
    assert kept.store(database) == 0
