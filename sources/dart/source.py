"""Today's disclosures of the whole market (list.json), page by page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import dataframely as dy
import polars as pl
from pydantic import Field

from errors import BadMarketData, RateLimited, SourceNotConfigured, SourceRefused
from market.clock import Clock
from market.schemas import TICKER, News
from settings import Settings
from sources.dart.rules import classify
from sources.http.call import Call, Limits, Rate, Reply, Request, Unusable
from sources.http.client import Client
from sources.http.closing import Closing
from sources.http.guards import Guards
from sources.wire import Row, frame, parse_rows, text, tolerate

PROVIDER: Final = "dart"
LIST: Final = "list.json"
PAGE: Final = 100  # the most that page_count may be
MOST_PAGES: Final = 100
SWEEPS: Final = 3
MOST_BAD: Final = 0.01  # of a day's rows
VIEWER: Final = "https://dart.fss.or.kr/dsaf001/main.do?rcpNo="
LISTED: Final = {"Y": "KOSPI", "K": "KOSDAQ"}

# Statuses: the API's guide and its clients' tables.
DONE: Final = "000"
NOTHING: Final = "013"
KEY: Final = {
    "010": "the key isn't registered",
    "011": "the key can't be used",
    "012": "this address isn't allowed",
    "901": "the key has expired",
}
QUOTA: Final = "020"
PASSING: Final = {"800": "maintenance", "900": "undefined error"}


class Disclosure(Row):
    """One row of list.json. It carries a date but no time of day."""

    receipt: str = Field(alias="rcept_no", pattern=r"^[0-9]{14}$")
    ticker: str = Field(alias="stock_code", pattern=TICKER)
    report: str = Field(alias="report_nm", min_length=1)
    market: str = Field(alias="corp_cls", pattern=r"^[YK]$")


@dataclass(frozen=True)
class Access:
    """Where the API is and with which key. More than some 1,000 calls a minute are refused."""

    base_url: str
    key: str = field(repr=False)
    per_second: float = 5.0


class DartSource(Closing):
    """Disclosures of KOSPI and KOSDAQ stocks as market.schemas.News."""

    name: Final = PROVIDER

    def __init__(self, http: Client, access: Access, clock: Clock) -> None:
        self._http = http
        self._access = access
        self._clock = clock

    def close(self) -> None:
        self._http.close()

    def news(self, first: date, last: date) -> dy.DataFrame[News]:
        """The whole market's disclosures of these days, one after the other; see below."""
        days = ((last - first).days + 1) if last >= first else 0
        found = [self.disclosures(first + timedelta(days=n)) for n in range(days)]
        return News.cast(pl.concat([News.create_empty(), *found]).unique("id", keep="last"))

    def disclosures(self, day: date) -> dy.DataFrame[News]:
        """What was filed on `day` as far as it is known now; `seen_at` is now.

        The list grows while it is read, so it is read again until nothing is missing.

        Raises:
            SourceNotConfigured: the key isn't accepted.
            RateLimited: the day's calls are used up.
            SourceUnavailable: no usable answer.
            BadMarketData: fewer came than announced, or too many can't be read.
        """
        seen_at = self._clock.now()
        wires: dict[str, Mapping[str, Any]] = {}
        total = 0
        for _ in range(SWEEPS):
            total = self._sweep(day, wires)
            if len(wires) >= total:
                break
        else:
            raise BadMarketData(
                f"{self._call(day)}: {len(wires)} of {total} disclosures came in {SWEEPS} readings"
            )
        listed = [wire for wire in wires.values() if text("corp_cls")(wire) in LISTED]
        own = [wire for wire in listed if text("stock_code")(wire)]
        parsed = parse_rows(own, Disclosure.parse, text("rcept_no"))
        tolerate(self._call(day), "rows can't be read", parsed.rejected, len(own), MOST_BAD)
        return frame(self._call(day), News, _news(parsed.rows, seen_at))

    def _sweep(self, day: date, wires: dict[str, Mapping[str, Any]]) -> int:
        """Add every page's rows by receipt number; gives the total announced last."""
        for number in range(1, MOST_PAGES + 1):
            page = self._page(day, number)
            rows = page.get("list", [])
            for row in rows:
                wires[text("rcept_no")(row)] = row
            if number >= int(page.get("total_page", 0)) or not rows:
                return int(page.get("total_count", 0))
        raise BadMarketData(f"{self._call(day)}: no end after {MOST_PAGES} pages")

    def _page(self, day: date, number: int) -> Mapping[str, Any]:
        call = self._call(day, f"page {number}")
        shown = f"{day:%Y%m%d}"
        params = {
            "crtfc_key": self._access.key,
            "bgn_de": shown,
            "end_de": shown,
            "page_no": str(number),
            "page_count": str(PAGE),
        }
        request = Request("GET", f"{self._access.base_url}/{LIST}", params=params)
        return self._http.send(call, request, lambda reply: _answer(call, reply))

    def _call(self, day: date, page: str = "") -> Call:
        rate = Rate(PROVIDER, self._access.per_second)
        return Call(PROVIDER, LIST, f"{day} {page}".strip(), (rate,))


def open_dart(settings: Settings, guards: Guards, clock: Clock) -> DartSource:
    """The source with the settings' key.

    Raises:
        SourceNotConfigured: it is missing.
    """
    if settings.dart_key is None:
        raise SourceNotConfigured(
            "dart: no key is set", remedy="get one at opendart.fss.or.kr and set CLOSEBELL_DART_KEY"
        )
    access = Access(
        settings.dart_base_url.rstrip("/"),
        settings.dart_key.get_secret_value(),
        settings.dart_calls_per_second,
    )
    return DartSource(Client(PROVIDER, guards, Limits.of(settings)), access, clock)


def _answer(call: Call, reply: Reply) -> Mapping[str, Any]:
    if reply.status != 200:
        raise SourceRefused(f"{call}: HTTP {reply.status}")
    try:
        body = json.loads(reply.body)
    except ValueError as error:
        raise Unusable(f"no JSON in {len(reply.body)} bytes ({error})") from None
    if not isinstance(body, dict):
        raise Unusable("JSON, but no object")
    status = str(body.get("status", ""))
    if status == NOTHING:
        return {"list": [], "total_count": 0, "total_page": 0}
    said = f"{call}: status {status} {str(body.get('message', ''))[:200]!r}"
    if status == QUOTA:
        raise RateLimited(said, remedy="the day's calls are used up; wait until tomorrow")
    if status in KEY:
        raise SourceNotConfigured(f"{said}: {KEY[status]}", remedy="check CLOSEBELL_DART_KEY")
    if status in PASSING or not status:
        raise Unusable(f"status {status!r} {PASSING.get(status, '')}".strip())
    if status != DONE:
        raise SourceRefused(said)
    counts = (body.get("total_count"), body.get("total_page"))
    if not isinstance(body.get("list"), list) or not all(str(n).isdigit() for n in counts):
        raise Unusable("an answer without list, total_count or total_page")
    return body


def _news(rows: Iterable[Disclosure], seen_at: datetime) -> list[dict[str, object]]:
    return [
        {
            "id": f"{PROVIDER}:{row.receipt}",
            "ticker": row.ticker,
            "seen_at": seen_at.astimezone(UTC),
            "verdict": classify(row.report)[0],
            "title": row.report.strip(),
            "url": VIEWER + row.receipt,
            "source": PROVIDER,
        }
        for row in rows
    ]
