"""A replay tells what could be known at its clock's time, and nothing of what came later."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from errors import BadFile, BadMarketData, SourceUnavailable
from market.calendar import TradingCalendar
from market.clock import SEOUL
from market.schemas import DailyBars
from sources.protocol import LiveSource
from sources.replay import RecordedMarket, ReplayClock, ReplaySource, SimulatedMarket
from sources.sample import SampleSource

CALENDAR = TradingCalendar()
SESSION = date(2026, 3, 18)
# The indices' own closes of 2026-03-17 and 2026-03-18, as published.
CLOSES = {"KOSPI": 5640.48, "KOSDAQ": 1136.94}
PUBLISHED = {"KOSPI": 5925.03, "KOSDAQ": 1164.38}


def at(clock: str, session: date = SESSION) -> datetime:
    return datetime.combine(session, time.fromisoformat(clock), SEOUL)


@pytest.fixture(scope="module")
def recorded(real_data: Path) -> RecordedMarket:
    return RecordedMarket(
        real_data / "intraday_snapshots_2026_03.parquet",
        CALENDAR,
        delay=timedelta(minutes=20),
        closes=lambda day: CLOSES if day == date(2026, 3, 17) else {},
    )


@pytest.fixture(scope="module")
def simulated() -> SimulatedMarket:
    return SimulatedMarket(CALENDAR, SampleSource(CALENDAR, stocks=200), SESSION)


def source(market: RecordedMarket | SimulatedMarket, clock: str) -> ReplaySource:
    return ReplaySource(market, CALENDAR, ReplayClock(at(clock), 0))


def samsung(bars: pl.DataFrame) -> tuple[int, int]:
    row = bars.row(by_predicate=pl.col("ticker") == "005930", named=True)
    return row["close"], row["volume"]


def test_a_replay_is_a_live_source(recorded: RecordedMarket) -> None:
    assert isinstance(source(recorded, "10:00"), LiveSource)


def test_ten_real_sessions_can_be_played(recorded: RecordedMarket) -> None:
    assert recorded.sessions == CALENDAR.sessions(date(2026, 3, 9), date(2026, 3, 20))


def test_a_sweep_is_the_newest_snapshot_by_its_own_time(recorded: RecordedMarket) -> None:
    swept = source(recorded, "10:20").sweep(SESSION)
    assert swept.collected_at == datetime(2026, 3, 18, 10, 13, 54, tzinfo=SEOUL)
    assert samsung(swept.data.bars) == (205_750, 9_535_887)
    assert samsung(source(recorded, "10:13").sweep(SESSION).data.bars) == (201_500, 5_427_952)


def test_before_the_first_snapshot_there_is_nothing(recorded: RecordedMarket) -> None:
    with pytest.raises(SourceUnavailable, match="no prices of 2026-03-18 by 09:35"):
        source(recorded, "09:35").sweep(SESSION)


def test_what_was_seen_again_of_the_session_before_is_not_played(recorded: RecordedMarket) -> None:
    # The file of Monday 09:37 holds Friday's 29.5 million shares.
    day = date(2026, 3, 9)
    with pytest.raises(SourceUnavailable):
        recorded.at(day, at("09:40", day))
    assert samsung(recorded.at(day, at("10:00", day)).bars) == (173_400, 4_979_224)


def test_the_closing_auction_is_not_known_before_the_close(recorded: RecordedMarket) -> None:
    # Seen at 15:35 on the 9th, less than the delay after the close, and already the close's.
    day = date(2026, 3, 9)
    before = recorded.at(day, at("15:29", day))
    assert before.at.time() == time(14, 46, 20)
    assert recorded.at(day, at("15:30", day)).at == at("15:30", day)


def test_every_bar_keeps_its_schema_and_grows(recorded: RecordedMarket) -> None:
    earlier = DailyBars.validate(recorded.at(SESSION, at("10:20")).bars)
    later = DailyBars.validate(recorded.at(SESSION, at("15:10")).bars)
    both = earlier.join(later, on="ticker", suffix="_later")
    assert both.height == 2878
    assert (both["volume_later"] >= both["volume"]).all()
    assert (both["high_later"] >= both["high"]).all()


def test_the_indices_follow_their_stocks_market_value(recorded: RecordedMarket) -> None:
    bars = recorded.at(SESSION, at("15:31")).index_bars
    for name, close in bars.select(pl.col("index").cast(pl.String), "close").iter_rows():
        assert close == pytest.approx(PUBLISHED[name], rel=0.001)
    assert recorded.at(date(2026, 3, 9), at("15:31", date(2026, 3, 9))).index_bars.is_empty()


def test_listed_are_instruments_and_the_designations_kosdaq_tells(recorded: RecordedMarket) -> None:
    listed = recorded.listed(SESSION)
    assert listed.instruments.height == 2878
    assert dict(listed.flags["flag"].cast(pl.String).value_counts().sort("flag").iter_rows()) == {
        "administrative": 65,
        "caution": 44,
    }


def test_quotes_are_of_the_stocks_asked_for(recorded: RecordedMarket) -> None:
    quotes = source(recorded, "10:20").quotes(["005930", "000660"])
    row = quotes.row(by_predicate=pl.col("ticker") == "005930", named=True)
    assert (row["price"], row["base"], row["upper_limit"]) == (205_750, 193_900, 252_000)
    assert row["expected_price"] is None
    with pytest.raises(BadMarketData, match="no quote of 999999"):
        source(recorded, "10:20").quotes(["999999"])
    assert source(recorded, "10:20").quotes(["005930", "999999"]).height == 1


def test_nobody_kept_who_bought(recorded: RecordedMarket) -> None:
    assert source(recorded, "15:12").net_buying_of(["005930"], SESSION).is_empty()


def test_the_sessions_that_are_over_are_its_history(recorded: RecordedMarket) -> None:
    data = source(recorded, "10:00").history(date(2026, 3, 1), SESSION)
    assert data.bars["session"].max() == date(2026, 3, 17)
    assert samsung(data.bars.filter(pl.col("session") == date(2026, 3, 17))) == (
        193_900,
        20_299_824,
    )


def test_another_file_is_refused(real_data: Path) -> None:
    with pytest.raises(BadFile, match="no file of snapshots, it lacks"):
        RecordedMarket(
            real_data / "daily_raw_2026.parquet",
            CALENDAR,
            delay=timedelta(0),
            closes=lambda _: {},
        )


def test_the_sample_market_goes_its_way_to_its_close(simulated: SimulatedMarket) -> None:
    morning = simulated.at(SESSION, at("09:30")).bars
    noon = simulated.at(SESSION, at("12:30")).bars
    evening = simulated.at(SESSION, at("15:30")).bars
    own = simulated.history(SESSION, SESSION).bars
    assert (
        evening.drop("collected_at").sort("ticker").equals(own.drop("collected_at").sort("ticker"))
    )
    traded = morning.filter(pl.col("volume") > 0)
    both = traded.join(noon, on="ticker", suffix="_later").join(evening, on="ticker", suffix="_end")
    assert both.height > 150
    assert (both["low_end"] <= both["low_later"]).all()
    assert (both["low_later"] <= both["low"]).all()
    assert (both["close"].is_between(both["low"], both["high"])).all()
    assert (both["volume"] / both["volume_end"]).median() == pytest.approx(0.12, abs=0.005)
    assert (both["volume_later"] / both["volume_end"]).median() == pytest.approx(0.625, abs=0.01)
    halted = noon.filter(pl.col("volume") == 0)
    assert halted.select(pl.max_horizontal("open", "high", "low").max()).item() == 0


def test_net_buying_of_the_sample_is_provisional_until_it_is_published(
    simulated: SimulatedMarket,
) -> None:
    live = source(simulated, "15:12")
    ticker = simulated.at(SESSION, at("12:00")).bars.filter(pl.col("volume") > 0)["ticker"][0]
    now = live.net_buying_of([ticker], SESSION)
    assert now["provisional"].to_list() == [True]
    assert now["known_at"][0] == at("15:12")
    final = simulated.net_buying(SESSION, [ticker], at("20:10"))
    assert final["provisional"].to_list() == [False]
    assert abs(final["foreign_won"][0]) > abs(now["foreign_won"][0])


def test_a_clock_that_is_restarted_begins_anew() -> None:
    elapsed = [0.0]
    clock = ReplayClock(at("09:00"), 60, elapsed=lambda: elapsed[0])
    elapsed[0] = 100.0
    assert clock.restart() == at("09:00") == clock.now()
    elapsed[0] = 101.0
    assert clock.now() == at("09:01")


def test_a_replays_clock_runs_at_its_speed_and_waits_for_slots() -> None:
    elapsed, slept = [0.0], []
    clock = ReplayClock(at("09:00"), 60, elapsed=lambda: elapsed[0], sleep=slept.append)
    assert clock.now() == at("09:00")
    elapsed[0] = 5.0
    assert clock.now() == at("09:05")
    clock.wait_until(at("09:10"))
    clock.wait_until(at("09:01"))
    assert slept == [5.0]


def test_a_clock_of_speed_zero_stands_until_it_is_waited_for() -> None:
    clock = ReplayClock(at("09:00"), 0)
    assert clock.now() == at("09:00")
    clock.wait_until(at("10:00"))
    assert clock.now() == at("10:00")
