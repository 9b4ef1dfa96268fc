"""Asking the KRX Open API for one day of one service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from errors import BadMarketData, SourceNotConfigured, SourceRefused
from settings import Settings
from sources.http.call import Call, Limits, Rate, Reply, Request, Unusable
from sources.http.client import Client
from sources.http.closing import Closing
from sources.http.guards import Guards
from sources.wire import WireRow

PROVIDER: Final = "krx"


@dataclass(frozen=True)
class Access:
    """Where the API is and with which key. The terms allow 10,000 calls a day and key."""

    base_url: str
    key: str = field(repr=False)
    per_second: float = 2.0


class KrxClient(Closing):
    """The API's services by name. Each has to be applied for; one that isn't answers 401."""

    def __init__(self, http: Client, access: Access) -> None:
        self._http = http
        self._access = access

    def close(self) -> None:
        self._http.close()

    def call(self, service: str, session: date) -> Call:
        """How a request is named and paced."""
        rate = Rate(PROVIDER, self._access.per_second)
        return Call(PROVIDER, service, str(session), (rate,))

    def day(self, service: str, session: date) -> Sequence[WireRow]:
        """All rows of a service ("sto/stk_bydd_trd") on a day; none if nothing is published.

        Closed days and days not yet published look alike: both are empty.

        Raises:
            SourceNotConfigured: the key, or this service with it, isn't approved.
            SourceUnavailable: no usable answer.
            SourceRefused: any other refusal.
            BadMarketData: rows of another day.
        """
        call = self.call(service, session)
        request = Request(
            "GET",
            f"{self._access.base_url}/{service}.json",
            {"AUTH_KEY": self._access.key, "Accept": "application/json"},
            {"basDd": f"{session:%Y%m%d}"},
        )
        rows = self._http.send(call, request, lambda reply: _rows(call, reply))
        others = {str(row.get("BAS_DD", f"{session:%Y%m%d}")) for row in rows}
        if others - {f"{session:%Y%m%d}"}:
            raise BadMarketData(f"{call}: rows of {sorted(others)}")
        return rows


def open_krx(settings: Settings, guards: Guards) -> KrxClient:
    """A client with the settings' key.

    Raises:
        SourceNotConfigured: it is missing.
    """
    if settings.krx_auth_key is None:
        raise SourceNotConfigured(
            "krx: no key is set",
            remedy="get one at openapi.krx.co.kr and set CLOSEBELL_KRX_AUTH_KEY",
        )
    access = Access(
        settings.krx_base_url.rstrip("/"),
        settings.krx_auth_key.get_secret_value(),
        settings.krx_calls_per_second,
    )
    return KrxClient(Client(PROVIDER, guards, Limits.of(settings)), access)


def _rows(call: Call, reply: Reply) -> Sequence[WireRow]:
    if reply.status in (401, 403):
        raise SourceNotConfigured(
            f"{call}: HTTP {reply.status}",
            remedy="check CLOSEBELL_KRX_AUTH_KEY, and that this service is approved for it",
        )
    if reply.status != 200:
        raise SourceRefused(f"{call}: HTTP {reply.status}")
    try:
        body: Mapping[str, Any] = json.loads(reply.body)
    except ValueError as error:
        raise Unusable(f"no JSON in {len(reply.body)} bytes ({error})") from None
    rows = body.get("OutBlock_1") if isinstance(body, dict) else None
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return rows
    if isinstance(body, dict) and body.get("respCode"):
        said = f"{body['respCode']} {body.get('respMsg', '')}"[:200]
        raise SourceRefused(f"{call}: {said}")
    raise Unusable("no OutBlock_1 in the answer")
