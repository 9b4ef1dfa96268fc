"""The KRX and DART Open APIs on loopback, from their descriptions: keys, days, pages, statuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from loopback import Loopback, QuietHandler

KEY = "key-of-the-test"


@dataclass
class Asked:
    """A request the server saw."""

    path: str
    query: dict[str, str]
    key: str


class _Handler(QuietHandler):
    """Asks its server, which is given with the address."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        key = self.headers.get("AUTH_KEY") or query.pop("crtfc_key", "")
        asked = Asked(split.path, query, key)
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
