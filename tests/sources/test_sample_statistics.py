"""The sample market behaves like the real one, measured in the same way on both."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from market.calendar import TradingCalendar
from sources.sample import SampleMarket, generate

LAST = date(2026, 2, 20)


@pytest.fixture(scope="module")
def market() -> SampleMarket:
    return generate(last=LAST, sessions=250, calendar=TradingCalendar())


@pytest.fixture(scope="module")
def made(market: SampleMarket) -> pl.DataFrame:
    """Bars of shares on KOSPI and KOSDAQ with their returns and standing."""
    shares = market.data.instruments.filter(
        (pl.col("market") != "KONEX") & (pl.col("kind") != "etf")
    )
    bars = market.data.bars.join(shares.select("ticker", "listed"), on="ticker")
    return _measured(bars.filter(pl.col("session") != pl.col("listed").fill_null(date.min)))


@pytest.fixture(scope="module")
def real(real_data: Path) -> pl.DataFrame:
    """The raw bars of early 2026, whose sessions are consecutive up to 20 February."""
    raw = pl.read_parquet(real_data / "daily_raw_2026.parquet").filter(
        (pl.col("date") <= LAST) & (pl.col("market") != "KONEX")
    )
    return _measured(
        raw.select(
            "open", "high", "low", "close", "volume",
            session="date", ticker="code", value="amount", base=pl.col("close") - pl.col("chg"),
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def adjusted(real_data: Path) -> pl.DataFrame:
    """The calmer 2024 and 2025, without value and base: both taken from close and volume."""
    frame = pl.read_parquet(real_data / "daily_adjusted_2023_2025.parquet").sort("code", "date")
    base = pl.col("close").shift(1).over("code")
    return _measured(
        frame.select(
            "open", "high", "low", "close", "volume", session="date", ticker="code", base=base,
            value=pl.col("close") * pl.col("volume"),
        ).filter(pl.col("session") < date(2025, 6, 17))
    )  # fmt: skip


def test_about_half_the_stocks_trade_under_a_billion_won(
    made: pl.DataFrame, real: pl.DataFrame
) -> None:
    shares = [f.filter(pl.col("volume") > 0)["value"] < 10**9 for f in (made, real)]
    ours, theirs = (float(s.mean()) for s in shares)  # type: ignore[arg-type]
    assert 0.40 < ours < 0.65
    assert ours == pytest.approx(theirs, abs=0.12)


def test_a_handful_of_stocks_trade_above_500_billion_won(made: pl.DataFrame) -> None:
    assert 2 < _per_session(made, pl.col("value") > 5e11) < 40


def test_returns_spread_as_widely_and_with_tails_as_fat(
    made: pl.DataFrame, adjusted: pl.DataFrame
) -> None:
    ours, theirs = _spread(made), _spread(adjusted)
    for name in ("q01", "q99"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.35), name
    middle = [spread["q75"] - spread["q25"] for spread in (ours, theirs)]
    assert middle[0] == pytest.approx(middle[1], rel=0.3)
    assert ours["sd"] == pytest.approx(theirs["sd"], rel=0.2)
    assert ours["kurtosis"] > 10


def test_stocks_reach_their_limits_as_on_a_real_day(
    made: pl.DataFrame, adjusted: pl.DataFrame
) -> None:
    up, down = pl.col("change") > 0.295, pl.col("change") < -0.295
    assert 1.5 < _per_session(made, up) < 2 * _per_session(adjusted, up)
    assert 0.05 < _per_session(made, down) < 3
    assert _per_session(made, up) > 3 * _per_session(made, down)


def test_volume_rises_with_the_size_of_the_move_and_remembers(
    made: pl.DataFrame, adjusted: pl.DataFrame
) -> None:
    ours, theirs = _volume_habits(made), _volume_habits(adjusted)
    assert ours["with_move"] == pytest.approx(theirs["with_move"], abs=0.2)
    assert ours["memory"] == pytest.approx(theirs["memory"], abs=0.12)
    assert ours["sd"] == pytest.approx(theirs["sd"], rel=0.25)


def test_as_many_stocks_are_halted(made: pl.DataFrame, real: pl.DataFrame) -> None:
    ours, theirs = (_per_session(f, pl.col("volume") == 0) for f in (made, real))
    assert 0.5 * theirs < ours < 1.3 * theirs


def test_a_corporate_action_comes_about_every_session(made: pl.DataFrame) -> None:
    moved = made.filter((pl.col("base") / pl.col("previous") - 1).abs() > 0.01)
    assert 0.4 < moved.height / made["session"].n_unique() < 2


def test_the_index_moves_with_its_members(market: SampleMarket) -> None:
    bars = market.data.bars.join(market.data.instruments, on="ticker").filter(
        (pl.col("market") == "KOSDAQ") & (pl.col("kind") == "common")
    )
    weight = pl.col("base") * pl.col("listed_shares")
    by_hand = bars.filter(pl.col("listed").is_null() | (pl.col("session") > pl.col("listed")))
    ratio = by_hand.group_by("session").agg(
        expected=(pl.col("close") * pl.col("listed_shares")).sum() / weight.sum()
    )
    index = market.data.index_bars.filter(pl.col("index") == "KOSDAQ").sort("session")
    change = index.with_columns(change=pl.col("close") / pl.col("close").shift(1)).drop_nulls()
    both = change.join(ratio, on="session")
    assert both.height == 249
    assert (both["change"] - both["expected"]).abs().max() < 1e-4  # type: ignore[operator]
    assert 0.006 < both["change"].std() < 0.02  # type: ignore[operator]
    assert (index["high"] >= index["close"]).all()
    assert (index["low"] <= index["open"]).all()


def test_net_buying_is_spread_as_in_the_real_market(
    market: SampleMarket, real_data: Path, real: pl.DataFrame
) -> None:
    ours = market.data.net_buying.join(market.data.bars, on=["session", "ticker"])
    theirs = pl.read_parquet(real_data / "net_buying_won_2026.parquet").select(
        session="date", ticker="code", foreign_won="foreign_net_krw", institution_won="inst_net_krw"
    )
    theirs = theirs.join(real, on=["session", "ticker"]).filter(pl.col("value") > 0)
    for who, tolerance in (("foreign_won", 0.05), ("institution_won", 0.04)):
        for quantile in (0.1, 0.25, 0.75, 0.9):
            a, b = ((f[who] / f["value"]).quantile(quantile) for f in (ours, theirs))
            assert a == pytest.approx(b, abs=tolerance + abs(b or 0) * 0.3), (who, quantile)


def _measured(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.sort("ticker", "session").with_columns(
        change=pl.when(pl.col("volume") > 0).then(pl.col("close") / pl.col("base") - 1),
        previous=pl.col("close").shift(1).over("ticker"),
    )


def _per_session(bars: pl.DataFrame, what: pl.Expr) -> float:
    return bars.filter(what).height / bars["session"].n_unique()


def _spread(bars: pl.DataFrame) -> dict[str, float]:
    change = pl.col("change").filter(pl.col("change").abs() < 0.31)
    daily = bars.group_by("session").agg(
        sd=change.std(), kurtosis=change.kurtosis(),
        **{f"q{round(q * 100):02d}": change.quantile(q) for q in (0.01, 0.25, 0.75, 0.99)},
    )  # fmt: skip
    return daily.drop("session").median().row(0, named=True)


def _volume_habits(bars: pl.DataFrame) -> dict[str, float]:
    traded = bars.filter((pl.col("volume") > 0) & pl.col("change").is_not_null())
    log = pl.col("volume").log()
    frame = traded.with_columns(
        level=log - log.mean().over("ticker"),
        size=(pl.col("change").abs() / pl.col("change").std().over("ticker")).clip(0, 8),
    )
    return frame.select(
        with_move=pl.corr("level", "size"),
        memory=pl.corr("level", pl.col("level").shift(1).over("ticker")),
        sd=pl.col("level").std(),
    ).row(0, named=True)
