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
        (DatabaseUnavailable("connection to 10.1.2.3 refused for me"), "DatabaseUnavailable"),
        (ValueError("/home/me"), "ValueError"),
    ],
)
def test_what_is_told_elsewhere_names_no_places(error: Exception, told: str) -> None:
    assert outward(error) == told
