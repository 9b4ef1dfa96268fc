"""News of a stock by its name: whose it is, what its headline means, what is kept of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_open_apis import KEY, KEY_ID, Asked, FakeNaver, article
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_guards import memory_guards

from errors import (
    BadMarketData,
    ClosebellError,
    RateLimited,
    SourceNotConfigured,
    SourceRefused,
    SourceUnavailable,
)
from market.clock import SEOUL, FixedClock
from market.schemas import News
from settings import Settings
from sources.http.call import Limits
from sources.http.client import Client
from sources.naver.names import Names, plain
from sources.naver.rules import RULES, classify
from sources.naver.source import Access, NaverSource, open_naver

NOW = datetime(2026, 11, 20, 15, 12, tzinfo=SEOUL)
LISTED = {
    "005930": "삼성전자",
    "005935": "삼성전자우",
    "000660": "SK하이닉스",
    "001680": "대상",
    "084690": "대상홀딩스",
    "068270": "셀트리온",
    "068760": "셀트리온제약",
    "033780": "KT&G",
    "030200": "KT",
    "900001": "겹친이름",
    "900002": "겹친이름",
    "066570": "LG전자",
}
NAMES = Names(LISTED)
CONTRACT = "<b>삼성전자</b>, 22조 규모 공급계약 체결"


@pytest.fixture
def fake() -> Iterator[FakeNaver]:
    with FakeNaver() as running:
        yield running


def opened(fake: FakeNaver, **limits: Any) -> NaverSource:
    chosen = Limits(**({"backoff": 0.01, "attempts": 3, "total": 5} | limits))
    access = Access(f"{fake.url}/search/v1/news", KEY_ID, KEY, per_second=500)
    return NaverSource(Client("naver", memory_guards(), chosen), access, FixedClock(NOW))


@pytest.fixture
def source(fake: FakeNaver) -> Iterator[NaverSource]:
    with opened(fake) as source:
        yield source


def test_an_item_is_the_link_and_the_rule_and_not_the_articles_words(
    source: NaverSource, fake: FakeNaver
) -> None:
    fake.articles = [article(CONTRACT)]
    news = source.news_of("005930", NAMES)
    assert News.is_valid(news)
    assert news.rows(named=True) == [
        {
            "id": "naver:005930:supply contract:2026-11-20",
            "ticker": "005930",
            "seen_at": datetime(2026, 11, 20, 6, 12, tzinfo=UTC),
            "verdict": "positive",
            "title": "공급 계약",
            "url": "https://n.news.naver.com/mnews/article/001/0000000001?sid=101",
            "source": "naver",
        }
    ]
    [asked] = fake.asked
    assert asked.query == {
        "query": "삼성전자",
        "display": "100",
        "start": "1",
        "sort": "date",
        "format": "json",
    }


def test_many_articles_of_one_event_are_one_item_by_the_newest(
    source: NaverSource, fake: FakeNaver
) -> None:
    fake.articles = [
        article(CONTRACT, NOW - timedelta(hours=hours), hours) for hours in (30, 2, 5)
    ] + [article("[특징주] 삼성전자, 자사주 소각 결정에 강세", NOW - timedelta(days=2), 9)]
    news = source.news_of("005930", NAMES)
    assert news["id"].to_list() == [
        "naver:005930:buyback:2026-11-18",
        "naver:005930:supply contract:2026-11-20",
    ]
    assert "0000000002" in news["url"][1]


@pytest.mark.parametrize(
    ("published", "counts"),
    [
        (NOW - timedelta(days=6, hours=23), 1),
        (NOW - timedelta(days=7, minutes=1), 0),
        (NOW + timedelta(minutes=30), 1),
        (NOW + timedelta(hours=2), 0),
    ],
)
def test_only_the_last_seven_days_count(
    source: NaverSource, fake: FakeNaver, published: datetime, counts: int
) -> None:
    fake.articles = [article(CONTRACT, published)]
    assert source.news_of("005930", NAMES).height == counts


@pytest.mark.parametrize(
    ("headline", "ticker", "is_it"),
    [
        ("삼성전자, 공급계약", "005930", True),
        ("'삼성전자' 공급계약", "005930", True),
        ("삼성전자가 공급계약", "005930", True),
        ("[특징주]삼성전자↑", "005930", True),
        ("삼성전자우, 공급계약", "005930", False),
        ("삼성전자 우 공급계약", "005930", False),
        ("삼성전자서비스 공급계약", "005930", False),
        ("한국삼성전자 공급계약", "005930", False),
        ("부품사 A, 삼성전자와 공급계약", "005930", False),
        ("부품사 A, 삼성전자에 공급계약", "005930", False),
        ("삼성전자·SK하이닉스 공급계약", "005930", False),
        ("삼성전자, KT에 공급계약", "005930", False),
        ("셀트리온, 공급계약", "068270", True),
        ("셀트리온제약, 공급계약", "068270", False),
        ("셀트리온 제약, 공급계약", "068270", False),
        ("셀트리온제약, 공급계약", "068760", True),
        ("대상홀딩스, 공급계약", "084690", True),
        ("KT&G, 공급계약", "033780", True),
        ("kt&g, 공급계약", "033780", True),
        ("LG전자3 공급계약", "066570", False),
        ("공급계약", "005930", False),
        ("", "005930", False),
    ],
)
def test_whose_news_it_is(headline: str, ticker: str, is_it: bool) -> None:
    assert NAMES.is_about(headline, ticker) is is_it


@pytest.mark.parametrize(
    ("ticker", "askable"),
    [("005930", True), ("001680", False), ("030200", False), ("900001", False), ("123456", False)],
)
def test_a_name_that_is_short_or_anothers_too_is_not_looked_for(ticker: str, askable: bool) -> None:
    assert NAMES.askable(ticker) is askable


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("<b>삼성</b><b>전자</b> &amp; KT&amp;G", "삼성전자 & KT&G"),
        ("&quot;삼성전자&quot; &#39;최고&#39;", "\"삼성전자\" '최고'"),
        ("5 &lt; 6 <script>alert(1)</script>", "5 < 6 alert(1)"),
        ("삼성\u200b전자\x00\n 공급\u00a0계약", "삼성전자 공급 계약"),
        ("\u1109\u1161\u11b7성전자", "삼성전자"),
        ("a < b > c", "a < b > c"),
        ("&#xd800;&#x110000;", "\ufffd\ufffd"),
    ],
)
def test_titles_are_read_as_they_are_shown(title: str, shown: str) -> None:
    assert plain(title) == shown


@pytest.mark.parametrize(
    ("headline", "verdict"),
    [
        ("A사, 300억 규모 공급 계약 체결", "positive"),
        ("A사 공급계약 해지", "negative"),
        ("A사, 공급계약 기대에 강세", "neutral"),
        ("A사 전 대표 횡령 혐의 기소", "blocking"),
        ("A사 전 대표 횡령·배임 무혐의", "neutral"),
        ("A사, 유상증자 결정", "blocking"),
        ("A사, 유상증자 철회", "neutral"),
        ("A사 '유상증자설' 사실무근", "neutral"),
        ("A사 거래정지 해제", "neutral"),
        ("A사, 감사의견 거절", "blocking"),
        ("A사, 감사의견 적정", "neutral"),
        ("A사, 감사의견 비적정", "blocking"),
        ("A사, 무상증자 결정", "positive"),
        ("A사, 자사주 매입", "positive"),
        ("A사, 3분기 어닝쇼크", "negative"),
        ("A사, 3분기 어닝 서프라이즈", "positive"),
        ("정부도 A사 지원", None),
        ("A사 감자칩 신제품", None),
        ("삼성화재 신상품", None),
        ("A사, 3주 수주간 강세", None),
        ("A사 현 지배 임원", None),
    ],
)
def test_what_a_headline_means(headline: str, verdict: str | None) -> None:
    rule = classify(headline)
    assert (rule and rule.verdict) == verdict


def test_every_rule_can_decide_and_says_of_which_kind_it_is() -> None:
    """None is hidden behind one that stands before it."""
    assert [rule for rule in RULES if classify(rule.words) is not rule] == []
    assert all(bool(rule.kind) is (rule.verdict != "neutral") for rule in RULES)


@pytest.mark.parametrize("reply", [(500, b""), (429, b""), (200, b"<html>"), (200, b"[" * 100_000)])
def test_a_passing_failure_is_waited_out(
    source: NaverSource, fake: FakeNaver, reply: tuple[int, bytes]
) -> None:
    fake.articles, fake.broken = [article(CONTRACT)], [reply]
    assert source.news_of("005930", NAMES).height == 1
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("status", "error"), [(500, SourceUnavailable), (429, RateLimited), (503, SourceUnavailable)]
)
def test_a_failure_that_stays_ends_after_its_attempts(
    source: NaverSource, fake: FakeNaver, status: int, error: type[ClosebellError]
) -> None:
    fake.broken = [(status, b"")] * 9
    with pytest.raises(error, match=f"naver news 삼성전자: .*HTTP {status}.*3 attempts"):
        source.news_of("005930", NAMES)
    assert len(fake.asked) == 3


def test_a_hang_ends_at_the_limit() -> None:
    class Hanging(FakeNaver):
        def answer(self, asked: Asked) -> tuple[int, Any]:
            self.closing.wait(60)
            return super().answer(asked)

    with (
        Hanging() as fake,
        opened(fake, attempts=1, attempt=0.3) as source,
        pytest.raises(SourceUnavailable, match="naver news 삼성전자: not finished within"),
    ):
        source.news_of("005930", NAMES)


@pytest.mark.parametrize(
    ("status", "error"), [(401, SourceNotConfigured), (403, SourceNotConfigured)]
)
def test_refused_keys_are_not_tried_again(
    source: NaverSource, fake: FakeNaver, status: int, error: type[ClosebellError]
) -> None:
    fake.broken = [(status, b'{"error": {"errorCode": "200"}}')]
    with pytest.raises(error, match=f"naver news 삼성전자: HTTP {status}") as raised:
        source.news_of("005930", NAMES)
    assert "CLOSEBELL_NAVER_KEY" in str(raised.value.remedy)
    assert len(fake.asked) == 1


def test_another_refusal_is_final(source: NaverSource, fake: FakeNaver) -> None:
    fake.broken = [(400, b'{"errorCode": "SE01"}')]
    with pytest.raises(SourceRefused, match=r"HTTP 400 .*SE01"):
        source.news_of("005930", NAMES)


@pytest.mark.parametrize(
    ("body", "has"),
    [
        (b"{}", r"\[\]"),
        (b'{"data": {"items": []}}', r"\['data'\]"),
        (b"[]", "list"),
        (b'{"items": 5}', r"\['items'\]"),
        (b'{"items": ["a"]}', r"\['items'\]"),
    ],
)
def test_an_answer_of_another_form_is_an_error_that_names_it(
    source: NaverSource, fake: FakeNaver, body: bytes, has: str
) -> None:
    fake.broken = [(200, body)]
    with pytest.raises(BadMarketData, match=f"without a list `items` of objects; it has {has}"):
        source.news_of("005930", NAMES)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pubDate", "yesterday"),
        ("pubDate", "Fri, 20 Nov 2026 14:50:00"),
        ("pubDate", ""),
        ("link", "javascript:alert(1)"),
        ("link", ""),
        ("title", ""),
    ],
)
def test_items_that_cant_be_read_are_refused_by_name(
    source: NaverSource, fake: FakeNaver, field: str, value: str
) -> None:
    good, bad = article(CONTRACT), article(CONTRACT) | {field: value}
    with FakeNaver() as other, opened(other) as all_bad:
        other.answer = lambda _asked: (200, {"items": [bad]})  # type: ignore[method-assign]
        with pytest.raises(BadMarketData, match=f"1 of 1 items can't be read.*{field}"):
            all_bad.news_of("005930", NAMES)
    fake.answer = lambda _asked: (200, {"items": [bad, *[good] * 9]})  # type: ignore[method-assign]
    assert source.news_of("005930", NAMES).height == 1, "one in ten is left out"


def test_no_string_gets_through_unread() -> None:
    """An item is taken whole, or the answer is refused with a typed error; nothing else."""
    texts = st.one_of(
        st.text(),
        st.sampled_from([CONTRACT, "Fri, 20 Nov 2026 14:50:00 +0900", "https://a.example/1"]),
        st.from_regex(
            r"[A-Z][a-z]{2}, [0-9]{1,4} Nov [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3} \+[0-9]{1,6}"
        ),
        st.none(),
        st.integers(),
    )
    items = st.lists(st.fixed_dictionaries({"title": texts, "link": texts, "pubDate": texts}))

    with FakeNaver() as fake, opened(fake) as source:

        @settings(max_examples=150, deadline=None)
        @given(items)
        def read(found: list[dict[str, Any]]) -> None:
            fake.answer = lambda _asked: (200, {"items": found})  # type: ignore[method-assign]
            whole = [
                i for i in found if i["title"] == CONTRACT and i["link"] == "https://a.example/1"
            ]
            told = [i for i in whole if i["pubDate"] == "Fri, 20 Nov 2026 14:50:00 +0900"]
            try:
                news = source.news_of("005930", NAMES)
            except BadMarketData:
                assert len(told) < len(found)
            else:
                assert news.height >= bool(told)

        read()


@settings(max_examples=300, deadline=None)
@given(st.text(), st.text())
def test_any_title_is_judged_and_a_stock_is_named_only_where_its_name_is(
    before: str, after: str
) -> None:
    headline = plain(before + "삼성전자" + after)
    classify(headline)
    if NAMES.is_about(headline, "005930"):
        assert "삼성전자" in headline
        assert not NAMES.is_about(headline, "005935")
    assert not [c for c in headline if unicodedata.category(c)[0] == "C"]


def test_no_error_and_no_log_shows_a_key(
    source: NaverSource, fake: FakeNaver, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.broken = [(503, b"")] * 3
    with pytest.raises(SourceUnavailable) as error:
        source.news_of("005930", NAMES)
    access = Access("http://x", KEY_ID, KEY)
    shown = str(error.value) + repr(error.value.__cause__) + repr(access)
    shown += "".join(capfd.readouterr())
    assert KEY not in shown
    assert KEY_ID not in shown


def test_without_keys_the_source_says_what_to_set(tmp_path: Any) -> None:
    with pytest.raises(SourceNotConfigured) as error:
        open_naver(Settings(data_dir=tmp_path), memory_guards(), FixedClock(NOW))
    assert "CLOSEBELL_NAVER_KEY_ID" in str(error.value.remedy)
