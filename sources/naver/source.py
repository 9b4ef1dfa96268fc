"""News of one stock by its name (NAVER API HUB's news search): headlines only, classified.

The search knows no tickers and answers with titles and links. Of an article its link and what
its headline's rule says are kept, never its words: passing them on isn't covered by the terms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final

import dataframely as dy
from pydantic import BeforeValidator, Field

from errors import BadMarketData, SourceNotConfigured, SourceRefused
from market.clock import SEOUL, Clock
from market.schemas import News
from settings import Settings
from sources.http.call import Call, Limits, Rate, Reply, Request, Unusable
from sources.http.client import Client
from sources.http.closing import Closing
from sources.http.guards import Guards
from sources.naver.names import Names, plain
from sources.naver.rules import Rule, classify
from sources.wire import Row, frame, parse_rows, text, tolerate

PROVIDER: Final = "naver"
SEARCH: Final = "news"
MOST: Final = 100  # the most that display may be
REACH: Final = timedelta(days=7)
AHEAD: Final = timedelta(hours=1)  # of our clock, until a date of publication can't be one
MOST_BAD: Final = 0.1  # of an answer's items
PATIENCE: Final = 5.0  # seconds for one attempt: it is asked shortly before the closing auction


def _published(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("no date")
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("no date as in RFC 822") from None
    if moment.tzinfo is None:
        raise ValueError("a date without a zone")
    return moment


class Article(Row):
    """One of the items. Titles come with tags and entities."""

    title: str = Field(min_length=1)
    link: str = Field(pattern=r"^https?://[^\s<>\"]+$")
    published: Annotated[datetime, BeforeValidator(_published)] = Field(alias="pubDate")


@dataclass(frozen=True)
class Access:
    """Where the search is and with which keys. It allows 25,000 calls a day."""

    url: str
    key_id: str = field(repr=False)
    key: str = field(repr=False)
    per_second: float = 10.0


class NaverSource(Closing):
    """Articles about chosen stocks as market.schemas.News."""

    name: Final = PROVIDER

    def __init__(self, http: Client, access: Access, clock: Clock) -> None:
        self._http = http
        self._access = access
        self._clock = clock

    def close(self) -> None:
        self._http.close()

    def news_of(self, ticker: str, names: Names) -> dy.DataFrame[News]:
        """What the headlines of the last seven days tell of a stock; `seen_at` is now.

        One call, the newest hundred articles. Each kind of event is one item, by its newest
        article. `title` is the rule's words, not the article's.

        Args:
            names: of all that is listed, to tell whose news it is.

        Raises:
            SourceNotConfigured: the keys aren't accepted.
            SourceUnavailable: no usable answer.
            BadMarketData: the answer isn't of the form expected.
        """
        name = names.of(ticker)
        call = self._call(name)
        now = self._clock.now()
        found = []
        for article in self._articles(call, name):
            recent = now - REACH <= article.published <= now + AHEAD
            headline = plain(article.title)
            rule = classify(headline) if recent else None
            if rule and rule.verdict != "neutral" and names.is_about(headline, ticker):
                found.append((article, rule))
        return frame(call, News, _news(ticker, found, now))

    def answered(self, word: str) -> int:
        """How many usable articles a search by that word gives; raises as `news_of` does."""
        return len(self._articles(self._call(word), word))

    def _articles(self, call: Call, word: str) -> list[Article]:
        items = self._search(call, word)
        parsed = parse_rows(items, Article.parse, text("link"))
        tolerate(call, "items can't be read", parsed.rejected, len(items), MOST_BAD)
        return sorted(parsed.rows, key=lambda article: article.published, reverse=True)

    def _search(self, call: Call, word: str) -> list[Mapping[str, Any]]:
        request = Request(
            "GET",
            self._access.url,
            params={
                "query": word,
                "display": str(MOST),
                "start": "1",
                "sort": "date",
                "format": "json",
            },
            headers={
                "X-NCP-APIGW-API-KEY-ID": self._access.key_id,
                "X-NCP-APIGW-API-KEY": self._access.key,
            },
        )
        return self._http.send(call, request, lambda reply: _items(call, reply))

    def _call(self, word: str) -> Call:
        return Call(PROVIDER, SEARCH, word, (Rate(PROVIDER, self._access.per_second),))


def open_naver(settings: Settings, guards: Guards, clock: Clock) -> NaverSource:
    """The source with the settings' keys.

    Raises:
        SourceNotConfigured: one is missing.
    """
    if settings.naver_key_id is None or settings.naver_key is None:
        raise SourceNotConfigured(
            "naver: no keys are set",
            remedy="register an application in NAVER API HUB (ncloud.com) and set"
            " CLOSEBELL_NAVER_KEY_ID and CLOSEBELL_NAVER_KEY",
        )
    access = Access(
        settings.naver_base_url.rstrip("/") + "/" + settings.naver_path.lstrip("/"),
        settings.naver_key_id.get_secret_value(),
        settings.naver_key.get_secret_value(),
        settings.naver_calls_per_second,
    )
    limits = Limits.of(settings)
    hasty = replace(
        limits,
        connect=min(limits.connect, PATIENCE),
        read=min(limits.read, PATIENCE),
        attempt=min(limits.attempt, PATIENCE),
        total=min(limits.total, PATIENCE),
        queue=min(limits.queue, PATIENCE),
    )
    return NaverSource(Client(PROVIDER, guards, hasty), access, clock)


def _items(call: Call, reply: Reply) -> list[Mapping[str, Any]]:
    said = reply.body[:200].decode(errors="replace")
    if reply.status in (401, 403):
        raise SourceNotConfigured(
            f"{call}: HTTP {reply.status} {said!r}",
            remedy="check CLOSEBELL_NAVER_KEY_ID and CLOSEBELL_NAVER_KEY, and that the"
            " application may use the news search",
        )
    if reply.status != 200:
        raise SourceRefused(
            f"{call}: HTTP {reply.status} {said!r}",
            remedy="check CLOSEBELL_NAVER_BASE_URL and CLOSEBELL_NAVER_PATH",
        )
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"no JSON in {len(reply.body)} bytes ({error})") from None
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        has = sorted(map(str, body))[:10] if isinstance(body, dict) else type(body).__name__
        raise BadMarketData(
            f"{call}: an answer without a list `items` of objects; it has {has}",
            remedy="the search's answer isn't of the form it is documented in; please report it",
        )
    return items


def _news(
    ticker: str, found: Iterable[tuple[Article, Rule]], seen_at: datetime
) -> list[dict[str, object]]:
    """One row a kind of event, from its newest article (they come newest first)."""
    newest: dict[str, tuple[Article, Rule]] = {}
    for article, rule in found:
        newest.setdefault(rule.kind, (article, rule))
    return [
        {
            "id": f"{PROVIDER}:{ticker}:{kind}:{article.published.astimezone(SEOUL):%Y-%m-%d}",
            "ticker": ticker,
            "seen_at": seen_at.astimezone(UTC),
            "verdict": rule.verdict,
            "title": rule.words,
            "url": article.link,
            "source": PROVIDER,
        }
        for kind, (article, rule) in newest.items()
    ]
