"""Asking Kiwoom: token, headers, pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from errors import BadMarketData, SourceUnavailable
from market.clock import SEOUL
from sources.http.call import Call, Rate, Reply, Request, Unusable
from sources.http.client import Client
from sources.http.closing import Closing
from sources.http.tokens import Token, TokenHolder
from sources.kiwoom.answers import TokenRefused, read_answer
from sources.wire import WireRow

PROVIDER: Final = "kiwoom"
MOST_PAGES: Final = 100

PATHS: Final[Mapping[str, str]] = {
    "ka10059": "/api/dostk/stkinfo",
    "ka10066": "/api/dostk/mrkcond",
    "ka10081": "/api/dostk/chart",
    "ka10095": "/api/dostk/stkinfo",
    "ka10099": "/api/dostk/stkinfo",
    "ka20001": "/api/dostk/sect",
    "ka20002": "/api/dostk/sect",
    "ka20003": "/api/dostk/sect",
    "ka20006": "/api/dostk/chart",
}


@dataclass(frozen=True)
class Access:
    """Where Kiwoom is, with which keys, and how many calls a second it bears."""

    base_url: str
    app_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    per_second: float = 1.0
    burst: int = 1
    total_per_second: float = 5.0


@dataclass(frozen=True)
class Page:
    """One answer, and the key to the next if there is more."""

    body: Mapping[str, Any]
    next_key: str | None

    def rows(self, name: str, call: Call) -> list[WireRow]:
        """The array `name` of the answer."""
        rows = self.body.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadMarketData(f"{call}: the answer has no list {name!r}")
        return rows


class KiwoomClient(Closing):
    """Kiwoom's TRs by name. One access token is shared with all other processes."""

    def __init__(self, http: Client, access: Access) -> None:
        self._http = http
        self._access = access
        self._until: datetime | None = None  # of the token this client issued itself
        keys = " ".join((access.base_url, access.app_key, access.secret_key))
        mark = hashlib.sha256(keys.encode()).hexdigest()[:16]
        self._tokens = TokenHolder(
            http.guards.tokens,
            f"{PROVIDER} {mark}",
            self._issue,
            secret=access.secret_key,
            lease=http.limits.total + http.limits.attempt,
            sleep=http.sleep,
        )

    def close(self) -> None:
        self._http.close()

    def call(self, tr: str, subject: str = "") -> Call:
        """How a request is named and paced."""
        access = self._access
        return Call(
            PROVIDER,
            tr,
            subject,
            (
                Rate(PROVIDER, access.total_per_second, max(1, int(access.total_per_second))),
                Rate(f"{PROVIDER} {tr}", access.per_second, access.burst),
            ),
        )

    def ask(
        self, tr: str, body: Mapping[str, str], *, subject: str = "", next_key: str | None = None
    ) -> Page:
        """One request. A refused token is replaced once, and the request repeated once.

        Raises:
            SourceUnavailable: no answer, or a new token is refused as well.
            RateLimited: too many calls, to the last attempt.
            SourceNotConfigured: the keys give no access.
            SourceRefused: Kiwoom refuses the request.
            BadMarketData: there is no such stock.
        """
        call = self.call(tr, subject)
        token = self._tokens.get()
        try:
            return self._send(call, body, next_key, token)
        except TokenRefused:
            token = self._tokens.get(rejected=token)
        try:
            return self._send(call, body, next_key, token)
        except TokenRefused as error:
            raise SourceUnavailable(
                f"{error.detail}; a new token was refused like the one before",
                remedy="see whether another program uses the same app key",
            ) from error

    def pages(
        self,
        tr: str,
        body: Mapping[str, str],
        *,
        rows: str,
        key: Callable[[WireRow], str],
        subject: str = "",
    ) -> Iterator[list[WireRow]]:
        """All pages of a list, one after the other.

        A page that brings back rows already seen, or none although more are announced, is asked
        for once more.

        Args:
            rows: the array's name in the answer.
            key: what tells one row from another.

        Raises:
            BadMarketData: it is so again, or the pages don't end.
            ClosebellError: as `ask`.
        """
        seen: set[str] = set()
        next_key: str | None = None
        for number in range(1, MOST_PAGES + 1):
            name = f"{subject} page {number}".strip()
            page, found = self._fresh_page(tr, body, name, next_key, rows, key, seen)
            yield found
            if page.next_key is None:
                return
            if page.next_key == next_key:
                raise BadMarketData(f"{self.call(tr, name)}: its next-key leads to itself")
            next_key = page.next_key
        raise BadMarketData(f"{self.call(tr, subject)}: no end after {MOST_PAGES} pages")

    def access_token(self, rejected: Token | None = None) -> Token:
        """The token that all processes share; a newer one than `rejected`.

        Raises:
            ClosebellError: as `ask`.
        """
        return self._tokens.get(rejected)

    def try_tokens(self) -> tuple[str, str, datetime | None, bool]:
        """Issue twice: marks of both tokens, the second's end, and whether the first still works.

        The end is None if another process issued it.

        The second one is what all processes use from then on.
        """
        first = self._tokens.get()
        again = self._tokens.get(rejected=first)
        call = self.call("ka10099", "with the first token")
        alive = True
        try:
            self._send(call, {"mrkt_tp": "10"}, None, first)
        except TokenRefused:
            alive = False
        return _mark(first.text), _mark(again.text), self._until, alive

    def revoke(self) -> None:
        """Give the token back: no process can use it after that."""
        access = self._access
        token = self._tokens.get()
        call = self.call("au10002")
        body = {"appkey": access.app_key, "secretkey": access.secret_key, "token": token.text}
        request = Request("POST", f"{access.base_url}/oauth2/revoke", _headers("au10002"), {}, body)
        self._http.send(call, request, lambda reply: read_answer(call, reply))

    def _fresh_page(
        self,
        tr: str,
        body: Mapping[str, str],
        name: str,
        next_key: str | None,
        rows: str,
        key: Callable[[WireRow], str],
        seen: set[str],
    ) -> tuple[Page, list[WireRow]]:
        trouble = ""
        for _ in range(2):
            page = self.ask(tr, body, subject=name, next_key=next_key)
            found = page.rows(rows, self.call(tr, name))
            keys = [text for row in found if (text := key(row))]
            again = len(keys) - len(set(keys) - seen)
            if not again and (found or page.next_key is None):
                seen.update(keys)
                return page, found
            trouble = f"{again} of {len(found)} rows came before" if found else "empty, not the end"
        raise BadMarketData(f"{self.call(tr, name)}: {trouble}, twice asked")

    def _send(
        self, call: Call, body: Mapping[str, str], next_key: str | None, token: Token
    ) -> Page:
        headers = {**_headers(call.name), "authorization": f"Bearer {token.text}"}
        if next_key is not None:
            headers |= {"cont-yn": "Y", "next-key": next_key}
        request = Request(
            "POST", self._access.base_url + PATHS[call.name], headers, json=dict(body)
        )
        return self._http.send(call, request, lambda reply: _page(call, reply))

    def _issue(self) -> tuple[str, datetime]:
        access = self._access
        call = self.call("au10001")
        body = {
            "grant_type": "client_credentials",
            "appkey": access.app_key,
            "secretkey": access.secret_key,
        }
        request = Request("POST", f"{access.base_url}/oauth2/token", _headers("au10001"), {}, body)
        token, self._until = self._http.send(call, request, lambda reply: _token(call, reply))
        return token, self._until


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def _headers(tr: str) -> dict[str, str]:
    return {"api-id": tr, "Content-Type": "application/json;charset=UTF-8"}


def _page(call: Call, reply: Reply) -> Page:
    body = read_answer(call, reply)
    more = reply.headers.get("cont-yn", "N").strip().upper()
    if more not in ("Y", "N", ""):
        raise BadMarketData(f"{call}: unknown cont-yn {more!r}")
    if more != "Y":
        return Page(body, None)
    next_key = reply.headers.get("next-key", "").strip()
    if not next_key:
        raise Unusable("more is announced without a next-key")
    return Page(body, next_key)


def _token(call: Call, reply: Reply) -> tuple[str, datetime]:
    body = read_answer(call, reply)
    token, kind, until = (body.get(name) for name in ("token", "token_type", "expires_dt"))
    if not isinstance(token, str) or not token or str(kind).lower() != "bearer":
        raise Unusable("no bearer token in the answer")
    try:
        expires = datetime.strptime(str(until), "%Y%m%d%H%M%S").replace(tzinfo=SEOUL)
    except ValueError:
        raise Unusable(f"unknown expires_dt {until!r}") from None
    return token, expires
