"""Kiwoom's REST API on loopback, written from its specification, with its ways of failing.

It keeps one call a second and TR with a burst of two (times `speed`), issues and checks tokens,
hands lists out in pages by header, refuses what the specification doesn't allow, and remembers
every call. `break_` makes the coming calls of a TR fail.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fake_kiwoom_market import FakeMarket, Wire
from loopback import Loopback, QuietHandler

KST = timedelta(hours=9)
APP_KEY, SECRET_KEY = "app-key-of-the-test", "secret-key-of-the-test"

# TR: its path, its required fields.
TRS = {
    "au10001": ("/oauth2/token", ("grant_type", "appkey", "secretkey")),
    "au10002": ("/oauth2/revoke", ("appkey", "secretkey", "token")),
    "ka10099": ("/api/dostk/stkinfo", ("mrkt_tp",)),
    "ka10095": ("/api/dostk/stkinfo", ("stk_cd",)),
    "ka10059": ("/api/dostk/stkinfo", ("dt", "stk_cd", "amt_qty_tp", "trde_tp", "unit_tp")),
    "ka10066": ("/api/dostk/mrkcond", ("mrkt_tp", "amt_qty_tp", "trde_tp", "stex_tp")),
    "ka10081": ("/api/dostk/chart", ("stk_cd", "base_dt", "upd_stkpc_tp")),
    "ka20002": ("/api/dostk/sect", ("mrkt_tp", "inds_cd", "stex_tp")),
    "ka20006": ("/api/dostk/chart", ("inds_cd", "base_dt")),
    "ka20001": ("/api/dostk/sect", ("mrkt_tp", "inds_cd")),
    "ka20003": ("/api/dostk/sect", ("inds_cd",)),
}
PAGES = {"ka20002": 100, "ka10066": 100, "ka10081": 600, "ka20006": 600, "ka10099": 10_000}


@dataclass
class Seen:
    """A call the server saw."""

    tr: str
    at: float
    status: int
    next_key: str
    body: dict[str, Any]
    token: str


@dataclass
class Fault:
    """What happens to calls `after`+1 to `after`+`times` of a TR."""

    kind: str
    times: int = 1
    after: int = 0
    seconds: float = 0.0
    header: str | None = None
    change: Callable[[dict[str, Any]], None] | None = None


@dataclass
class Bucket:
    tokens: float
    at: float = field(default_factory=time.monotonic)


class FakeKiwoom(Loopback):
    """`speed` 50 makes a second of Kiwoom's 20 ms long."""

    def __init__(self, market: FakeMarket, *, speed: float = 50.0, same_token: bool = True) -> None:
        self.market = market
        self.per_second = speed
        self.burst = 2.0
        self.same_token = same_token
        self.calls: list[Seen] = []
        self.tokens: set[str] = set()
        self.token_hours = 24.0
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self._numbers: dict[str, int] = defaultdict(int)
        self._buckets: dict[str, Bucket] = {}
        self._issued = 0
        self._last_token = ""
        self._lock = threading.Lock()

    def break_(self, tr: str, kind: str, **how: Any) -> None:
        """From now on, let calls of a TR fail: see `Fault` and `_Handler.do_POST`."""
        with self._lock:
            how["after"] = how.get("after", 0) + self._numbers[tr]
            self.faults[tr].append(Fault(kind, **how))

    def kill_tokens(self) -> None:
        """All tokens given out so far are dead."""
        with self._lock:
            self.tokens.clear()
            self._last_token = ""

    def of(self, tr: str) -> list[Seen]:
        """The calls of one TR, in order."""
        return [call for call in self.calls if call.tr == tr]

    def refused(self) -> int:
        """How many calls broke the limit of calls a second."""
        return sum(call.status == 429 for call in self.calls)

    def issue(self) -> str:
        """A token: the one there is, or a new one that ends the others."""
        with self._lock:
            if self.same_token and self._last_token in self.tokens:
                return self._last_token
            self._issued += 1
            self._last_token = f"token-{self._issued}"
            self.tokens = {self._last_token}
            return self._last_token

    def fault_of(self, tr: str) -> Fault | None:
        with self._lock:
            number = self._numbers[tr]
            self._numbers[tr] += 1
            for fault in self.faults[tr]:
                if fault.after <= number < fault.after + fault.times:
                    return fault
        return None

    def over_limit(self, tr: str) -> bool:
        with self._lock:
            now = time.monotonic()
            bucket = self._buckets.setdefault(tr, Bucket(self.burst))
            gained = (now - bucket.at) * self.per_second
            bucket.tokens = min(self.burst, bucket.tokens + gained)
            bucket.at = now
            if bucket.tokens < 1.0:
                return True
            bucket.tokens -= 1.0
            return False

    def answer(self, tr: str, body: dict[str, str]) -> tuple[str, list[Wire], dict[str, Any]]:
        market = self.market
        match tr:
            case "ka10099":
                return "list", market.listing(body["mrkt_tp"]), {}
            case "ka20002":
                return "inds_stkpc", market.sweep(body["mrkt_tp"]), {}
            case "ka10095":
                return "atn_stk_infr", market.chosen(body["stk_cd"].split("|")), {}
            case "ka10066":
                amount = body["amt_qty_tp"] == "1"
                rows = market.market_net_buying(body["mrkt_tp"], amount)
                return "opaf_invsr_trde", rows, {}
            case "ka10059":
                amount = body["amt_qty_tp"] == "1"
                rows = market.stock_net_buying(body["stk_cd"], day(body["dt"]), amount)
                return "stk_invsr_orgn", rows, {}
            case "ka10081":
                rows = market.chart(body["stk_cd"], day(body["base_dt"]))
                return "stk_dt_pole_chart_qry", rows, {"stk_cd": body["stk_cd"]}
            case "ka20006":
                rows = market.index_chart(day(body["base_dt"]), body["inds_cd"])
                return "inds_dt_pole_qry", rows, {"inds_cd": body["inds_cd"]}
            case "ka20001":
                return "inds_cur_prc_tm", [], market.index_now(body["inds_cd"])
            case "ka20003":
                return "all_inds_idex", market.sectors(body["inds_cd"]), {}
        raise AssertionError(tr)


