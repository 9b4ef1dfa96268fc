"""The day's disclosures, whole, and what their titles mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fake_open_apis import KEY, FakeDart
from memory_guards import memory_guards

from errors import (
    BadMarketData,
    RateLimited,
    SourceNotConfigured,
    SourceRefused,
    SourceUnavailable,
)
from market.clock import SEOUL, FixedClock
from market.schemas import News
from settings import Settings
from sources.dart.rules import RULES, classify
from sources.dart.source import Access, DartSource, open_dart
from sources.http.call import Limits
from sources.http.client import Client

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, 11, tzinfo=SEOUL)


def filing(number: int, **changed: str) -> dict[str, str]:
    return {
        "corp_code": f"{number:08d}",
        "corp_name": f"시험{number}",
        "stock_code": f"{10 * number:06d}",
        "corp_cls": "YKNE"[number % 4],
        "report_nm": "단일판매ㆍ공급계약체결",
        "rcept_no": f"20261120{number:06d}",
        "flr_nm": "시험",
        "rcept_dt": "20261120",
        "rm": "유",
    } | changed


@pytest.fixture
def fake() -> Iterator[FakeDart]:
    with FakeDart(filed=[filing(n) for n in range(249, 0, -1)]) as running:
        yield running


@pytest.fixture
def http() -> Iterator[Client]:
    with Client("dart", memory_guards(), Limits(backoff=0.01, attempts=3, total=5)) as client:
        yield client


@pytest.fixture
def source(fake: FakeDart, http: Client) -> DartSource:
    return DartSource(http, Access(fake.url, KEY, per_second=500), FixedClock(NOW))


def test_all_pages_of_the_day_are_read(source: DartSource, fake: FakeDart) -> None:
    news = source.disclosures(DAY)
    assert News.is_valid(news)
    assert len(fake.asked) == 3
    assert {asked.query["page_count"] for asked in fake.asked} == {"100"}
    markets = [filing(n)["corp_cls"] for n in range(1, 250)]
    assert news.height == markets.count("Y") + markets.count("K")


def test_a_disclosure_counts_from_when_it_was_seen(source: DartSource) -> None:
    row = source.disclosures(DAY).row(0, named=True)
    assert row == {
        "id": "dart:20261120000001",
        "ticker": "000010",
        "seen_at": datetime(2026, 11, 20, 6, 11, tzinfo=UTC),
        "verdict": "positive",
        "title": "단일판매ㆍ공급계약체결",
        "url": "https://dart.fss.or.kr/dsaf001/main.do?rcpNo=20261120000001",
        "source": "dart",
    }


def test_a_day_without_disclosures_is_empty_and_no_error(source: DartSource) -> None:
    assert source.disclosures(date(2026, 11, 21)).height == 0


def test_companies_without_a_listed_stock_are_left_out(source: DartSource, fake: FakeDart) -> None:
    fake.filed = [filing(4, stock_code=""), filing(8)]
    assert source.disclosures(DAY)["ticker"].to_list() == ["000080"]


def test_a_list_that_shifts_while_it_is_read_is_read_again(
    source: DartSource, fake: FakeDart
) -> None:
    fake.lose = 1
    news = source.disclosures(DAY)
    assert "002490" in news["ticker"]
    assert len(fake.asked) == 6


def test_a_list_that_never_adds_up_is_refused(source: DartSource, fake: FakeDart) -> None:
    fake.lose = 99
    with pytest.raises(BadMarketData, match="246 of 249 disclosures came in 3 readings"):
        source.disclosures(DAY)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("010", SourceNotConfigured),
        ("011", SourceNotConfigured),
        ("012", SourceNotConfigured),
        ("901", SourceNotConfigured),
        ("020", RateLimited),
        ("100", SourceRefused),
        ("101", SourceRefused),
    ],
)
def test_a_status_that_wont_pass_is_final(
    source: DartSource, fake: FakeDart, status: str, error: type[Exception]
) -> None:
    fake.status = status
    with pytest.raises(error, match=f"dart list.json 2026-11-20 page 1: status {status}"):
        source.disclosures(DAY)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", ["800", "900"])
def test_a_status_that_may_pass_is_tried_again(
    source: DartSource, fake: FakeDart, status: str
) -> None:
    fake.status = status
    with pytest.raises(SourceUnavailable, match=status):
        source.disclosures(DAY)
    assert len(fake.asked) == 3


@pytest.mark.parametrize("reply", [(200, b"<html>"), (200, b'{"status": "000"}'), (502, b"")])
def test_a_broken_answer_is_asked_for_again(
    source: DartSource, fake: FakeDart, reply: tuple[int, bytes]
) -> None:
    fake.broken = [reply]
    assert source.disclosures(DAY).height == 125


def test_no_error_and_no_log_shows_the_key(
    source: DartSource, fake: FakeDart, capfd: pytest.CaptureFixture[str]
) -> None:
    """It goes in the query, which is nobody's business."""
    fake.broken = [(503, b"")] * 3
    with pytest.raises(SourceUnavailable) as error:
        source.disclosures(DAY)
    shown = str(error.value) + repr(error.value.__cause__) + "".join(capfd.readouterr())
    assert "list.json" in shown
    assert KEY not in shown


