"""Errors keep what they have to say."""

from __future__ import annotations

import pickle

import pytest

from errors import (
    BadFile,
    BadMarketData,
    DatabaseUnavailable,
    RateLimited,
    SourceUnavailable,
    outward,
)


def test_an_error_survives_pickling_with_its_remedy() -> None:
    again = pickle.loads(pickle.dumps(RateLimited("too many calls", remedy="wait")))
    assert (type(again), again.detail, again.remedy) == (RateLimited, "too many calls", "wait")
    assert again.retryable
    assert isinstance(again, SourceUnavailable)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadMarketData("half a market, 1,200/2,700"), "half a market, 1,200/2,700"),
        (RateLimited("dart list.json: HTTP 429"), "dart list.json: HTTP 429"),
        (BadFile("/home/me/data/day.parquet: no rows"), "day.parquet: no rows"),
        (
            BadFile("https://host.example/a/marcap-2024.parquet: no rows"),
            "marcap-2024.parquet: no rows",
        ),
        (BadFile("C:\\data\\day.csv: no rows"), "…: no rows"),
        (SourceUnavailable("kiwoom: call failed ('10.1.2.3', 8001)"), "kiwoom: call failed …"),
        (SourceUnavailable("kiwoom: wss://host.example:1/ws is away"), "kiwoom: … is away"),
        (SourceUnavailable("https://api.kiwoom.com refused"), "… refused"),
        (SourceUnavailable("https://api.kiwoom.com/ refused"), "… refused"),
        (SourceUnavailable("kiwoom: db.internal:5432 is away"), "kiwoom: … is away"),
        (SourceUnavailable("kiwoom: [2001:db8::1]:80 is away"), "kiwoom: … is away"),
        (BadFile("/home/me/My Documents/day.csv: no rows"), "day.csv: no rows"),
        (BadFile("/home/me/a.csv isn't /home/me/b.csv"), "a.csv isn't b.csv"),
        (BadFile("\\\\host\\me\\day.csv: no rows"), "…: no rows"),
        (RateLimited("kiwoom: 100 calls per /day at 09:05"), "kiwoom: 100 calls per /day at 09:05"),
        (BadFile("/home/me is no folder"), "… is no folder"),
        (DatabaseUnavailable("connection to 10.1.2.3 refused for me"), "DatabaseUnavailable"),
        (ValueError("/home/me"), "ValueError"),
    ],
)
def test_what_is_told_elsewhere_names_no_places(error: Exception, told: str) -> None:
    assert outward(error) == told
