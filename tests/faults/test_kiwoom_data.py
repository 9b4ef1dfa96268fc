"""Kiwoom answers, but with data that can't be trusted: nothing wrong gets through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_market import make_market
from kiwoom_sources import SESSION, client_of, source_of

from errors import BadMarketData
from market.clock import SEOUL, FixedClock
from sources.kiwoom.client import KiwoomClient


@pytest.fixture(scope="module")
def market() -> Any:
    return make_market(SESSION, kospi=230, kosdaq=120, funds=20)


@pytest.fixture
def fake(market: Any) -> Iterator[FakeKiwoom]:
    with FakeKiwoom(market, speed=200) as running:
        yield running


@pytest.fixture
def client(fake: FakeKiwoom) -> Iterator[KiwoomClient]:
    with client_of(fake) as opened:
        yield opened


def test_a_page_that_comes_twice_is_asked_for_again(client: KiwoomClient, fake: FakeKiwoom) -> None:
    fake.break_("ka20002", "repeat", after=1)
    bars = source_of(client).sweep(SESSION).data.bars
    assert bars["ticker"].n_unique() == bars.height == 350
    assert len(fake.of("ka20002")) == 6


def test_a_page_that_keeps_coming_twice_is_refused(client: KiwoomClient, fake: FakeKiwoom) -> None:
    fake.break_("ka20002", "repeat", after=1, times=99)
    with pytest.raises(
        BadMarketData, match="kiwoom ka20002 KOSPI page 2: 100 of 100 rows came before"
    ):
        source_of(client).sweep(SESSION)
    assert len(fake.of("ka20002")) == 3


@pytest.mark.parametrize("page", [0, 1])
def test_a_lost_page_is_noticed_by_the_stocks_that_are_missing(
    client: KiwoomClient, fake: FakeKiwoom, page: int
) -> None:
    fake.break_("ka20002", "lose", after=page)
    with pytest.raises(
        BadMarketData, match=r"100 of 250 instruments of KOSPI didn't come, at most 1\.0% tolerated"
    ):
        source_of(client).sweep(SESSION)


def test_fewer_rows_than_instruments_are_refused_with_figures(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    fake.break_("ka20002", "pages of", times=99, seconds=90)
    with pytest.raises(BadMarketData, match="kiwoom ka20002 KOSPI: 160 of 250 instruments"):
        source_of(client).sweep(SESSION)


def test_a_single_missing_stock_is_left_out(client: KiwoomClient, fake: FakeKiwoom) -> None:
    fake.break_("ka20002", "change", change=lambda body: body["inds_stkpc"].pop(7))
    data = source_of(client).sweep(SESSION).data
    assert data.bars.height == data.instruments.height - 1 == 349


def test_a_blank_row_is_left_out_and_many_are_refused(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    def blank(rows: int) -> Any:
        def change(body: dict[str, Any]) -> None:
            for row in body["inds_stkpc"][:rows]:
                row.update({key: "" for key in row if key != "stk_cd"})

        return change

    fake.break_("ka20002", "change", change=blank(1))
    assert source_of(client).sweep(SESSION).data.bars.height == 349
    fake.break_("ka20002", "change", change=blank(20))
    with pytest.raises(BadMarketData, match=r"20 of 230 rows can't be read.*000010: cur_prc ''"):
        source_of(client).sweep(SESSION)


def test_a_saturated_volume_is_no_volume(client: KiwoomClient, fake: FakeKiwoom) -> None:
    def saturate(body: dict[str, Any]) -> None:
        body["inds_stkpc"][0]["now_trde_qty"] = "4294967295"

    fake.break_("ka20002", "change", change=saturate)
    bars = source_of(client).sweep(SESSION).data.bars
    assert bars.height == 349
    assert "000010" not in bars["ticker"]


def test_quotes_of_another_session_are_refused(market: Any) -> None:
    yesterday = replace(market, session=SESSION - timedelta(days=1))
    with (
        FakeKiwoom(yesterday, speed=200) as fake,
        client_of(fake) as client,
        pytest.raises(BadMarketData, match=f"quotes are of 2026-11-19, not of {SESSION}"),
    ):
        source_of(client).sweep(SESSION)


def test_indices_of_another_session_are_refused(market: Any) -> None:
    behind = replace(market, history=market.history[1:])
    with (
        FakeKiwoom(behind, speed=200) as fake,
        client_of(fake) as client,
        pytest.raises(BadMarketData, match="ka20006 KOSPI: the newest row is 2026-11-19"),
    ):
        source_of(client).sweep(SESSION)


def test_a_volume_of_the_last_trade_alone_is_refused(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    """The field's name doesn't say which volume it is; the chosen stocks' decides."""

    def shrink(body: dict[str, Any]) -> None:
        for row in body["inds_stkpc"]:
            row["now_trde_qty"] = str(int(row["now_trde_qty"]) // 1000)

    fake.break_("ka20002", "change", times=99, change=shrink)
    with pytest.raises(BadMarketData, match=r"its volumes are 0\.001 of those of kiwoom ka10095"):
        source_of(client).sweep(SESSION)


def test_prices_that_moved_in_the_after_market_are_no_close(market: Any) -> None:
    evening = replace(market, traded_at="160001")
    with (
        FakeKiwoom(evening, speed=200) as fake,
        client_of(fake) as client,
        pytest.raises(BadMarketData, match="30 of 30 stocks have traded since 16:00:00"),
    ):
        source_of(client, time(15, 59, 30)).sweep(SESSION)  # a clock behind the exchange's


@pytest.mark.parametrize("stands", ["151958", "143000"])
def test_a_clock_ahead_of_the_exchange_s_takes_no_price_before_the_auction_for_the_close(
    market: Any, stands: str
) -> None:
    open_still = replace(market, traded_at=stands)
    with FakeKiwoom(open_still, speed=200) as fake, client_of(fake) as client:
        with pytest.raises(BadMarketData, match=r"the closing auction of 15:30 isn't over") as e:
            source_of(client).sweep(SESSION)
        assert "clock" in str(e.value.remedy)
        assert source_of(client, time(15, 19)).sweep(SESSION).data.bars.height == 350


def test_nothing_is_swept_once_the_after_market_may_have_moved_it(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    with pytest.raises(BadMarketData, match="the after-market since 16:00 may have moved"):
        source_of(client, time(16, 0)).sweep(SESSION)
    assert fake.calls == []


def test_the_first_minute_and_a_half_after_the_close_is_waited_out(client: KiwoomClient) -> None:
    class Watched(FixedClock):
        def wait_until(self, moment: datetime) -> None:
            waited.append(moment)

    waited: list[datetime] = []
    for at in (time(15, 20), time(15, 30, 20)):
        clock = Watched(datetime.combine(SESSION, at, SEOUL))
        source_of(client, clock=clock).sweep(SESSION)
    assert waited == [datetime(2026, 11, 20, 15, 31, 30, tzinfo=SEOUL)]


def test_trading_at_the_close_leaves_the_close_as_it_is(market: Any) -> None:
    closing = replace(market, traded_at="155959")
    with FakeKiwoom(closing, speed=200) as fake, client_of(fake) as client:
        assert source_of(client, time(15, 59, 59)).sweep(SESSION).data.bars.height == 350


def test_a_sweep_of_both_exchanges_is_not_taken_for_krx(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    def unify(body: dict[str, Any]) -> None:
        for row in body["inds_stkpc"]:
            row["stk_cd"] += "_AL"

    fake.break_("ka20002", "change", times=99, change=unify)
    with pytest.raises(BadMarketData, match="250 of 250 instruments of KOSPI didn't come"):
        source_of(client).sweep(SESSION)


def test_a_list_without_end_is_left(client: KiwoomClient, fake: FakeKiwoom) -> None:
    market = fake.market
    fake.market = replace(market, stocks=market.stocks * 60)
    with pytest.raises(BadMarketData, match="came before"):
        source_of(client).sweep(SESSION)
    assert len(fake.calls) < 10


def test_a_lost_page_of_history_leaves_a_hole_that_is_noticed(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    fake.break_("ka10081", "lose", after=1)
    with pytest.raises(BadMarketData, match="kiwoom ka10081 000010: 600 sessions are missing"):
        source_of(client).history_of("000010", fake.market.history[-1], SESSION)


def test_a_bar_on_a_day_without_session_is_refused(client: KiwoomClient, fake: FakeKiwoom) -> None:
    def move(body: dict[str, Any]) -> None:
        body["stk_dt_pole_chart_qry"][1]["dt"] = "20261115"  # a Sunday

    fake.break_("ka10081", "change", change=move)
    with pytest.raises(BadMarketData, match=r"ka10081 000010.*(2026-11-15|new to old)"):
        source_of(client).history_of("000010", fake.market.history[5], SESSION)
