"""The sample market is one fixed history: the same for everyone, and only ever growing."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from errors import NotATradingSession, SettingsError
from market import prices
from market.calendar import TradingCalendar
from market.schemas import TICKER, DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying
from sources.sample import ORIGIN, SEED, SampleMarket, SampleSource, blocks, generate, ticks
from sources.sample.world import create

LAST = date(2026, 2, 20)
CALENDAR = TradingCalendar()


@pytest.fixture(scope="module")
def market() -> SampleMarket:
    return generate(last=LAST, sessions=300, calendar=CALENDAR)


@pytest.fixture(scope="module")
def small() -> SampleMarket:
    return generate(last=LAST, sessions=40, stocks=300, calendar=CALENDAR)


def test_every_frame_keeps_its_schema(market: SampleMarket) -> None:
    data = market.data
    for schema, frame in (
        (DailyBars, data.bars),
        (Instruments, data.instruments),
        (InstrumentFlags, data.flags),
        (NetBuying, data.net_buying),
        (IndexBars, data.index_bars),
    ):
        schema.validate(frame)
    assert data.news is None


def test_the_same_market_comes_out_twice(small: SampleMarket) -> None:
    again = generate(last=LAST, sessions=40, stocks=300, calendar=CALENDAR)
    for name in ("bars", "instruments", "flags", "net_buying", "index_bars"):
        assert_frame_equal(getattr(again.data, name), getattr(small.data, name))
    assert_frame_equal(again.planted, small.planted)


def test_another_seed_is_another_market(small: SampleMarket) -> None:
    other = generate(last=LAST, sessions=40, stocks=300, seed=7, calendar=CALENDAR)
    assert not other.data.bars["close"].equals(small.data.bars["close"])


@pytest.mark.parametrize("later", [date(2026, 2, 23), date(2026, 6, 30)])
def test_a_later_session_changes_nothing_before_it(small: SampleMarket, later: date) -> None:
    sessions = len(CALENDAR.sessions(small.data.bars["session"][0], later))
    longer = generate(last=later, sessions=sessions, stocks=300, calendar=CALENDAR)
    for name in ("bars", "net_buying", "index_bars"):
        past = getattr(longer.data, name).filter(pl.col("session") <= LAST)
        assert_frame_equal(past, getattr(small.data, name))
    assert longer.data.bars["session"].max() == later
    past = longer.planted.filter(pl.col("session") <= LAST)
    assert_frame_equal(past, small.planted)


def test_instruments_and_flags_show_only_what_was_known() -> None:
    end = date(2026, 6, 30)
    early = generate(last=LAST, sessions=40, calendar=CALENDAR).data
    late = generate(last=end, sessions=130, calendar=CALENDAR).data
    keys = ["ticker", "since"]
    known = early.instruments.join(late.instruments, on=keys, suffix="_late", how="inner")
    assert known["name"].equals(known["name_late"])
    assert early.instruments["since"].max() <= LAST  # type: ignore[operator]
    assert early.instruments["delisted"].max() <= LAST  # type: ignore[operator]
    gone = known.filter(pl.col("delisted").is_null() & pl.col("delisted_late").is_not_null())
    assert gone.height > 5
    assert gone["delisted_late"].min() > LAST  # type: ignore[operator]
    assert early.flags["until"].max() <= LAST  # type: ignore[operator]


def test_blocks_are_the_same_market(small: SampleMarket) -> None:
    made = list(blocks(last=LAST, stocks=300, calendar=CALENDAR))
    first = small.data.bars["session"][0]
    bars = pl.concat([block.bars for block in made])
    assert bars["session"].min() == ORIGIN
    assert_frame_equal(bars.filter(pl.col("session") >= first), small.data.bars)
    buying = pl.concat([block.net_buying for block in made])
    assert_frame_equal(buying.filter(pl.col("session") >= first), small.data.net_buying)


def test_prices_stand_on_ticks_and_inside_the_limits(market: SampleMarket) -> None:
    bars = market.data.bars
    for column in ("open", "high", "low", "close", "base"):
        off = bars.filter(pl.col(column) % prices.tick_size_expr(pl.col(column)) != 0)
        assert off.height == 0, column
    free = market.data.flags.filter(pl.col("flag") == "liquidation")
    bound = (
        _with_listing(market)
        .join(free, on="ticker", how="anti")
        .filter((pl.col("session") != pl.col("listed")) | pl.col("listed").is_null())
    )
    traded = bound.filter(pl.col("volume") > 0)
    outside = traded.filter(
        (pl.col("high") > prices.upper_limit_expr(pl.col("base")))
        | (pl.col("low") < prices.lower_limit_expr(pl.col("base")))
    )
    assert outside.height == 0
    assert (traded["high"] >= traded.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert (traded["low"] <= traded.select(pl.min_horizontal("open", "close")).to_series()).all()


def test_a_halted_stock_keeps_its_close_and_shows_no_price(market: SampleMarket) -> None:
    halted = _with_previous(market).filter(pl.col("volume") == 0)
    assert halted.height > 10_000
    assert halted.select(pl.max_horizontal("open", "high", "low", "value").max()).item() == 0
    assert (halted["close"] == halted["base"]).all()


def test_a_new_listing_opens_between_60_and_400_percent_of_its_base(market: SampleMarket) -> None:
    first = _with_listing(market).filter(pl.col("session") == pl.col("listed"))
    ratio = first["close"] / first["base"]
    assert first.height > 30
    assert 0.59 <= ratio.min() < 0.95  # type: ignore[operator]
    assert 1.5 < ratio.max() <= 4.0  # type: ignore[operator]


def test_a_split_changes_base_price_and_shares_together(market: SampleMarket) -> None:
    bars = _with_previous(market).filter(pl.col("previous_close").is_not_null())
    changed = bars.filter(pl.col("base") != pl.col("previous_close"))
    factor = changed["base"] / changed["previous_close"]
    shares = changed["listed_shares"] / changed["previous_shares"]
    assert (changed["volume"] > 0).all()
    exact = (factor - 0.5).abs() < 0.01
    np.testing.assert_allclose(shares.filter(exact), 2.0, rtol=0.02)
    issues = shares.filter(factor.is_between(0.79, 0.985))
    assert issues.len() > 50
    np.testing.assert_allclose(issues, 1.25, rtol=0.001)
    assert factor.max() > 4  # type: ignore[operator]
    assert factor.min() < 0.3  # type: ignore[operator]
    same = bars.filter(pl.col("base") == pl.col("previous_close"))
    assert (same["listed_shares"] == same["previous_shares"]).all()


def test_a_delisted_stock_has_no_row_from_that_session_on(market: SampleMarket) -> None:
    gone = market.data.instruments.filter(pl.col("delisted").is_not_null())
    assert gone.height > 30
    rows = market.data.bars.join(gone.select("ticker", "delisted"), on="ticker")
    assert rows.filter(pl.col("session") >= pl.col("delisted")).height == 0
    final = rows.group_by("ticker").agg(pl.col("session").max())
    flags = market.data.flags.filter(pl.col("flag") == "liquidation")
    held = final.join(flags, on="ticker").filter(pl.col("since") <= pl.col("session"))
    assert held.height == final.height


def test_net_buying_sums_to_about_nothing_and_is_known_in_the_evening(market: SampleMarket) -> None:
    buying = market.data.net_buying.join(
        market.data.bars.select("session", "ticker", "value", "volume"), on=["session", "ticker"]
    )
    rest = buying.select(pl.sum_horizontal("foreign_won", "institution_won", "individual_won"))
    assert ((rest.to_series().abs() / buying["value"]) < 0.05).all()
    assert (buying["foreign_shares"].abs() <= buying["volume"]).all()
    at = buying["known_at"].dt.convert_time_zone("Asia/Seoul")
    assert at.dt.strftime("%H:%M").unique().to_list() == ["18:40"]
    assert (at.dt.date() == buying["session"]).all()


def test_names_and_tickers_are_unique_and_shaped_by_kind(market: SampleMarket) -> None:
    slots = create(2_700, SEED).slots
    used = slots.tickers != ""
    tickers, titles = slots.tickers[used].tolist(), slots.names[used].tolist()
    assert len(set(tickers)) == len(tickers) > 5_000
    assert len(set(titles)) == len(titles)
    assert all(re.match(TICKER, ticker) for ticker in tickers)
    assert sum(bool(re.match(r"^8\d{3}[A-Z]0$", ticker)) for ticker in tickers) > 2_000
    everything = market.data.instruments
    for kind, ending, text in (
        ("common", r"0$", ""),
        ("preferred", r"[57K]$", "우"),
        ("spac", r"0$", "스팩"),
        ("reit", r"0$", "리츠"),
        ("etf", r"0$", "지수"),
    ):
        here = everything.filter(pl.col("kind") == kind)
        assert here.height >= 20, kind
        assert here["ticker"].str.contains(ending).all(), kind
        assert here["name"].str.contains(text).all(), kind
    assert everything.filter(pl.col("market") == "KONEX").height > 20


def test_the_source_collects_one_session_and_gives_history() -> None:
    source = SampleSource(CALENDAR, stocks=100)
    collected = source.collect(LAST)
    assert (collected.session, collected.source) == (LAST, "sample")
    assert collected.data.bars["session"].unique().to_list() == [LAST]
    assert collected.collected_at > CALENDAR.hours(LAST).close
    history = source.history(date(2023, 1, 2), LAST)
    assert history.bars["session"].min() == ORIGIN
    assert_frame_equal(history.bars.filter(pl.col("session") == LAST), collected.data.bars)


def test_the_session_of_a_delisting_tells_of_it(market: SampleMarket) -> None:
    gone = market.data.instruments.filter(pl.col("delisted").is_not_null()).row(0, named=True)
    that_day = SampleSource(CALENDAR).collect(gone["delisted"]).data
    told = that_day.instruments.filter(pl.col("ticker") == gone["ticker"])
    assert told["delisted"].to_list() == [gone["delisted"]]
    assert that_day.bars.filter(pl.col("ticker") == gone["ticker"]).height == 0


def test_a_closed_day_a_day_before_the_origin_and_a_tiny_market_are_refused() -> None:
    with pytest.raises(NotATradingSession, match="2026-02-21"):
        generate(last=date(2026, 2, 21), calendar=CALENDAR)
    with pytest.raises(NotATradingSession, match="first session"):
        generate(last=date(2023, 12, 28), calendar=CALENDAR)
    with pytest.raises(SettingsError, match="not 5"):
        generate(last=LAST, stocks=5, calendar=CALENDAR)


def test_ticks_and_limits_of_arrays_are_those_of_single_prices() -> None:
    base = np.unique(np.geomspace(50, 2_000_000, 4_000).astype(np.int64))
    low, high = ticks.limits(base)
    assert low.tolist() == [prices.lower_limit(int(price)) for price in base]
    assert high.tolist() == [prices.upper_limit(int(price)) for price in base]
    free = np.geomspace(50, 2_000_000, 4_000)
    nearest = [prices.round_nearest(float(price)) for price in free]
    assert ticks.round_nearest(free).tolist() == nearest


def _with_listing(market: SampleMarket) -> pl.DataFrame:
    return market.data.bars.join(market.data.instruments.select("ticker", "listed"), on="ticker")


def _with_previous(market: SampleMarket) -> pl.DataFrame:
    return market.data.bars.sort("ticker", "session").with_columns(
        previous_close=pl.col("close").shift(1).over("ticker"),
        previous_shares=pl.col("listed_shares").shift(1).over("ticker"),
    )