class _Handler(QuietHandler):
    fake: FakeKiwoom

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fake = self.fake
        tr = self.headers.get("api-id", "")
        seen = Seen(tr, time.monotonic(), 200, self.headers.get("next-key", ""), {}, "")
        seen.token = self.headers.get("authorization", "").removeprefix("Bearer ")
        fake.calls.append(seen)
        fault = fake.fault_of(tr)
        kind = fault.kind if fault else ""
        if kind == "status":
            assert fault
            seen.status = int(fault.seconds)
            return self._send(seen.status, {}, {"Retry-After": fault.header})
        if kind == "hang":
            fake.closing.wait(30)
            self.close_connection = True
            return None
        if fake.over_limit(tr):
            seen.status = 429
            return self._say(5, "허용된 요청 개수를 초과하였습니다[1700:...]", status=429)
        refused = self._refuse(tr, raw, seen)
        if refused:
            return self._say(*refused)
        return self._reply(tr, seen, fault)

    def _refuse(self, tr: str, raw: bytes, seen: Seen) -> tuple[int, str] | None:
        if not tr:
            return 1, "[1501:API ID가 Null이거나 값이 없습니다]"
        if tr not in TRS:
            return 1, f"[1505:해당 API ID는 존재하지 않습니다. API ID={tr}]"
        path, required = TRS[tr]
        if self.path != path:
            return (
                1,
                f"잘못된 요청입니다[1504:해당 URI에서는 지원하는 API ID가 아닙니다. URI={path}]",
            )
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            return 1, "[1512:Http header에 값이 설정되지 않았거나 읽을 수 없습니다]"
        seen.body = json.loads(raw)
        for name in required:
            value = seen.body.get(name)
            if not isinstance(value, str) or not value:
                return 2, f"입력 값 오류입니다[1511:필수 입력 값에 값이 존재하지 않습니다={name}]"
        if tr.startswith("au"):
            keys = (seen.body["appkey"], seen.body["secretkey"])
            bad = keys != (APP_KEY, SECRET_KEY)
            return (3, "[8001:App Key와 Secret Key 검증에 실패했습니다]") if bad else None
        if not self.headers.get("authorization", "").startswith("Bearer "):
            return 3, "[1513:authorization 필드가 설정되어 있어야 합니다]"
        if seen.token not in self.fake.tokens:
            return 3, "인증에 실패했습니다[8005:Token이 유효하지 않습니다]"
        return None

    def _reply(self, tr: str, seen: Seen, fault: Fault | None) -> None:
        fake = self.fake
        kind = fault.kind if fault else ""
        if kind == "code":
            assert fault
            return self._say(int(fault.seconds), fault.header or "")
        if tr == "au10001":
            until = datetime.now(UTC) + KST + timedelta(hours=fake.token_hours)
            token = {"token": fake.issue(), "token_type": "bearer"}
            return self._send(200, _ok(token | {"expires_dt": f"{until:%Y%m%d%H%M%S}"}))
        if tr == "au10002":
            fake.tokens.discard(seen.body["token"])
            return self._send(200, _ok({}))
        name, rows, more = fake.answer(tr, seen.body)
        if kind == "pages of":
            assert fault
            rows = rows[: int(fault.seconds)]
        size = PAGES.get(tr, len(rows) or 1)
        start = int(seen.next_key.rpartition("#")[2] or 0) if seen.next_key else 0
        shown = max(0, start - size) if kind == "repeat" else start
        shown = start + size if kind == "lose" else shown
        end = shown + size if kind == "lose" else start + size
        body = _ok({name: [dict(row) for row in rows[shown : shown + size]]} | more)
        if kind == "change":
            assert fault
            assert fault.change
            fault.change(body)
        headers = {"api-id": tr, "cont-yn": "N", "next-key": ""}
        if end < len(rows):
            headers |= {"cont-yn": "Y", "next-key": f"{tr}#{end}"}
        return self._send(200, body, headers, fault)

    def _say(self, code: int, message: str, status: int = 200) -> None:
        self._send(status, {"return_code": code, "return_msg": message})

    def _send(
        self,
        status: int,
        body: dict[str, Any],
        headers: dict[str, str | None] | None = None,
        fault: Fault | None = None,
    ) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        kind = fault.kind if fault else ""
        if kind == "malformed":
            content = content[: len(content) // 2]
        self.send_response(status)
        for name, value in (headers or {}).items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        if kind == "drip headers":
            assert fault
            self.send_header("X-End", "")
            headers_so_far, self._headers_buffer = b"".join(self._headers_buffer), []
            self._drip(headers_so_far + b"\r\n" + content, fault.seconds)
            return
        self.end_headers()
        if kind in ("truncated", "reset"):
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            if kind == "reset":  # RST instead of FIN
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            return
        if kind == "drip":
            assert fault
            self._drip(content, fault.seconds)
            return
        self.wfile.write(content)

    def _drip(self, content: bytes, seconds: float) -> None:
        for byte in content:
            if self.fake.closing.wait(seconds):
                break
            try:
                self.wfile.write(bytes((byte,)))
            except OSError:
                break
        self.close_connection = True


FakeKiwoom.handler = _Handler


def day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()


def _ok(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"return_code": 0, "return_msg": "정상적으로 처리되었습니다"}
