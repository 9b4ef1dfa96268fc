"""What Kiwoom's answers mean: an error may hide in HTTP 200, its code in the message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from errors import BadMarketData, SourceNotConfigured, SourceRefused, SourceUnavailable
from sources.http.call import Call, Reply, Throttled, Unusable

# The codes' meanings: error table of the official specification. `return_code` itself is often
# only a general small number; the code stands in `return_msg` as [8005:…] or CODE=8005.
_CODE: Final = re.compile(r"\[(\d{3,5})[:\]]|CODE=(\d{3,5})", re.ASCII)
TOO_MANY: Final = frozenset((5, 1687, 1700, 1701, 1702))
OF_ALL: Final = frozenset((1701, 1702))  # kinds together: in all, of a group
TOKEN: Final = frozenset((3, 8005, 8031, 8103))
KEYS: Final = frozenset((8001, 8002, 8010, 8011, 8012, 8020, 8030, 8040, 8050, 8104, 8200))
PASSING: Final = frozenset((1999, 8003, 8006, 8009))
NO_SUCH_STOCK: Final = frozenset((1901, 1902, 1903))


class TokenRefused(SourceUnavailable):
    """The access token isn't taken (any more)."""


def read_answer(call: Call, reply: Reply) -> Mapping[str, Any]:
    """The body of a successful answer.

    Raises:
        Throttled: too many calls.
        Unusable: no JSON object with a return code, or an error that may pass.
        TokenRefused: a new token is needed.
        SourceNotConfigured: the keys don't give access.
        BadMarketData: there is no such stock.
        SourceRefused: any other error.
    """
    if reply.status == 401:
        raise TokenRefused(f"{call}: HTTP 401")
    try:
        body = json.loads(reply.body)
    except ValueError as error:
        if reply.status != 200:
            raise SourceRefused(f"{call}: HTTP {reply.status}") from None
        raise Unusable(f"no JSON in {len(reply.body)} bytes ({error})") from None
    if not isinstance(body, dict):
        raise Unusable(f"JSON, but no object: {type(body).__name__}")
    code = _number(body.get("return_code"))
    if code == 0 and reply.status == 200:
        return body
    _refuse(call, reply.status, code, str(body.get("return_msg", "")))
    return {}


def check(call: Call, body: Mapping[str, Any]) -> None:
    """Raise what a WebSocket answer's return code means, as `read_answer` does."""
    code = _number(body.get("return_code"))
    if code != 0:
        _refuse(call, 200, code, str(body.get("return_msg", "")))


def _refuse(call: Call, status: int, general: int | None, message: str) -> None:
    found = _CODE.search(message)
    code = int(found[1] or found[2]) if found else general
    said = f"{call}: return code {general}, {message[:200]!r}"
    if code is None:
        if status == 200:
            raise Unusable("an answer without return_code")
        raise SourceRefused(f"{call}: HTTP {status}")
    if code in TOO_MANY:
        told = f"return code {general}" + (f" [{code}]" if code != general else "")
        raise Throttled(told, of_all=code in OF_ALL)
    if code in TOKEN:
        raise TokenRefused(said)
    if code in PASSING:
        raise Unusable(f"return code {code}, {message[:200]!r}")
    if code in KEYS:
        raise SourceNotConfigured(
            said,
            remedy="check CLOSEBELL_KIWOOM_APP_KEY, CLOSEBELL_KIWOOM_SECRET_KEY, the base URL"
            " (real or mock) and the addresses registered with Kiwoom",
        )
    if code in NO_SUCH_STOCK:
        raise BadMarketData(f"{said}: no such stock")
    raise SourceRefused(said)


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,6}", value.strip(), re.ASCII):
        return int(value)
    return None
