"""Which sessions may be published, on the real market and on hand-made ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from realdata import adjusted_market, raw_market

import settings
from market.calendar import TradingCalendar
from market.schemas import DailyBars, InstrumentFlags
from tasks.checks import Check, check_sessions

CALENDAR = TradingCalendar()
SESSIONS = CALENDAR.sessions(date(2026, 1, 2), date(2026, 2, 13))
LAST = SESSIONS[-1]
TICKERS = [f"{n:05d}0" for n in range(1, 101)]


def market(**of_last: pl.Expr) -> pl.DataFrame:
    """A hundred stocks that trade 1,000 shares while rising slowly; the last session changed."""
    n = pl.int_range(pl.len())
    bars = (
        pl.DataFrame({"session": SESSIONS})
        .join(pl.DataFrame({"ticker": TICKERS}), how="cross")
        .with_columns(close=pl.lit(10_000) + 10 * n.over("ticker"), volume=pl.lit(1_000))
        .with_columns(
            base=pl.col("close").shift(1).over("ticker"),
            collected_at=pl.lit(datetime(2026, 3, 1, tzinfo=UTC)),
            value=None,
            listed_shares=None,
            market_cap=None,
            adjusted=False,
            source=pl.lit("test"),
        )
        .with_columns(open="close", high="close", low="close")
        .with_columns(
            pl.when(pl.col("session") == LAST).then(expr).otherwise(name).alias(name)
            for name, expr in of_last.items()
        )
    )
    return DailyBars.validate(bars, cast=True)


def failed(bars: pl.DataFrame, flags: pl.DataFrame | None = None) -> dict[str, Check]:
    found = check_sessions(
        bars,
        InstrumentFlags.create_empty() if flags is None else flags,
        [LAST],
        calendar=CALENDAR,
        settings=settings.Settings(),
    )
    return {check.name: check for check in found if not check.ok}


def test_an_ordinary_session_passes() -> None:
    assert failed(market()) == {}


def test_a_session_without_bars_fails_its_coverage() -> None:
    bars = market().filter(pl.col("session") != LAST)
    assert failed(bars)["coverage"].detail == f"no bars of {LAST}"


@pytest.mark.parametrize(("stocks", "passes"), [(95, True), (94, False)])
def test_a_session_needs_95_percent_of_the_stocks_before(stocks: int, passes: bool) -> None:
    bars = market().filter((pl.col("session") != LAST) | pl.col("ticker").is_in(TICKERS[:stocks]))
    assert ("coverage" not in failed(bars)) is passes


def test_data_collected_before_the_close_are_refused() -> None:
    before = datetime(2026, 2, 13, 6, 29, 59, tzinfo=UTC)  # 15:29:59 in Seoul
    check = failed(market(collected_at=pl.lit(before)))["collected after the close"]
    assert "collected 2026-02-13 15:29:59, close 2026-02-13 15:30 KST" in check.detail
    at_close = datetime(2026, 2, 13, 6, 30, tzinfo=UTC)
    assert failed(market(collected_at=pl.lit(at_close))) == {}


def test_a_quiet_session_passes_and_a_partial_one_does_not() -> None:
    assert failed(market(volume=pl.lit(650))) == {}
    assert "0.59 of its session before" in failed(market(volume=pl.lit(590)))["volume"].detail


def test_a_handful_of_jumps_is_tolerated_and_more_are_not() -> None:
    def jumping(stocks: int) -> pl.DataFrame:
        jumps = pl.col("ticker").is_in(TICKERS[:stocks])
        return market(close=pl.when(jumps).then(20_000).otherwise("close"))

    assert failed(jumping(5)) == {}
    assert "6 stocks moved beyond" in failed(jumping(6))["price limits"].detail


def test_a_split_with_its_base_price_is_no_jump() -> None:
    bars = market(close=pl.col("close") // 5, base=pl.col("base") // 5)
    assert failed(bars) == {}


def test_stocks_in_liquidation_have_no_limits() -> None:
    flags = InstrumentFlags.validate(
        pl.DataFrame({"ticker": TICKERS[:10]}).with_columns(
            flag=pl.lit("liquidation"), since=pl.lit(LAST), until=None
        ),
        cast=True,
    )
    jumps = pl.col("ticker").is_in(TICKERS[:10])
    assert failed(market(close=pl.when(jumps).then(100).otherwise("close")), flags) == {}


def test_the_session_before_handed_out_again_is_refused() -> None:
    # The close of the session before, to the won and the share.
    stale = market(close=pl.col("close") - 10)
    assert "100 of 100 traded stocks repeat" in failed(stale)["own session"].detail


def test_the_real_market_fails_only_where_it_was_saved_before_its_end(real_data: Path) -> None:
    data = adjusted_market(real_data)
    sessions = data.bars["session"].unique().sort().to_list()
    found = check_sessions(
        data.bars, data.flags, sessions, calendar=CALENDAR, settings=settings.Settings()
    )
    assert [(c.session, c.name) for c in found if not c.ok] == [(date(2025, 6, 17), "volume")]


def test_the_real_market_of_2026_passes_over_its_missing_sessions(real_data: Path) -> None:
    data = raw_market(real_data)
    sessions = data.bars["session"].unique().sort().to_list()
    found = check_sessions(
        data.bars, data.flags, sessions, calendar=CALENDAR, settings=settings.Settings()
    )
    assert [c for c in found if not c.ok] == []
