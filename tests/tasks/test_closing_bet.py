"""Who bought the shortlist, asked stock by stock while there is time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from db import Database
from errors import BadMarketData, ClosebellError, SourceUnavailable
from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from market.schemas import NetBuying
from sources.sample import SampleSource
from tasks.closing_bet import fetch_net_buying

SESSION = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, 13, tzinfo=SEOUL)


class Broker:
    """Net buying of the sample market; one stock's can't be had."""

    name = "kiwoom"

    def __init__(self, error: ClosebellError) -> None:
        data = SampleSource(TradingCalendar(), stocks=60).history(SESSION, SESSION)
        self.told = data.net_buying.unique("ticker", keep="last").sort("ticker")
        self.tickers = self.told["ticker"].head(6).to_list()
        self._error = error

    def net_buying_of(self, tickers: Iterable[str], session: date) -> dy.DataFrame[NetBuying]:
        del session
        asked = list(tickers)
        if self.tickers[2] in asked:
            raise self._error
        return NetBuying.cast(self.told.filter(pl.col("ticker").is_in(asked)))


def asked(database: Database, broker: Any, left: timedelta) -> tuple[list[str], list[str]]:
    """What is said of it, and whose net buying is stored."""
    notes = fetch_net_buying.fn(
        database, broker, broker.tickers, SESSION, clock=FixedClock(NOW), until=NOW + left
    )
    stored = database.read_market_data(SESSION, SESSION).net_buying
    return notes, stored["ticker"].unique().sort().to_list()


def test_a_stock_whose_net_buying_cannot_be_read_is_named_and_the_others_are_asked(
    database: Database,
) -> None:
    broker = Broker(BadMarketData("all investors sum to 7"))
    notes, stored = asked(database, broker, timedelta(seconds=60))
    lost = broker.tickers[2]
    assert notes == [
        "provisional net buying of 5 of the best 6",
        f"the net buying of {lost} can't be read",
    ]
    assert stored == [ticker for ticker in broker.tickers if ticker != lost]


def test_what_was_had_before_the_broker_failed_is_kept(database: Database) -> None:
    broker = Broker(SourceUnavailable("kiwoom ka10059: HTTP 503"))
    notes, stored = asked(database, broker, timedelta(seconds=60))
    assert stored == broker.tickers[:2]
    assert notes[1].startswith("kiwoom net buying is degraded")


@pytest.mark.parametrize("left", [0, -1])
def test_without_time_nobody_is_asked(database: Database, left: int) -> None:
    broker = Broker(BadMarketData("never asked"))
    notes, stored = asked(database, broker, timedelta(seconds=left))
    assert notes[1] == "no time for the net buying of 6 more"
    assert stored == []
