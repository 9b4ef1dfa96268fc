"""Kiwoom's WebSocket: frames read, and a connection that comes back or says why not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from fake_kiwoom_stream import FakeStream, index, streaming, trade, until
from hypothesis import given
from hypothesis import strategies as st

from errors import SourceNotConfigured, SourceRefused, SourceUnavailable
from market.clock import SEOUL, FixedClock
from sources.http.tokens import Token
from sources.kiwoom.realtime import Limits, Realtime
from sources.kiwoom.realtime_rows import IndexTick, SessionNotice, Tick, read_real
from sources.wire import Rejected

NOW = datetime(2026, 3, 3, 10, 0, 5, tzinfo=SEOUL)
QUICK = Limits(first_delay=0.01, longest_delay=0.02, attempts=4, silence=30, answer=20)


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 3, 3, hour, minute, second, tzinfo=SEOUL)


def read(*rows: dict) -> list:
    return list(read_real({"trnm": "REAL", "data": list(rows)}, NOW))


def test_a_trade_is_read_in_won_percent_and_shares():
    [tick] = read(trade("005930", "-20800", "-100", "-0.48", "1234567"))
    assert tick == Tick("005930", 20800, pytest.approx(-100 / 20900 * 100), 1234567, at(10, 0, 0))


def test_indices_and_the_markets_session_are_read():
    notice = {"type": "0s", "item": "", "values": {"20": "085000", "215": "0", "214": "001000"}}
    assert read(index("001", "-2394.49", "-0.31"), notice) == [
        IndexTick("KOSPI", 2394.49, -0.31, at(10, 0, 1)),
        SessionNotice("0", at(8, 50, 0)),
    ]
    assert SessionNotice("3", NOW).words == "open"
    assert SessionNotice("Q", NOW).words == "notice 'Q'"


def test_trades_outside_the_regular_session_are_no_last_price():
    after = trade("005930", "+20800", "+100", "+0.48", "1", **{"290": "3"})
    assert read(after) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (trade("005930", "", "0", "0", "1"), "10"),
        (trade("005930", "20,80", "0", "0", "1"), "20,80"),
        (trade("005930", "+20800", "+100", "+4.80", "1"), "contradict"),
        (trade("005930", "+20800", "+100", "+0.48", "-1"), "negative"),
        (trade("005930", "+20800", "+100", "+0.48", "4294967295"), "saturated"),
        (trade("005930", "+20800", "+100", "+0.48", "1", **{"290": "9"}), "290"),
        (trade("005930_AL", "+20800", "+100", "+0.48", "1"), "KRX"),
        (index("999", "1", "1"), "item"),
        ({"type": "0Z", "item": "", "values": {"10": "1"}}, "unknown type"),
        ({"type": "0B", "item": "005930"}, "values"),
    ],
)
def test_what_cannot_be_read_is_left_out_with_its_reason(row, told):
    [rejected] = read(row)
    assert isinstance(rejected, Rejected)
    assert told in str(rejected)


@given(st.dictionaries(st.sampled_from(["10", "11", "12", "13", "20", "290"]), st.text()))
def test_no_text_is_read_as_a_number_it_does_not_say(values):
    for told in read({"type": "0B", "item": "005930", "values": values}):
        assert isinstance(told, Rejected) or (
            told.price == abs(int(values["10"].strip().replace(",", "").replace("--", "-")))
        )


class Tokens:
    """A token holder that hands out `texts` one after the other as each is refused."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts
        self.asked: list[int | None] = []

    def __call__(self, rejected: Token | None) -> Token:
        self.asked.append(rejected.number if rejected else None)
        number = min(rejected.number + 1 if rejected else 0, len(self._texts) - 1)
        return Token(self._texts[number], number)


@asynccontextmanager
async def listening(fake: FakeStream, tokens: Tokens | None = None, limits: Limits = QUICK):
    told: list = []
    async with streaming(fake):
        stream = Realtime(fake.url, tokens or Tokens("token-1"), FixedClock(NOW), limits)
        running = asyncio.ensure_future(stream.run(told.append))
        try:
            yield stream, told, running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def go(scenario) -> None:
    asyncio.run(scenario())


def test_watched_stocks_are_registered_and_their_trades_handed_on():
    async def scenario():
        fake = FakeStream()
        async with listening(fake) as (stream, told, _):
            stream.watch(["005930", "000660"])
            await until(lambda: fake.stocks() == {"005930", "000660"})
            assert {("001", "0J"), ("101", "0J"), ("", "0s")} <= fake.registered
            await fake.push(trade("005930", "+71000", "+1000", "+1.43", "10"))
            await until(lambda: len(told) == 2)
            assert told[0] is None
            assert (told[1].ticker, told[1].price) == ("005930", 71000)
            stream.watch(["000660", "035720"])
            await until(lambda: fake.stocks() == {"000660", "035720"})
            assert [f["trnm"] for f in fake.seen if f["trnm"] == "REMOVE"] == ["REMOVE"]

    go(scenario)


