"""What is believed of quotes before a session opens."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from errors import SourceUnavailable
from tasks.quotes import bases_step, unseen

BEFORE, SESSION = date(2026, 11, 19), date(2026, 11, 20)


class Broker:
    """Shows each stock's base price in the session given."""

    name = "kiwoom"

    def __init__(self, **shown: date) -> None:
        self._shown = {ticker.removeprefix("s"): day for ticker, day in shown.items()}

    def quotes(self, tickers: list[str]) -> pl.DataFrame:
        found = [ticker for ticker in tickers if ticker in self._shown]
        days = [self._shown[ticker] for ticker in found]
        return pl.DataFrame({"ticker": found, "session": days, "base": [1_000] * len(found)})


def bases(broker: Any) -> pl.DataFrame:
    return bases_step.fn(broker, ["000010", "000020", "000030"], SESSION)


def test_a_stock_that_still_shows_the_session_before_is_left_out_and_named() -> None:
    found = bases(Broker(s000010=SESSION, s000020=BEFORE))
    assert found.rows() == [("000010", 1_000)]
    assert unseen(["000010", "000020", "000030"], found) == ["no quote of 000020, 000030"]


def test_where_all_show_the_session_before_none_is_believed() -> None:
    with pytest.raises(SourceUnavailable, match="base prices of 2026-11-19, not of 2026-11-20"):
        bases(Broker(s000010=BEFORE, s000020=BEFORE))


def test_nothing_is_said_where_every_stock_has_a_quote() -> None:
    found = bases(Broker(s000010=SESSION, s000020=SESSION, s000030=SESSION))
    assert unseen(["000010", "000020", "000030"], found) == []
