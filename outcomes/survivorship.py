"""Whether the data hold the stocks that left the market, or only those that stayed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

# [DATA] KRX lists about 2,600 common stocks, and some 50 to 100 leave a year: 2 to 4 %. Where fewer
# did than chance allows at the lower end, some are missing; where less than a fifth of it did, the
# data can't be of the whole market.
REAL_A_YEAR = 0.02
LEAST_A_YEAR = REAL_A_YEAR / 5
SESSIONS_A_YEAR = 245
GONE_AFTER = 5  # stored sessions without a bar


@dataclass(frozen=True)
class Survivorship:
    """`left`: stocks whose bars end before the range does. `missing`: common stocks known to have
    left in it that have no bars. `held`: None where the range is too short to tell; `few`: fewer
    left than leave the real market, so some may be missing."""

    first: date
    last: date
    stocks: int
    left: int
    missing: int
    held: bool | None
    few: bool = False

    @property
    def verdict(self) -> Literal["included", "partly", "absent", "unknown"]:
        """Whether stocks that left the market are in the data."""
        if self.held is None:
            return "unknown"
        if self.held and not self.few and not self.missing:
            return "included"
        return "partly" if self.left else "absent"

    @property
    def sentence(self) -> str:
        """What a report says at its top."""
        where = f"{self.first} to {self.last}"
        lacking = f", and {self.missing} known to have left are missing" if self.missing else ""
        left = f"{self.left} of {self.stocks} stocks in the data left the market{lacking}"
        if self.held is None:
            return (
                f"{where}: too short to tell whether the data hold stocks that left the market"
                f"{lacking}"
            )
        if self.held and self.few:
            return (
                f"{where}: only {left}; of the real one 2 to 4 % leave a year, so the figures may "
                "be too good"
            )
        if self.held:
            return f"{where}: {left}"
        return (
            f"SURVIVORSHIP BIAS, {where}: {left}. What failed is not in it, so the figures are too "
            "good"
        )


def survivorship(
    last_seen: pl.DataFrame, stored: Sequence[date], instruments: pl.DataFrame
) -> Survivorship:
    """Judge the data of a range of sessions by the common stocks of KOSPI and KOSDAQ.

    Args:
        last_seen: ticker, session: the newest bar of each stock within the range; of bars
            `bars.group_by("ticker").agg(pl.col("session").max())`.
        stored: the sessions of the range that have bars, in order; at least one.
        instruments: market.schemas.Instruments, with `delisted` where it is known.
    """
    common = instruments.filter(
        pl.col("kind").cast(pl.String) == "common", pl.col("market").cast(pl.String) != "KONEX"
    )
    seen = last_seen.join(common.select("ticker").unique(), on="ticker", how="semi")
    first, last = stored[0], stored[-1]
    last_but = stored[max(len(stored) - 1 - GONE_AFTER, 0)]
    left = seen.filter(pl.col("session") < last_but).height
    known = common.filter(pl.col("delisted").is_between(first, last, closed="right"))
    missing = len(set(known["ticker"]) - set(seen["ticker"]))
    years = max(len(stored) - GONE_AFTER, 0) / SESSIONS_A_YEAR
    expected = LEAST_A_YEAR * seen.height * years
    real = REAL_A_YEAR * seen.height * years
    held = None if expected < 1 else left >= expected
    if missing > left:
        held = False
    few = left < real - 2 * math.sqrt(real)
    return Survivorship(first, last, seen.height, left, missing, held, few)
