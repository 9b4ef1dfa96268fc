"""Random small markets for property tests: walks with bases, halts, splits and net buying."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import polars as pl
from paths import Market, weekdays

from market.data import MarketData
from market.schemas import DailyBars, IndexBars, InstrumentFlags, Instruments, NetBuying, Schedule

AS_OF = time(6, 30)  # 15:30 in Seoul
EVENING = time(9, 40)  # 18:40


def random_market(
    seed: int,
    *,
    stocks: int = 8,
    sessions: int = 330,
    splits: bool = True,
    multiple: int = 1,
    adjusted: bool = False,
) -> Market:
    """Deterministic. Splits are two to one.

    A `multiple` above 1 makes prices coarse, multiples of so many won: equal prices, and
    prices exactly at a limit, are then common.
    """
    rng = np.random.default_rng(seed)
    days = weekdays(sessions)
    told = [_stock(rng, i, days, splits, multiple, adjusted) for i in range(1, stocks + 1)]
    bars = pl.concat([frame for frame, _ in told])
    net = pl.concat([frame for _, frame in told])
    empty = DailyBars.create_empty().schema
    data = MarketData(
        bars=DailyBars.validate(bars.select(empty.names()).cast(dict(empty))),
        instruments=Instruments.validate(_instruments(stocks, days[0]), cast=True),
        flags=InstrumentFlags.create_empty(),
        net_buying=NetBuying.validate(net, cast=True),
        index_bars=IndexBars.validate(_index_bars(rng, days), cast=True),
    )
    moments = [datetime.combine(day, AS_OF, tzinfo=UTC) for day in days]
    schedule = pl.DataFrame({"session": days, "as_of": moments}).cast(
        {"as_of": pl.Datetime("us", "UTC")}
    )
    return Market(data, Schedule.validate(schedule), {})


def ticker(i: int) -> str:
    return f"{i:05}0"


def _closes(rng: np.random.Generator, n: int) -> np.ndarray[Any, Any]:
    """A rise, then waves that shrink, as bases do, and noise; sometimes they don't."""
    x = np.arange(n)
    rise = 0.9 * np.minimum(x, n * 0.7) / n * rng.uniform(0.2, 1.5)
    begin = int(n * rng.uniform(0.6, 0.85))
    since = np.maximum(x - begin, 0)
    fading = np.exp(-since / rng.uniform(15, 120))
    waves = -rng.uniform(0.05, 0.25) * np.sin(since / rng.uniform(3, 9)) * fading
    noise = np.cumsum(rng.normal(0, 0.006, n))
    closes: np.ndarray[Any, Any] = np.exp(rise + waves + noise)
    return closes


def _stock(
    rng: np.random.Generator, i: int, days: list[date], splits: bool, multiple: int, adjusted: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    late = int(rng.choice([0, 0, 0, 60]))
    days = days[late:]
    n = len(days)
    level = rng.uniform(1_000, 60_000) if multiple == 1 else multiple * rng.uniform(40, 120)
    close = level * _closes(rng, n)
    opened = close * np.exp(rng.normal(0, 0.008, n))
    high = np.maximum(opened, close) * np.exp(rng.exponential(0.006, n))
    low = np.minimum(opened, close) * np.exp(-rng.exponential(0.006, n))
    volume = (rng.lognormal(13, 0.6, n) * np.linspace(1.3, 0.6, n)).astype(int)
    before = np.ones(n, int)  # how many times higher prices were traded then
    ex = int(rng.integers(n // 2, n)) if splits and rng.random() < 0.6 else n
    before[:ex] = 2 if ex < n else 1
    price = {
        name: np.maximum(np.rint(values / multiple), 1).astype(int) * multiple * before
        for name, values in (("open", opened), ("high", high), ("low", low), ("close", close))
    }
    halted = np.zeros(n, bool)
    if rng.random() < 0.5:
        begin = int(rng.integers(20, n - 30))
        halted[begin : begin + int(rng.choice([3, 12, 22]))] = True
    last_traded = np.maximum.accumulate(np.where(halted, 0, np.arange(n)))
    stands = price["close"][last_traded] * before // before[last_traded]
    price["close"] = np.where(halted, stands, price["close"])
    base = np.concatenate([price["close"][:1], price["close"][:-1] * before[1:] // before[:-1]])
    traded = {k: np.where(halted, 0, v) for k, v in price.items() if k != "close"}
    volume = np.where(halted, 0, volume // before)
    value = volume * price["close"]
    frame = pl.DataFrame(
        {"session": days, **traded, "close": price["close"], "volume": volume, "value": value}
    ).with_columns(
        ticker=pl.lit(ticker(i)),
        base=pl.lit(None) if adjusted else pl.Series(base),
        listed_shares=pl.lit(None),
        market_cap=pl.lit(None),
        adjusted=pl.lit(adjusted),
        source=pl.lit("random"),
        collected_at=pl.lit(datetime(2025, 7, 1, tzinfo=UTC)),
    )
    return frame, _net_buying(rng, i, days, value)


def _net_buying(
    rng: np.random.Generator, i: int, days: list[date], value: np.ndarray[Any, Any]
) -> pl.DataFrame:
    known = rng.random(len(days)) < (0.98 if rng.random() < 0.7 else 0.0)
    rows = [
        {
            "session": day,
            "ticker": ticker(i),
            "known_at": datetime.combine(day, EVENING, tzinfo=UTC),
            "foreign_won": int(value[k] * rng.normal(0.02, 0.06)),
            "institution_won": int(value[k] * rng.normal(0.01, 0.04)),
            "provisional": False,
            "source": "random",
        }
        for k, day in enumerate(days)
        if known[k]
    ]
    return pl.DataFrame(rows, schema=NetBuying.create_empty().schema)


def _instruments(stocks: int, first: date) -> pl.DataFrame:
    rows = [
        {
            "ticker": ticker(i),
            "since": first,
            "name": f"Stock {i}",
            "market": "KOSDAQ" if i % 3 else "KOSPI",
            "kind": "common",
            "sector": None if i % 7 == 0 else "Ships",
        }
        for i in range(1, stocks + 1)
    ]
    return pl.DataFrame(rows, schema=Instruments.create_empty().schema)


def _index_bars(rng: np.random.Generator, days: list[date]) -> pl.DataFrame:
    rows = [
        {"session": day, "index": name, "close": float(close)}
        for name in ("KOSPI", "KOSDAQ")
        for day, close in zip(
            days, 1_000 * np.exp(np.cumsum(rng.normal(0, 0.012, len(days)))), strict=True
        )
    ]
    return pl.DataFrame(rows, schema=IndexBars.create_empty().schema)