def test_without_a_key_the_source_says_what_to_set(tmp_path: Any) -> None:
    with pytest.raises(SourceNotConfigured) as error:
        open_dart(Settings(data_dir=tmp_path), memory_guards(), FixedClock(NOW))
    assert "CLOSEBELL_DART_KEY" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("title", "verdict"),
    [
        ("단일판매ㆍ공급계약체결", "positive"),
        ("단일판매·공급계약체결(자율공시)", "positive"),
        ("단일판매ㆍ공급계약해지", "negative"),
        ("[기재정정]단일판매ㆍ공급계약체결", "neutral"),
        ("주요사항보고서(자기주식취득결정)", "positive"),
        ("주요사항보고서(자기주식처분결정)", "negative"),
        ("주요사항보고서(자기주식취득신탁계약체결결정)", "positive"),
        ("주식소각결정", "positive"),
        ("주요사항보고서(무상증자결정)", "positive"),
        ("주요사항보고서(유무상증자결정)", "blocking"),
        ("주요사항보고서(유상증자결정)", "blocking"),
        ("[기재정정]주요사항보고서(유상증자결정)", "blocking"),
        ("유상증자결정(철회)", "neutral"),
        ("유상증자또는주식관련사채등의발행결과(자율공시)", "neutral"),
        ("주요사항보고서(전환사채권발행결정)", "negative"),
        ("횡령ㆍ배임혐의발생", "blocking"),
        ("상장적격성 실질심사 대상 결정", "blocking"),
        ("상장적격성실질심사대상제외", "neutral"),
        ("주권매매거래정지(상장폐지 사유 발생)", "blocking"),
        ("주권매매거래정지해제", "neutral"),
        ("감사의견거절", "blocking"),
        ("감사보고서제출", "neutral"),
        ("주요사항보고서(회생절차개시신청)", "blocking"),
        ("주요사항보고서(회생절차폐지결정)", "blocking"),
        ("회생절차종결결정", "neutral"),
        ("유상증자결정(종속회사의주요경영사항)", "neutral"),
        ("유상증자결정(자회사의 주요경영사항)", "neutral"),
        ("유무상증자결정(자회사의 주요경영사항)", "neutral"),
        ("파산신청(종속회사의주요경영사항)", "blocking"),
        ("관리종목지정", "negative"),
        ("관리종목지정해제", "neutral"),
        ("불성실공시법인지정예고", "negative"),
        ("불성실공시법인미지정", "neutral"),
        ("영업(잠정)실적(공정공시)", "neutral"),
        ("매출액또는손익구조30%(대규모법인은15%)이상변경", "neutral"),
        ("최대주주변경", "neutral"),
        ("분기보고서 (2026.09)", "neutral"),
        ("임원ㆍ주요주주특정증권등소유상황보고서", "neutral"),
    ],
)
def test_what_a_title_means(title: str, verdict: str) -> None:
    assert classify(title)[0] == verdict


def test_every_rule_can_decide() -> None:
    """None is hidden behind one that stands before it."""
    assert [rule for rule in RULES if classify(rule.title)[1] is not rule] == []
