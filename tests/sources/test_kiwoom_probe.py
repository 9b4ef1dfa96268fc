"""What doctor --live finds at a server like the documents, and at one that isn't."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import fake_kiwoom
import polars as pl
import pytest
from fake_kiwoom import APP_KEY, SECRET_KEY, FakeKiwoom
from fake_kiwoom_market import FakeMarket, make_market
from fake_kiwoom_stream import FakeStream, streaming, trade
from kiwoom_sources import QUICK, SESSION, client_of
from memory_guards import memory_guards

from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.numbers import MILLION, signed
from sources.kiwoom.probe import KiwoomProbe
from sources.kiwoom.probe_stored import Stored
from sources.kiwoom.realtime import Limits, Realtime
from sources.probing import Answer, Finding, Question, answers

NOON, EVENING = time(12, 0), time(18, 50)
INDICES = "ka20006, ka20001, ka20003: the same index, and its sectors"
STREAM = "WebSocket: login, a stock's trades, PING"
HASTY = Limits(connect=5, answer=5)


@pytest.fixture(scope="module")
def market() -> FakeMarket:
    return consistent(make_market(SESSION, kospi=140, kosdaq=40))


def consistent(market: FakeMarket) -> FakeMarket:
    """Its charts show the same close and volume as its quotes."""

    class Told(FakeMarket):
        def chart(self, code: str, base_dt: date) -> list[dict[str, str]]:
            stock = next(stock for stock in self.stocks if stock.code == code)
            rows = super().chart(code, base_dt)
            opened, high, low = stock.range
            rows[0] |= {
                "cur_prc": str(stock.close),
                "pred_pre": f"{stock.change:+d}" if stock.change else "0",
                "pred_pre_sig": stock.sign,
                "trde_qty": str(stock.volume),
                "trde_prica": str(stock.volume * stock.close // 1_000_000),
                "open_pric": str(opened),
                "high_pric": str(high),
                "low_pric": str(low),
            }
            return rows

    return Told(market.session, market.stocks, market.history)


def probed(
    fake: FakeKiwoom, at: time = EVENING, url: str = "ws://127.0.0.1:9", **more: Any
) -> dict[str, Finding]:
    guards = memory_guards()
    clock = FixedClock(datetime.combine(SESSION, at, SEOUL))

    @contextmanager
    def opened(per_second: float, total: float | None) -> Iterator[KiwoomClient]:
        with quick(fake, guards, per_second, total or 5 * fake.per_second) as client:
            yield client

    with client_of(fake, guards) as client:
        realtime = Realtime(url, client.access_token, clock, HASTY)
        probe = KiwoomProbe(
            client,
            opened,
            realtime,
            TradingCalendar(),
            clock,
            per_second=fake.per_second,
            total_per_second=5 * fake.per_second,
            **more,
        )
        return {finding.question: finding for finding in probe.findings()}


@contextmanager
def quick(
    fake: FakeKiwoom, guards: Guards, per_second: float, total: float
) -> Iterator[KiwoomClient]:
    access = Access(fake.url, APP_KEY, SECRET_KEY, per_second, 1, total)
    with Client("kiwoom", guards, replace(QUICK, attempts=1)) as http:
        yield KiwoomClient(http, access)


class Counting(FakeKiwoom):
    """Bears any pace, but no more than `most` calls of ka10095."""

    most = 10_000

    def over_limit(self, tr: str) -> bool:
        return tr == "ka10095" and len(self.of(tr)) > self.most


def test_a_server_like_the_documents_is_as_expected(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        found = probed(fake)
    assert [f.question for f in found.values() if f.as_expected is False] == []
    said = {question: finding.found for question, finding in found.items()}
    assert said["ka20002: rows a page"] == "100 rows, more follow"
    assert said["ka10081: rows a page"] == "600 rows, more follow"
    assert said["ka10095: how many stocks a call"] == "100 stocks came in their order"
    assert "asked again, the same came" in said["token: lifetime, and what a second one does"]
    assert "KRX alone" in said["ka10059: KRX alone, or both exchanges"]
    assert f"5 of {SESSION}" in said["ka10066: which session it shows now"]
    assert said[INDICES] == (
        "KOSPI 2,521.27/2,521.27/2,521.27, 2 sectors; KOSDAQ 2,521.27/2,521.27/2,521.27, 2 sectors"
    )
    assert "0 of 30 stocks show a trade" in said["ka20002 after 16:00: still the regular close"]
    rate = found["calls of a kind a second"]
    assert "5000 a second were answered" in rate.found
    assert rate.change == "CLOSEBELL_KIWOOM_CALLS_PER_SECOND=5000 would be faster"
    total = found["calls of all kinds a second"]
    assert "20000 a second were answered; none was refused" in total.found
    assert total.change == "CLOSEBELL_KIWOOM_TOTAL_PER_SECOND=20000 would be faster"


def test_its_calls_are_bounded_and_only_read(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        probed(fake)
        trs = {call.tr for call in fake.calls}
        assert len(fake.calls) < 140
    assert trs <= {
        "ka20001", "ka20003", "ka20006",
        "au10001", "ka10099", "ka20002", "ka10081", "ka10095", "ka10059", "ka10066",
    }  # fmt: skip


def test_a_limit_that_is_reached_is_told(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        fake.most = 20
        rate = probed(fake)["calls of a kind a second"]
    assert "a second are refused" in rate.found
    assert "HTTP 429, return code 5 [1700]" in rate.found
    assert "set is 1000" in rate.found


@pytest.mark.parametrize(("borne", "best"), [(0, None), (20, "5000")])
def test_a_total_that_is_reached_is_told_with_its_code(
    market: FakeMarket, borne: int, best: str | None
) -> None:
    class Whole(Counting):
        def over_limit(self, tr: str) -> bool:
            return len(self.calls) - len(self.of(tr)) > 10_000

    with Whole(market, speed=1000) as fake:
        for tr in ("ka20001", "ka20003"):
            before = 2  # of the question before about indices
            fake.break_(
                tr, "code", after=before + borne // 8, times=99, seconds=5, header="[1701:총량]"
            )
        total = probed(fake)["calls of all kinds a second"]
    assert "return code 5 [1701]" in total.found
    assert total.as_expected is (best is not None)
    said = f"{best} a second were answered" if best else "5000 a second are refused"
    assert total.found.startswith(said)


def test_a_kinds_own_limit_is_not_taken_for_the_total(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        fake.break_("ka20001", "code", after=2, times=99, seconds=5, header="[1700:유량]")
        total = probed(fake)["calls of all kinds a second"]
    assert total.as_expected is None
    assert total.found.startswith("not known: 5000 a second are refused")


def stored_of(
    market: FakeMarket, session: date, moved: int = 0, grown: float = 1.0
) -> pl.DataFrame:
    """The market's bars as stored of a session: closes `moved` from, volumes `grown` to theirs."""
    older = {
        stock.code: int(market.chart(stock.code, session)[0]["cur_prc"]) for stock in market.stocks
    }
    rows = [
        {
            "session": session,
            "ticker": stock.code,
            "close": (stock.close if session == SESSION else older[stock.code]) - moved,
            "volume": int(stock.volume / grown),
        }
        for stock in market.stocks
    ]
    return pl.DataFrame(rows)


