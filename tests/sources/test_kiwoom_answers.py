"""What an answer means: errors hide in HTTP 200, their codes in messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from errors import BadMarketData, SourceNotConfigured, SourceRefused
from sources.http.call import Call, Reply, Throttled, Unusable
from sources.kiwoom.answers import TokenRefused, read_answer

CALL = Call("kiwoom", "ka10081", "005930")


def answer(body: Any, status: int = 200) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(CALL, Reply(status, {}, raw))


def said(code: object, message: str = "") -> dict[str, object]:
    return {"return_code": code, "return_msg": message}


@pytest.mark.parametrize("code", [0, "0"])
def test_return_code_0_is_success(code: object) -> None:
    assert answer(said(code) | {"list": []})["list"] == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (said(3, "인증에 실패했습니다[8005:Token이 유효하지 않습니다]"), TokenRefused),
        (said(3, "CODE=8005 Token"), TokenRefused),
        (said("3", "인증 실패[8031:...]"), TokenRefused),
        (said(1, "[8103:토큰 인증 또는 단말기인증에 실패했습니다]"), TokenRefused),
        (said(5, "허용된 요청 개수를 초과하였습니다"), Throttled),
        (said(2, "[1700:허용된 API 요청 개수를 초과하였습니다. 유량=1]"), Throttled),
        (said(2, "[1701:...]"), Throttled),
        (said(2, "[1702:...]"), Throttled),
        (said(1, "[1999:예기치 못한 에러가 발생했습니다]"), Unusable),
        (said(3, "[8001:App Key와 Secret Key 검증에 실패했습니다]"), SourceNotConfigured),
        (said(3, "[8010:Token을 발급받은 IP가 다릅니다]"), SourceNotConfigured),
        (said(3, "[8030:투자구분(실전/모의)이 다릅니다]"), SourceNotConfigured),
        (said(1, "[1902:종목 정보가 없습니다. 종목코드=999999]"), BadMarketData),
        (said(2, "입력 값 오류입니다[1511:필수입력 파라미터=base_dt]"), SourceRefused),
        (said(20, "something new"), SourceRefused),
    ],
)
def test_the_code_is_found_wherever_it_stands(body: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        answer(body)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 200, Unusable),
        (b'{"return_code": 0, "list": [', 200, Unusable),
        (b"<html>maintenance</html>", 200, Unusable),
        (b"[]", 200, Unusable),
        (b"{}", 200, Unusable),
        (b'{"return_code": null}', 200, Unusable),
        (b'{"return_code": true}', 200, Unusable),
        (b"", 401, TokenRefused),
        (b"no", 404, SourceRefused),
        (b'{"return_code": 0}', 404, SourceRefused),
        (b"\xff\xfe", 200, Unusable),
    ],
)
def test_what_is_no_answer_is_never_success(
    body: bytes, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        answer(body, status)


def test_an_error_names_provider_call_and_stock() -> None:
    with pytest.raises(BadMarketData, match=r"kiwoom ka10081 005930.*1902"):
        answer(said(1, "[1902:종목 정보가 없습니다]"))
