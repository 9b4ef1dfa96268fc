"""The exchange's official session, and what its API does when it doesn't give one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fake_open_apis import KEY, FakeKrx
from memory_guards import memory_guards

from errors import BadMarketData, SourceNotConfigured, SourceRefused, SourceUnavailable
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.schemas import DailyBars, IndexBars, Instruments
from settings import Settings
from sources.http.call import Limits
from sources.http.client import Client
from sources.krx.client import Access, KrxClient, open_krx
from sources.krx.source import KrxSource, NotPublished

SESSION = date(2026, 11, 20)
NOW = datetime(2026, 11, 23, 8, 10, tzinfo=SEOUL)

# The sample that the exchange publishes, and three rows in its form.
OFFICIAL = {
    "BAS_DD": "20200414",
    "ISU_CD": "900100",
    "ISU_NM": "뉴프라이드",
    "MKT_NM": "KOSDAQ",
    "SECT_TP_NM": "외국기업(소속부없음)",
    "TDD_CLSPRC": "717",
    "CMPPREVDD_PRC": "0",
    "FLUC_RT": "0.00",
    "TDD_OPNPRC": "0",
    "TDD_HGPRC": "0",
    "TDD_LWPRC": "0",
    "ACC_TRDVOL": "0",
    "ACC_TRDVAL": "0",
    "MKTCAP": "74162628276",
    "LIST_SHRS": "103434628",
}


def trade(code: str, **changed: str) -> dict[str, str]:
    return {
        "BAS_DD": "20261120",
        "ISU_CD": code,
        "ISU_NM": f"시험{code}",
        "MKT_NM": "KOSPI",
        "SECT_TP_NM": "-",
        "TDD_CLSPRC": "10500",
        "CMPPREVDD_PRC": "-500",
        "FLUC_RT": "-4.55",
        "TDD_OPNPRC": "11000",
        "TDD_HGPRC": "11100",
        "TDD_LWPRC": "10400",
        "ACC_TRDVOL": "123456",
        "ACC_TRDVAL": "1320000000",
        "MKTCAP": "105000000000",
        "LIST_SHRS": "10000000",
    } | changed


def info(code: str, **changed: str) -> dict[str, str]:
    return {
        "ISU_CD": f"KR7{code}003",
        "ISU_SRT_CD": code,
        "ISU_NM": f"시험{code}보통주",
        "ISU_ABBRV": f"시험{code}",
        "LIST_DD": "20150102",
        "MKT_TP_NM": "KOSPI",
        "SECUGRP_NM": "주권",
        "SECT_TP_NM": "",
        "KIND_STKCERT_TP_NM": "보통주",
        "PARVAL": "무액면",
        "LIST_SHRS": "10000000",
    } | changed


def index(name: str) -> dict[str, str]:
    return {
        "BAS_DD": "20261120",
        "IDX_CLSS": "KOSPI",
        "IDX_NM": name,
        "CLSPRC_IDX": "4012.34",
        "CMPPREVDD_IDX": "-12.00",
        "FLUC_RT": "-0.30",
        "OPNPRC_IDX": "4020.00",
        "HGPRC_IDX": "4030.10",
        "LWPRC_IDX": "-",
        "ACC_TRDVOL": "300000000",
        "ACC_TRDVAL": "12000000000000",
        "MKTCAP": "",
    }


@pytest.fixture
def fake() -> Iterator[FakeKrx]:
    halted = OFFICIAL | {"BAS_DD": "20261120"}
    days = {
        "sto/stk_bydd_trd": [trade("000010"), trade("000015"), trade("088980")],
        "sto/ksq_bydd_trd": [
            halted,
            trade("300010", MKT_NM="KOSDAQ", SECT_TP_NM="관리종목(소속부없음)"),
            trade("300020", MKT_NM="KOSDAQ", SECT_TP_NM="SPAC(소속부없음)"),
        ],
        "sto/stk_isu_base_info": [
            info("000010"),
            info("000015", KIND_STKCERT_TP_NM="구형우선주"),
            info("088980", SECUGRP_NM="사회간접자본투융자회사"),
        ],
        "sto/ksq_isu_base_info": [
            info("900100", SECUGRP_NM="외국주권"),
            info("300010"),
            info("300020"),
        ],
        "idx/kospi_dd_trd": [index("코스피"), index("코스피 200"), index("코스피 대형주")],
        "idx/kosdaq_dd_trd": [index("코스닥"), index("코스닥 150")],
    }
    with FakeKrx(days={service: {"20261120": rows} for service, rows in days.items()}) as running:
        yield running


@pytest.fixture
def source(fake: FakeKrx) -> Iterator[KrxSource]:
    limits = Limits(backoff=0.01, attempts=3, total=5)
    with Client("krx", memory_guards(), limits) as http:
        client = KrxClient(http, Access(fake.url, KEY, per_second=500))
        yield KrxSource(client, TradingCalendar(), FixedClock(NOW), max_missing=0.01)


def test_the_official_session_in_six_calls(source: KrxSource, fake: FakeKrx) -> None:
    collected = source.collect(SESSION)
    assert len(fake.asked) == 6
    assert {asked.query["basDd"] for asked in fake.asked} == {"20261120"}
    bars = collected.data.bars
    assert DailyBars.is_valid(bars)
    row = bars.row(0, named=True)
    assert (row["ticker"], row["close"], row["base"]) == ("000010", 10500, 11000)
    assert (row["value"], row["market_cap"]) == (1_320_000_000, 105_000_000_000)
    assert row["collected_at"] == datetime(2026, 11, 22, 23, 10, tzinfo=UTC)


def test_a_halted_stock_keeps_its_close(source: KrxSource) -> None:
    bars = source.collect(SESSION).data.bars
    row = bars.filter(bars["ticker"] == "900100").row(0, named=True)
    assert [row[name] for name in ("open", "high", "low", "volume", "close")] == [0, 0, 0, 0, 717]
    assert row["market_cap"] == 74_162_628_276


def test_instruments_have_kind_and_designations(source: KrxSource) -> None:
    data = source.collect(SESSION).data
    assert Instruments.is_valid(data.instruments)
    assert data.instruments.select("ticker", "market", "kind").rows() == [
        ("000010", "KOSPI", "common"),
        ("000015", "KOSPI", "preferred"),
        ("088980", "KOSPI", "other"),
        ("300010", "KOSDAQ", "common"),
        ("300020", "KOSDAQ", "spac"),
        ("900100", "KOSDAQ", "common"),
    ]
    assert data.flags.select("ticker", "flag").rows() == [("300010", "administrative")]


def test_indices_are_points_as_they_are(source: KrxSource) -> None:
    bars = source.collect(SESSION).data.index_bars
    assert IndexBars.is_valid(bars)
    assert bars["index"].to_list() == ["KOSPI", "KOSDAQ", "KOSPI200"]
    row = bars.row(0, named=True)
    assert (row["close"], row["low"], row["volume"]) == (4012.34, None, 300_000_000)


def test_an_empty_day_is_not_published_yet_and_no_empty_session(source: KrxSource) -> None:
    with pytest.raises(SourceUnavailable, match="krx sto/stk_bydd_trd 2026-11-23: nothing") as e:
        source.collect(date(2026, 11, 23))
    assert "08:00" in str(e.value.remedy)


def test_indices_that_come_later_than_the_stocks_are_not_published_yet(
    source: KrxSource, fake: FakeKrx
) -> None:
    del fake.days["idx/kosdaq_dd_trd"]["20261120"]
    with pytest.raises(NotPublished, match="krx idx/kosdaq_dd_trd 2026-11-20: nothing"):
        source.collect(SESSION)


def test_designations_are_told_of_some_stocks_only(source: KrxSource) -> None:
    assert source.collect(SESSION).data.flags_from is None


def test_an_unapproved_service_is_not_configured(source: KrxSource, fake: FakeKrx) -> None:
    fake.approved = False
    with pytest.raises(SourceNotConfigured, match="krx sto/stk_bydd_trd 2026-11-20: HTTP 401"):
        source.collect(SESSION)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "reply", [(500, b""), (429, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"OutBlock_1": 5}')]
)
def test_a_passing_failure_is_waited_out(
    source: KrxSource, fake: FakeKrx, reply: tuple[int, bytes]
) -> None:
    fake.broken = [reply]
    assert source.collect(SESSION).data.bars.height == 6
    assert len(fake.asked) == 7


def test_an_error_in_the_answer_is_final(source: KrxSource, fake: FakeKrx) -> None:
    fake.broken = [(200, b'{"respCode": "902", "respMsg": "wrong"}')]
    with pytest.raises(SourceRefused, match="902 wrong"):
        source.collect(SESSION)
    assert len(fake.asked) == 1


def test_rows_of_another_day_are_refused(source: KrxSource, fake: FakeKrx) -> None:
    fake.days["sto/stk_bydd_trd"]["20261120"][1]["BAS_DD"] = "20261119"
    with pytest.raises(BadMarketData, match="20261119"):
        source.collect(SESSION)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("TDD_CLSPRC", "", "TDD_CLSPRC '': blank"),
        ("TDD_CLSPRC", "10,500", "no whole number"),
        ("FLUC_RT", "4.55", "contradicts"),
        ("MKTCAP", "105000000", "MKTCAP"),
        ("TDD_HGPRC", "10000", "out of order"),
        ("ISU_CD", "KR7000010003", "ISU_CD"),
        ("MKT_NM", "NASDAQ", "MKT_NM"),
    ],
)
def test_a_row_that_cant_be_is_named(
    source: KrxSource, fake: FakeKrx, field: str, value: str, message: str
) -> None:
    fake.days["sto/stk_bydd_trd"]["20261120"][0][field] = value
    with pytest.raises(BadMarketData, match=message):
        source.collect(SESSION)


def test_without_a_key_the_source_says_what_to_set(tmp_path: Any) -> None:
    with pytest.raises(SourceNotConfigured) as error:
        open_krx(Settings(data_dir=tmp_path), memory_guards())
    assert "CLOSEBELL_KRX_AUTH_KEY" in str(error.value.remedy)