MOVED = "ka10081: are close and volume still those of the close"


def test_figures_that_stay_as_stored_at_the_close_are_told(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        stored = Stored(bars=stored_of(market, SESSION))
        found = probed(fake, stored=stored)[MOVED]
        later = probed(fake, time(20, 10), stored=stored)[MOVED]
    assert found.as_expected is True
    assert found.change == "the after-market ends at 20:00: ask again after that"
    assert (later.as_expected, later.change) == (True, None)
    assert found.found == (
        f"at 11-20 18:50, of 5 stocks of {SESSION} 0 closes and 0 volumes differ from those"
        " stored after the close"
    )


def test_figures_that_moved_since_the_close_are_told(market: FakeMarket) -> None:
    stored = Stored(bars=stored_of(market, SESSION, moved=10, grown=1.25))
    with Counting(market, speed=1000) as fake:
        found = probed(fake, stored=stored)[MOVED]
    assert found.as_expected is False
    assert "5 closes and 5 volumes differ" in found.found
    assert "(1.25" in found.found


BASE = "base_pric, lastPrice: the close of the session before"


@pytest.mark.parametrize(("moved", "well"), [(0, True), (10, False)])
def test_the_base_is_compared_with_the_stored_close_of_the_session_before(
    market: FakeMarket, moved: int, well: bool
) -> None:
    before = TradingCalendar().previous(SESSION)
    bars = stored_of(market, before).with_columns(
        close=pl.col("ticker").replace_strict(
            {stock.code: stock.base - moved for stock in market.stocks}
        )
    )
    with Counting(market, speed=1000) as fake:
        found = probed(fake, stored=Stored(bars=bars))[BASE]
    assert found.as_expected is well
    right = 0 if moved else 30
    assert found.found.startswith(f"{right} of 30 base_pric (ka10095) of {SESSION} and")
    assert f"are the close of {before}" in found.found


FINAL = "ka10059: do net buying's figures still change"


@pytest.mark.parametrize(("off", "well"), [(0, True), (5_000_000, False)])
def test_net_buying_is_compared_with_each_stored_version(
    market: FakeMarket, off: int, well: bool
) -> None:
    def version(at: time, provisional: bool, off: int) -> pl.DataFrame:
        rows = [
            {
                "session": SESSION,
                "ticker": row["stk_cd"],
                "known_at": datetime.combine(SESSION, at, SEOUL),
                "foreign_won": signed(row["frgnr_invsr"]) * MILLION + off,
                "institution_won": signed(row["orgn"]) * MILLION,
                "provisional": provisional,
            }
            for mrkt_tp in ("001", "101")
            for row in market.market_net_buying(mrkt_tp, True)
        ]
        return pl.DataFrame(rows)

    versions = pl.concat(
        [version(time(15, 35), True, 9_000_000), version(time(18, 40), False, off)]
    )
    with Counting(market, speed=1000) as fake:
        found = probed(fake, stored=Stored(net_buying=versions))[FINAL]
    assert found.as_expected is well
    assert found.found == (
        f"at 11-20 18:50, of {SESSION} differ 5 of 5 from that of 11-20 15:35, provisional,"
        f" {0 if well else 5} of 5 from that of 11-20 18:40"
    )


def test_without_anything_stored_each_question_says_when_to_ask_again(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake:
        found = probed(fake)
    for question in (MOVED, BASE, FINAL):
        assert found[question].as_expected is None
        assert "stored" in found[question].found
        assert "closebell run" in str(found[question].change)


@pytest.mark.parametrize(
    ("times", "said", "well"),
    [
        ("{:,}", "1 times ka10081's: KRX alone", True),
        ("+{}", "1 times ka10081's: KRX alone", True),
        ("{}000", "1,000 times ka10081's: another unit", False),
    ],
)
def test_a_volume_of_another_unit_is_not_taken_for_krx_alone(
    market: FakeMarket, times: str, said: str, well: bool
) -> None:
    class Written(Counting):
        def answer(self, tr: str, body: dict[str, str]) -> Any:
            name, rows, more = super().answer(tr, body)
            if tr == "ka10059":
                rows = [
                    row | {"acc_trde_qty": times.format(int(row["acc_trde_qty"]))} for row in rows
                ]
            return name, rows, more

    with Written(market, speed=1000) as fake:
        found = probed(fake)["ka10059: KRX alone, or both exchanges"]
    assert (found.as_expected, said in found.found) == (well, True)


def test_a_volume_in_thousands_is_not_taken_for_krx_alone(market: FakeMarket) -> None:
    class Thousands(Counting):
        def answer(self, tr: str, body: dict[str, str]) -> Any:
            name, rows, more = super().answer(tr, body)
            if tr == "ka10059":
                rows = [
                    row | {"acc_trde_qty": str(int(row["acc_trde_qty"]) // 1000)} for row in rows
                ]
            return name, rows, more

    with Thousands(market, speed=1000) as fake:
        found = probed(fake)["ka10059: KRX alone, or both exchanges"]
    assert found.as_expected is False
    assert "another unit" in found.found


def test_what_moved_after_16_00_is_told(market: FakeMarket) -> None:
    evening = replace(market, traded_at="171203")
    with Counting(evening, speed=1000) as fake:
        found = probed(fake)["ka20002 after 16:00: still the regular close"]
    assert found.as_expected is False
    assert "30 of 30 stocks show a trade since 16:00" in found.found
    assert "collect before 16:00" in str(found.change)


def test_at_noon_some_questions_have_to_wait(market: FakeMarket) -> None:
    behind = replace(market, net_buying_session=market.history[1])
    with Counting(behind, speed=1000) as fake:
        found = probed(fake, NOON)
    assert found["ka20002 after 16:00: still the regular close"].as_expected is None
    assert f"5 of {market.history[1]}" in found["ka10066: which session it shows now"].found
    assert found["ka10066: which session it shows now"].as_expected is True


def test_net_buying_that_hasnt_rolled_over_is_told_with_the_time(market: FakeMarket) -> None:
    behind = replace(market, net_buying_session=market.history[1])
    with Counting(behind, speed=1000) as fake:
        found = probed(fake)["ka10066: which session it shows now"]
    assert found.as_expected is False
    assert found.found.startswith("at 18:50")
    assert "ask again later" in str(found.change)


class Other(Counting):
    """Another Kiwoom: shorter pages, single tokens, thirty stocks a call."""

    def answer(self, tr: str, body: dict[str, str]) -> Any:
        name, rows, more = super().answer(tr, body)
        if tr == "ka10095":
            rows = rows[:30]
        if tr == "ka10059":
            rows = [
                {**row, "acc_trde_qty": str(int(row["acc_trde_qty"]) * 17 // 10)} for row in rows
            ]
        return name, rows, more


def test_a_server_that_deviates_is_described(
    market: FakeMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake_kiwoom.PAGES, "ka20002", 50)
    with Other(market, speed=1000, same_token=False) as fake:
        found = probed(fake)
    token = found["token: lifetime, and what a second one does"]
    assert "another one came, and the first no longer does" in token.found
    assert token.as_expected is False
    page = found["ka20002: rows a page"]
    assert (page.found, page.as_expected) == ("50 rows, more follow", False)
    assert "of 50 asked for 30 rows came" in found["ka10095: how many stocks a call"].found
    exchange = found["ka10059: KRX alone, or both exchanges"]
    assert exchange.as_expected is False
    assert "1.7 times ka10081's: both exchanges" in exchange.found


def test_an_index_that_isn_t_the_chart_s_is_told(market: FakeMarket) -> None:
    class Tenfold(Counting):
        def answer(self, tr: str, body: dict[str, str]) -> Any:
            name, rows, more = super().answer(tr, body)
            if tr == "ka20001":
                more = {**more, "cur_prc": "+25212.70"}
            return name, rows, more

    with Tenfold(market, speed=1000) as fake:
        found = probed(fake)[INDICES]
    assert found.as_expected is False
    assert "KOSPI 2,521.27/25,212.70/2,521.27" in found.found


class Split(Counting):
    """Adjusts history by a split of two to one."""

    def answer(self, tr: str, body: dict[str, str]) -> Any:
        name, rows, more = super().answer(tr, body)
        if tr == "ka10081" and body["upd_stkpc_tp"] == "1":
            prices = ("cur_prc", "open_pric", "high_pric", "low_pric")
            rows = [row | {field: str(int(row[field]) // 2) for field in prices} for row in rows]
            rows = [row | {"trde_qty": str(int(row["trde_qty"]) * 2)} for row in rows]
        return name, rows, more


def test_whether_volumes_are_adjusted_is_seen_by_a_split(market: FakeMarket) -> None:
    with Split(market, speed=1000) as fake:
        found = probed(fake, stored=Stored(split=("000010", SESSION)))[
            "ka10081 adjusted: are volumes too"
        ]
    assert found.found == f"000010 before {SESSION}: price times 0.500, volume times 2.000"
    assert found.as_expected is True


def test_a_source_that_refuses_the_keys_says_so_everywhere_but_asks_little(
    market: FakeMarket,
) -> None:
    with Counting(market, speed=1000) as fake:
        fake.break_("au10001", "code", times=99, seconds=3, header="[8001:키 검증 실패]")
        found = probed(fake)
        assert len(fake.calls) < 15
    assert found["instruments: can the lists be read"].as_expected is False
    assert "8001" in found["instruments: can the lists be read"].found


@contextmanager
def talking(fake: FakeStream) -> Iterator[FakeStream]:
    """The stream served by a loop of its own: it PINGs and tells a trade of what is registered."""

    async def serve() -> None:
        async with streaming(fake):
            ready.set()
            while not ending.is_set():
                if fake.socket and fake.stocks():
                    await fake.ping()
                    await fake.push(trade("005930", "+71000", "+1000", "+1.43", "10"))
                await asyncio.sleep(0.02)

    ready, ending = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(asyncio.run, serve())
        assert ready.wait(30)
        try:
            yield fake
        finally:
            ending.set()
            serving.result(30)


def test_the_stream_is_heard_while_a_session_is_on(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake, talking(FakeStream()) as stream:
        found = probed(fake, NOON, stream.url, listen=30)[STREAM]
    assert stream.stocks() == {"005930"}
    assert stream.echoed >= 1
    assert found.as_expected is True
    assert re.fullmatch(
        r"logged in within [\d.]+ s, answer to registering 005930 after [\d.]+ s,"
        r" first PING after [\d.]+ s, first row after [\d.]+ s",
        found.found,
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("refuse-token", "8005"),
        ("refuse-keys", "8001"),
        ("refuse-reg", "1511"),
        ("close-at-login", "kiwoom websocket: "),
        ("silence", "first row not in 0.3 s"),
    ],
)
def test_a_stream_that_gives_nothing_is_told(market: FakeMarket, fault: str, said: str) -> None:
    listen = 0.3 if fault == "silence" else 30.0
    with Counting(market, speed=1000) as fake, talking(FakeStream(faults=[fault])) as stream:
        found = probed(fake, NOON, stream.url, listen=listen)[STREAM]
    assert found.as_expected is False
    assert said in found.found
    assert stream.connections == 1


def test_outside_a_session_the_stream_is_left_alone(market: FakeMarket) -> None:
    with Counting(market, speed=1000) as fake, talking(FakeStream()) as stream:
        found = probed(fake, EVENING, stream.url)[STREAM]
    assert (found.as_expected, found.found) == (None, "can be heard while a session is on only")
    assert stream.connections == 0


def test_nothing_is_begun_when_the_time_is_over() -> None:
    asked: list[int] = []

    def measure() -> Answer:
        asked.append(1)
        return Answer("seen", True)

    [finding] = answers("kiwoom", [Question("what", measure)], seconds=0)
    assert (asked, finding.as_expected) == ([], None)
    assert "not asked" in finding.found