def test_many_stocks_are_registered_in_several_requests():
    async def scenario():
        fake = FakeStream()
        tickers = {f"{n:06}" for n in range(250)}
        async with listening(fake) as (stream, _, _):
            stream.watch(tickers)
            await until(lambda: fake.stocks() == tickers)
            sizes = [
                len(f["data"][0]["item"])
                for f in fake.seen
                if f["trnm"] == "REG" and f["data"][0]["type"] == ["0B"]
            ]
            assert sizes == [100, 100, 50]

    go(scenario)


def test_pings_are_echoed():
    async def scenario():
        fake = FakeStream()
        async with listening(fake):
            await until(lambda: fake.socket is not None)
            await fake.ping()
            await until(lambda: fake.echoed == 1)

    go(scenario)


def test_a_connection_that_only_pings_is_kept():
    async def scenario():
        fake = FakeStream()
        limits = Limits(first_delay=0.01, longest_delay=0.02, attempts=4, silence=3, answer=20)
        async with listening(fake, limits=limits) as (_, told, running):
            await until(lambda: told == [None])
            for _ in range(40):
                await fake.ping()
                await asyncio.sleep(0.1)
            await until(lambda: fake.echoed == 40)
            assert (fake.connections, running.done()) == (1, False)

    go(scenario)


def test_after_a_lost_connection_everything_is_registered_again():
    async def scenario():
        fake = FakeStream()
        async with listening(fake) as (stream, told, _):
            stream.watch(["005930"])
            await until(lambda: fake.stocks() == {"005930"})
            await fake.drop()
            await until(lambda: fake.connections == 2 and fake.stocks() == {"005930"})
            await fake.push(trade("005930", "+71000", "+1000", "+1.43", "10"))
            await until(lambda: any(isinstance(t, Tick) for t in told))
            assert told.count(None) == 2

    go(scenario)


def test_a_refused_token_is_replaced():
    async def scenario():
        fake = FakeStream(token="token-2")
        tokens = Tokens("token-1", "token-2")
        async with listening(fake, tokens) as (_, told, _):
            await until(lambda: told == [None])
            assert fake.logins == ["token-1", "token-2"]
            assert tokens.asked == [None, 0]

    go(scenario)


def test_a_server_that_hangs_or_falls_silent_is_left():
    async def scenario():
        fake = FakeStream(faults=["hang-at-login", "silence", "close-at-login"])
        limits = Limits(first_delay=0.01, longest_delay=0.02, attempts=5, answer=0.5, silence=0.5)
        async with listening(fake, limits=limits) as (_, told, running):
            await until(lambda: fake.connections >= 4 and len(told) >= 2)
            assert not running.done()

    go(scenario)


@pytest.mark.parametrize(
    ("fault", "error", "words", "connections"),
    [
        ("close-at-login", SourceUnavailable, "4 connections in a row failed", 4),
        ("refuse-token", SourceUnavailable, "4 connections in a row failed.*8005", 4),
        ("refuse-keys", SourceNotConfigured, "8001", 1),
        ("refuse-reg", SourceRefused, "REG.*1511", 1),
    ],
)
def test_what_does_not_pass_is_told_and_ends_it(fault, error, words, connections):
    async def scenario():
        fake = FakeStream(faults=[fault] * 10)
        async with listening(fake) as (_, _, running):
            with pytest.raises(error, match=words):
                await asyncio.wait_for(running, 20)
            assert fake.connections == connections

    go(scenario)


def test_nobody_there_is_told_after_so_many_attempts():
    async def scenario():
        stream = Realtime("ws://127.0.0.1:1/x", Tokens("t"), FixedClock(NOW), QUICK)
        with pytest.raises(SourceUnavailable, match="4 connections in a row failed"):
            await asyncio.wait_for(stream.run(lambda _: None), 20)

    go(scenario)


def test_broken_frames_are_left_out_until_there_are_too_many():
    async def scenario():
        fake = FakeStream()
        async with listening(fake) as (_, told, _):
            await until(lambda: fake.socket is not None)
            await fake.raw("{truncated")
            await fake.raw("[1, 2]")
            await fake.push({"type": "0B", "item": "005930", "values": {"10": "x"}})
            await fake.push(trade("005930", "+71000", "+1000", "+1.43", "10"))
            await until(lambda: any(isinstance(t, Tick) for t in told))
            assert fake.connections == 1
            for _ in range(50):
                await fake.raw("{truncated")
            await until(lambda: fake.connections == 2)

    go(scenario)
