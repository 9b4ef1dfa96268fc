"""Whatever comes after a session, every scanner says the same of it: the tool users have too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from markets import random_market

from market.data import MarketData
from market.lookahead import LookAhead, demand_unchanged_past, perturbed
from market.schemas import News
from scanners import Rules, scan

MARKET = random_market(21, stocks=12, sessions=330)
FIRST = MARKET.schedule["session"][290]
MOMENTS = dict(MARKET.schedule.filter(pl.col("session") >= FIRST).gather_every(13).iter_rows())
RULES = Rules.from_mapping(
    {name: {"min_grade": "C"} for name in ("vcp", "daytrading", "closing_bet")}
)


def with_news(data: MarketData) -> MarketData:
    rows = data.bars.sort("session", "ticker").gather_every(5)
    items = rows.select(
        id=pl.format("{}-{}", "ticker", "session"),
        ticker="ticker",
        seen_at=pl.col("session").cast(pl.Datetime("us", "UTC")) + timedelta(hours=8),
        verdict=pl.lit("positive"),
        title=pl.lit("news"),
        url=pl.lit(None, pl.String),
        source=pl.lit("random"),
    )
    return replace(data, news=News.validate(items, cast=True))


DATA = with_news(MARKET.data)


@pytest.mark.parametrize("frame", ["scores", "signals"])
@pytest.mark.parametrize("scanner", ["vcp", "daytrading", "closing_bet"])
def test_no_scanner_knows_what_comes_later(scanner: str, frame: str) -> None:
    def told(data: MarketData) -> pl.DataFrame:
        found = scan(data, MARKET.schedule, FIRST, RULES, scanners=[scanner])
        rows: pl.DataFrame = getattr(found.results[scanner], frame)
        assert rows.height > (100 if frame == "scores" else 0)
        return rows

    demand_unchanged_past(told, DATA, MOMENTS)


def test_the_market_gate_knows_nothing_of_what_comes_later() -> None:
    def told(data: MarketData) -> pl.DataFrame:
        gate = scan(data, MARKET.schedule, FIRST, RULES, scanners=["market_gate"]).gate
        assert gate is not None
        return gate

    demand_unchanged_past(told, DATA, MOMENTS)


def peeks_at_tomorrow(data: MarketData) -> pl.DataFrame:
    tomorrow = pl.col("close").shift(-1).over("ticker")
    return data.bars.sort("ticker", "session").select("session", "ticker", score=tomorrow)


def uses_tonights_figures_at_the_close(data: MarketData) -> pl.DataFrame:
    bought = data.net_buying.select("session", "ticker", "foreign_won")
    return data.bars.join(bought, on=["session", "ticker"]).select(
        "session", "ticker", "foreign_won"
    )


def scales_by_all_that_comes(data: MarketData) -> pl.DataFrame:
    return data.bars.select("session", "ticker", score=pl.col("close") / pl.col("close").max())


@pytest.mark.parametrize(
    "told", [peeks_at_tomorrow, uses_tonights_figures_at_the_close, scales_by_all_that_comes]
)
def test_who_uses_what_comes_later_is_found_out(told: Any) -> None:
    with pytest.raises(LookAhead, match=r"changed with what came later|there were"):
        demand_unchanged_past(told, DATA, MOMENTS)


def test_a_changed_market_is_the_same_until_then_and_another_after() -> None:
    session = MARKET.schedule["session"][300]
    moment = datetime.combine(session, datetime.min.time(), UTC) + timedelta(hours=6, minutes=30)
    other = perturbed(DATA, session, moment)
    until, known = pl.col("session") <= session, pl.col("known_at") <= moment
    assert other.bars.filter(until).equals(DATA.bars.filter(until))
    assert other.net_buying.filter(known).equals(DATA.net_buying.filter(known))
    assert other.bars.filter(~until)["close"].sum() != DATA.bars.filter(~until)["close"].sum()
    assert other.net_buying.filter(~known)["foreign_won"].sum() != 0
    assert other.news is not None
    assert other.news["seen_at"].max() <= moment
