"""What Kiwoom tells of a session, as frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_market import FakeMarket, FakeStock, make_market, net_shares
from kiwoom_sources import SESSION, client_of, source_of

from errors import BadMarketData, SourceNotConfigured
from market.schemas import DailyBars, InstrumentFlags, Instruments
from settings import Settings
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.source import KiwoomSource, open_kiwoom

EVENING = time(18, 40)
NIGHT = time(20, 10)


@pytest.fixture(scope="module")
def market() -> FakeMarket:
    return make_market(SESSION)


@pytest.fixture
def fake(market: FakeMarket) -> Iterator[FakeKiwoom]:
    with FakeKiwoom(market, speed=500) as running:
        yield running


@pytest.fixture
def client(fake: FakeKiwoom) -> Iterator[KiwoomClient]:
    with client_of(fake) as opened:
        yield opened


@pytest.fixture
def source(client: KiwoomClient) -> KiwoomSource:
    return source_of(client)


def shares(market: FakeMarket) -> list[FakeStock]:
    return [stock for stock in market.stocks if stock.market_code in ("0", "10")]


def row_of(frame: pl.DataFrame, ticker: str) -> dict[str, Any]:
    return frame.row(by_predicate=pl.col("ticker") == ticker, named=True)


def test_a_session_is_collected_whole(source: KiwoomSource, market: FakeMarket) -> None:
    collected = source.sweep(SESSION)
    bars = collected.data.bars
    assert sorted(bars["ticker"]) == sorted(stock.code for stock in shares(market))
    assert DailyBars.is_valid(bars)
    assert bars["session"].unique().to_list() == [SESSION]
    assert (collected.session, collected.source) == (SESSION, "kiwoom")
    assert collected.collected_at == datetime(2026, 11, 20, 6, 31, 30, tzinfo=UTC)


def test_bars_are_as_traded_with_the_exchanges_base_price(
    source: KiwoomSource, market: FakeMarket
) -> None:
    stock = market.stocks[9]
    bar = row_of(source.sweep(SESSION).data.bars, stock.code)
    opened, high, low = stock.range
    assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (
        opened,
        high,
        low,
        stock.close,
    )
    assert (bar["base"], bar["volume"], bar["adjusted"]) == (stock.base, stock.volume, False)
    assert bar["value"] is None
    assert bar["market_cap"] == stock.shares * stock.close


def test_a_halted_stock_has_a_bar_of_zeros_and_its_last_close(
    source: KiwoomSource, market: FakeMarket
) -> None:
    data = source.sweep(SESSION).data
    stock = market.stocks[11]
    bar = row_of(data.bars, stock.code)
    assert [bar[name] for name in ("open", "high", "low", "volume")] == [0, 0, 0, 0]
    assert bar["close"] == stock.base
    assert (stock.code, "halted") in data.flags.select("ticker", "flag").rows()


def test_funds_in_the_list_of_a_market_are_no_instruments(
    source: KiwoomSource, market: FakeMarket
) -> None:
    data = source.sweep(SESSION).data
    funds = {stock.code for stock in market.stocks} - {stock.code for stock in shares(market)}
    assert len(funds) == 15
    assert not funds & set(data.instruments["ticker"])
    assert not funds & set(data.bars["ticker"])


def test_instruments_have_market_kind_and_sector(source: KiwoomSource, market: FakeMarket) -> None:
    instruments = source.sweep(SESSION).data.instruments
    assert Instruments.is_valid(instruments)
    kinds = dict(instruments.select("ticker", "kind").iter_rows())
    preferred = [code for code, kind in kinds.items() if kind == "preferred"]
    assert preferred == [s.code for s in shares(market) if s.code.endswith("5")]
    assert [code for code, kind in kinds.items() if kind == "spac"] == ["300130"]
    row = row_of(instruments, market.stocks[0].code)
    assert (row["market"], row["sector"], row["listed"]) == (
        "KOSPI",
        "전기/전자",
        date(2015, 1, 2),
    )


def test_designations_are_flags_of_the_session(source: KiwoomSource, market: FakeMarket) -> None:
    flags = source.sweep(SESSION).data.flags
    assert InstrumentFlags.is_valid(flags)
    assert flags["since"].unique().to_list() == [SESSION]
    by_flag = flags.group_by("flag").agg(pl.col("ticker").sort())
    found = {str(flag): list(tickers) for flag, tickers in by_flag.iter_rows()}
    assert found["administrative"] == sorted(s.code for s in market.stocks if "관리" in s.state)
    assert found["warning"] == sorted(s.code for s in market.stocks if s.warning == "5")


def test_the_list_tells_the_last_closes_in_the_same_two_calls(
    client: KiwoomClient, fake: FakeKiwoom, market: FakeMarket
) -> None:
    listed = source_of(client, time(7, 40)).instruments(SESSION)
    assert listed.last_closes is not None
    assert dict(listed.last_closes.iter_rows()) == {s.code: s.base for s in shares(market)}
    assert len(fake.calls) == len(fake.of("ka10099")) + len(fake.of("au10001")) <= 3


def test_the_designations_of_a_past_session_are_unknown(client: KiwoomClient) -> None:
    assert source_of(client).sweep(SESSION).data.flags_from == SESSION
    late = source_of(client, EVENING).history(SESSION, SESSION)
    assert (late.flags_from, late.flags.height) == (None, 0)
    before = date(2026, 11, 19)
    assert source_of(client).history(before, SESSION).flags_from == SESSION


def test_indices_come_with_their_history(source: KiwoomSource) -> None:
    bars = source.sweep(SESSION).data.index_bars
    newest = bars.filter(pl.col("session") == SESSION).select("index", "close", "volume", "value")
    assert newest.rows() == [
        (index, 2521.27, 393_564_000, 10_582_466_000_000)
        for index in ("KOSPI", "KOSDAQ", "KOSPI200")
    ]
    assert bars.filter(pl.col("index") == "KOSPI").height == 600


def test_another_session_than_the_one_shown_is_refused(
    source: KiwoomSource, fake: FakeKiwoom
) -> None:
    with pytest.raises(BadMarketData, match="of 2026-11-20 now, not of 2026-11-18"):
        source.sweep(date(2026, 11, 18))
    assert fake.calls == []


def test_chosen_stocks_come_in_groups_of_thirty(source: KiwoomSource, fake: FakeKiwoom) -> None:
    codes = [stock.code for stock in fake.market.stocks[:31]]
    quotes = source.quotes_of(codes)
    assert list(quotes) == codes
    assert len(fake.of("ka10095")) == 2
    assert quotes[codes[3]].base == fake.market.stocks[3].base


def test_a_stock_nobody_knows_is_left_out_and_alone_an_error(source: KiwoomSource) -> None:
    assert source.quotes(["000010", "999999"])["ticker"].to_list() == ["000010"]
    with pytest.raises(BadMarketData, match=r"ka10095: none of 1 stocks can be read \(999999: it"):
        source.quotes(["999999"])


def test_a_stock_that_cannot_be_read_does_not_take_the_others_along(
    source: KiwoomSource, fake: FakeKiwoom
) -> None:
    codes = [stock.code for stock in fake.market.stocks[:10]]

    def spoil(body: dict[str, Any]) -> None:
        rows = body["atn_stk_infr"]
        rows[3].update(dict.fromkeys(rows[3], ""))
        rows[5]["trde_qty"] = "many"

    fake.break_("ka10095", "change", change=spoil)
    quotes = source.quotes(codes)
    assert quotes["ticker"].to_list() == [c for c in codes if c not in (codes[3], codes[5])]


def test_the_sweep_is_refused_where_an_anchor_has_not_traded(
    source: KiwoomSource, fake: FakeKiwoom
) -> None:
    def idle(body: dict[str, Any]) -> None:
        body["atn_stk_infr"][0]["trde_qty"] = "0"

    fake.break_("ka10095", "change", change=idle)
    with pytest.raises(BadMarketData, match="by kiwoom ka10095 nothing was traded of"):
        source.sweep(SESSION)


def test_the_sweep_names_the_anchor_that_did_not_come(
    source: KiwoomSource, fake: FakeKiwoom
) -> None:
    def blank(body: dict[str, Any]) -> None:
        row = body["atn_stk_infr"][0]
        row.update(dict.fromkeys(row, ""))

    fake.break_("ka10095", "change", change=blank)
    with pytest.raises(BadMarketData, match=r"ka10095: [0-9]{6}: it didn't come"):
        source.sweep(SESSION)


def test_history_goes_back_page_by_page(source: KiwoomSource, fake: FakeKiwoom) -> None:
    first = fake.market.history[1000]
    bars = source.history_of("000010", first, SESSION)
    assert bars["session"].to_list() == fake.market.history[1000::-1]
    assert len(fake.of("ka10081")) == 2
    assert {call.body["upd_stkpc_tp"] for call in fake.of("ka10081")} == {"0"}
    newest = bars.row(-1, named=True)
    assert (newest["close"], newest["base"], newest["value"]) == (1_100, 1_200, 1_000_000)


def test_net_buying_of_the_whole_market_in_won_and_shares(
    client: KiwoomClient, market: FakeMarket
) -> None:
    tickers = [stock.code for stock in shares(market)]
    rows = source_of(client, EVENING).net_buying(SESSION, tickers)
    assert rows["ticker"].to_list() == sorted(tickers)
    stock = market.stocks[4]
    foreign, institution = net_shares(stock.code, SESSION)
    row = row_of(rows, stock.code)
    assert (row["foreign_shares"], row["institution_shares"]) == (foreign, institution)
    assert row["individual_shares"] == -foreign - institution
    assert row["foreign_won"] == foreign * stock.close // 1_000_000 * 1_000_000
    assert row["known_at"] == datetime(2026, 11, 20, 9, 40, tzinfo=UTC)


@pytest.mark.parametrize(("at", "provisional"), [(EVENING, True), (NIGHT, False)])
def test_net_buying_is_provisional_until_the_evenings_end(
    client: KiwoomClient, at: time, provisional: bool
) -> None:
    rows = source_of(client, at).net_buying_history("000010", [SESSION])
    assert rows["provisional"].to_list() == [provisional]


def test_net_buying_of_the_session_before_is_not_taken_for_todays(
    client: KiwoomClient, market: FakeMarket
) -> None:
    before = market.history[1]
    tickers = [stock.code for stock in shares(market)]
    market.net_buying_session = before
    try:
        with pytest.raises(BadMarketData, match=rf"aren't of {SESSION} yet.*5 of {before}"):
            source_of(client, EVENING).net_buying(SESSION, tickers)
    finally:
        market.net_buying_session = None


def test_net_buying_of_one_stocks_last_sessions(client: KiwoomClient, fake: FakeKiwoom) -> None:
    sessions = fake.market.history[:5]
    rows = source_of(client, EVENING).net_buying_history("000010", sessions, units=["shares"])
    assert len(fake.of("ka10059")) == 1
    assert rows["session"].to_list() == sorted(sessions)
    assert rows["foreign_shares"].to_list() == [
        net_shares("000010", day)[0] for day in sorted(sessions)
    ]
    assert rows["foreign_won"].null_count() == 5
    assert rows["provisional"].to_list() == [False, False, False, False, True]


def test_investors_that_dont_sum_to_nothing_are_refused(
    client: KiwoomClient, fake: FakeKiwoom
) -> None:
    def unbalance(body: dict[str, Any]) -> None:
        body["stk_invsr_orgn"][2]["frgnr_invsr"] = "9999999"

    fake.break_("ka10059", "change", change=unbalance)
    with pytest.raises(BadMarketData, match=r"ka10059 000010 shares .*sum to"):
        source_of(client).net_buying_history("000010", [SESSION], units=["shares"])


def test_without_keys_the_source_says_what_to_set(tmp_path: Any) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(SourceNotConfigured, match="no keys") as error:
        open_kiwoom(settings, guards=None)  # type: ignore[arg-type]
    assert "CLOSEBELL_KIWOOM_APP_KEY" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("auditInfo", "새로운지정", "auditInfo '새로운지정' is unknown"),
        ("state", "증거금30%|처음보는말", "state '처음보는말' is unknown"),
        ("marketCode", "77", "marketCode '77' is unknown"),
        ("orderWarning", "6", "orderWarning '6'"),
    ],
)
def test_an_unknown_word_of_the_listing_is_named(
    source: KiwoomSource, fake: FakeKiwoom, field: str, value: str, message: str
) -> None:
    def rename(body: dict[str, Any]) -> None:
        for row in body["list"][:5]:
            row[field] = value

    fake.break_("ka10099", "change", change=rename)
    with pytest.raises(BadMarketData, match=message) as error:
        source.sweep(SESSION)
    assert "kiwoom ka10099 KOSPI: 5 of 55 rows can't be read" in str(error.value)
    assert "000010" in str(error.value)
