"""KRX's, DART's and NAVER's APIs on loopback, as described: keys, days, pages, statuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from loopback import Loopback, QuietHandler

KEY = "key-of-the-test"
KEY_ID = "id-of-the-key"


@dataclass
class Asked:
    """A request the server saw."""

    path: str
    query: dict[str, str]
    key: str
    key_id: str = ""


class _Handler(QuietHandler):
    """Asks its server, which is given with the address."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        named = self.headers.get("AUTH_KEY") or self.headers.get("X-NCP-APIGW-API-KEY")
        key = named or query.pop("crtfc_key", "")
        key_id = self.headers.get("X-NCP-APIGW-API-KEY-ID", "")
        asked = Asked(split.path, query, key, key_id)
        self.fake.asked.append(asked)
        status, headers, content = self.fake.reply(asked)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@dataclass
class Server(Loopback):
    """Answers GET by `answer`; `broken` replies come first, then the real ones."""

    handler: ClassVar = _Handler

    asked: list[Asked] = field(default_factory=list)
    broken: list[tuple[int, bytes]] = field(default_factory=list)

    def reply(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if self.broken:
            status, content = self.broken.pop(0)
            return status, {}, content
        status, body = self.answer(asked)
        return status, {}, json.dumps(body, ensure_ascii=False).encode()

    def answer(self, asked: Asked) -> tuple[int, Any]:
        raise NotImplementedError


@dataclass
class FakeKrx(Server):
    """`days` is service -> day (YYYYMMDD) -> rows; a day that isn't there is an empty list."""

    days: dict[str, dict[str, list[dict[str, str]]]] = field(default_factory=dict)
    approved: bool = True

    def answer(self, asked: Asked) -> tuple[int, Any]:
        service = asked.path.strip("/").removesuffix(".json")
        if asked.key != KEY or not self.approved:
            return 401, {"respCode": "401", "respMsg": "Unauthorized API Call"}
        if service not in self.days:
            return 404, {}
        return 200, {"OutBlock_1": self.days[service].get(asked.query["basDd"], [])}


@dataclass
class FakeDart(Server):
    """`filed` is what was filed that day, newest first."""

    filed: list[dict[str, str]] = field(default_factory=list)
    status: str = "000"
    lose: int = 0

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.key != KEY:
            return 200, {"status": "010", "message": "등록되지 않은 키입니다."}
        if self.status != "000":
            return 200, {"status": self.status, "message": "..."}
        query = asked.query
        if query["bgn_de"] != query["end_de"]:
            return 200, {"status": "100", "message": "필드의 부적절한 값입니다."}
        size, number = int(query["page_count"]), int(query["page_no"])
        rows = [row for row in self.filed if row["rcept_dt"] == query["bgn_de"]]
        if not rows:
            return 200, {"status": "013", "message": "조회된 데이타가 없습니다."}
        shown = rows[(number - 1) * size : number * size]
        if self.lose:
            shown, self.lose = shown[1:], self.lose - 1
        return 200, {
            "status": "000",
            "message": "정상",
            "page_no": number,
            "page_count": size,
            "total_count": len(rows),
            "total_page": -(-len(rows) // size),
            "list": shown,
        }


def article(title: str, published: datetime | str | None = None, number: int = 1) -> dict[str, str]:
    """One item as the search gives it, by default of the evening of 2026-11-20."""
    moment = datetime.fromisoformat("2026-11-20T14:50:00+09:00") if published is None else published
    return {
        "title": title,
        "originallink": f"http://news.example/{number}",
        "link": f"https://n.news.naver.com/mnews/article/001/{number:010d}?sid=101",
        "description": f"{title} &quot;...&quot;",
        "pubDate": moment if isinstance(moment, str) else format_datetime(moment),
    }


@dataclass
class FakeNaver(Server):
    """NAVER API HUB's news search: `articles` are found by the words of their plain titles."""

    articles: list[dict[str, str]] = field(default_factory=list)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if (asked.key_id, asked.key) != (KEY_ID, KEY):
            wrong = {"errorCode": "200", "message": "Authentication Failed"}
            return 401, {"error": wrong | {"details": "Invalid authentication information."}}
        if asked.path != "/search/v1/news":
            return 404, {"error": {"errorCode": "300", "message": "Not Found Exception"}}
        query = asked.query
        if not 1 <= int(query["display"]) <= 100 or query["sort"] not in ("sim", "date"):
            return 400, {"errorMessage": "Incorrect query request", "errorCode": "SE01"}
        found = [one for one in self.articles if query["query"] in one["title"]]
        return 200, {
            "lastBuildDate": "Fri, 20 Nov 2026 15:11:00 +0900",
            "total": len(found),
            "start": int(query["start"]),
            "display": len(found[: int(query["display"])]),
            "items": found[: int(query["display"])],
        }
