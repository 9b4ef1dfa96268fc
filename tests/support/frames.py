"""Cutting and comparing frames in the scanners' tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from market.data import MarketData
from scanners import MarketScan

KEY = ["session", "ticker"]


def cut(data: MarketData, first: date, last: date) -> MarketData:
    """Only what happened from `first` to `last`."""
    inside = pl.col("session").is_between(first, last)
    return replace(
        data,
        bars=data.bars.filter(inside),
        net_buying=data.net_buying.filter(inside),
        index_bars=data.index_bars.filter(inside),
    )


def same_results(one: MarketScan, other: MarketScan, sessions: list[date]) -> None:
    """Assert that both scans say the same of those sessions, in every column."""
    assert one.results.keys() == other.results.keys()
    for name in one.results:
        for frame in ("scores", "signals", "counts", "left_out"):
            a, b = (
                getattr(scan.results[name], frame).filter(pl.col("session").is_in(sessions))
                for scan in (one, other)
            )
            order = [c for c in ("session", "ticker", "reason") if c in a.columns]
            a, b = a.sort(order), b.sort(order)
            # Rolling sums carry noise of 1e-13 that depends on the rows before the window.
            assert_frame_equal(a, b, rel_tol=1e-8, abs_tol=1e-9)
