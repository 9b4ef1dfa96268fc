"""What the account and the two markets are valued with: closes, volumes, factors."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market.adjustment import with_scale
from market.data import MarketData

# An adjusted source's bar that moves more than a limit allows: its adjustment failed there.
MAX_ADJUSTED_MOVE = 0.31


@dataclass(frozen=True)
class Prices:
    """`close` (session, ticker) in won as traded, carried on where there is no bar, 0 before the
    first; `factors` (session, ticker) -> the exchange's factor and base price where shares change.
    """

    sessions: list[date]
    place: dict[date, int]
    code: dict[str, int]
    close: NDArray[np.int64]
    factors: dict[int, list[tuple[int, float, int]]]

    def between(self, first: date, last: date) -> Prices:
        """Those of the sessions from `first` to `last`; closes are carried on from before."""
        start, end = bisect_left(self.sessions, first), bisect_right(self.sessions, last)
        sessions = self.sessions[start:end]
        factors = {at - start: told for at, told in self.factors.items() if start <= at < end}
        place = {one: at for at, one in enumerate(sessions)}
        return Prices(sessions, place, self.code, self.close[start:end], factors)


def scaled_bars(data: MarketData, sessions: list[date]) -> pl.DataFrame:
    """session, ticker, ordinal, close, volume, factor, adjusted, base and move (the change against
    the base, a fraction) of every stored bar, sorted by ticker and session."""
    bars = data.bars.select("session", "ticker", "open", "close", "volume", "base", "adjusted")
    frame = with_scale(bars, sessions).drop("scale")
    same = pl.col("ticker") == pl.col("ticker").shift(1)
    consecutive = same & (pl.col("ordinal") == pl.col("ordinal").shift(1) + 1)
    move = pl.col("close") / (pl.col("close").shift(1) * pl.col("factor")) - 1
    failed = pl.col("adjusted") & (move.abs() > MAX_ADJUSTED_MOVE)
    return frame.with_columns(move=pl.when(consecutive & ~failed).then(move))


def prices_of(bars: pl.DataFrame, sessions: list[date], first: int, tickers: list[str]) -> Prices:
    """The prices of these tickers from the session at `first` on; `bars` of `scaled_bars`."""
    traded = sessions[first:]
    code = {ticker: at for at, ticker in enumerate(tickers)}
    codes = pl.DataFrame({"ticker": tickers}, schema={"ticker": pl.String}).with_row_index("code")
    own = (
        bars.filter(pl.col("ordinal") >= first)
        .join(codes, on="ticker", how="inner")
        .with_columns(at=pl.col("ordinal") - first)
    )
    close = np.zeros((len(traded), len(tickers)), dtype=np.int64)
    close[own["at"].to_numpy(), own["code"].to_numpy()] = own["close"].to_numpy()
    for at in range(1, len(traded)):
        np.copyto(close[at], close[at - 1], where=close[at] == 0)
    factors: dict[int, list[tuple[int, float, int]]] = {}
    changed = own.filter((pl.col("factor") - 1).abs() > 1e-9)
    for at, stock, factor, base in changed.select("at", "code", "factor", "base").iter_rows():
        factors.setdefault(at, []).append((stock, factor, base))
    return Prices(traded, {one: at for at, one in enumerate(traded)}, code, close, factors)
