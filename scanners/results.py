"""What a scan gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ScanResult:
    """One scanner's verdicts.

    `scores`: every stock and session scanned, by ticker and session: session, ticker, score,
    out_of, ratio (score / out_of), grade (S, A, B, C or null), entry, target, stop (won as
    traded, or null), the points of each part (null: missing), the gates and what they rest on.
    `signals`: those at the rules' min_grade or better, by session and best first: session,
    ticker, scanner, score, out_of, grade, entry, target, stop, parts (JSON), reasons, flags,
    close (won), change (fraction), value20 (won), market_cap (won), net_buying_session,
    position_size (fraction of capital, null where the scanner gives none).
    `counts`: session, scanned, s, a, b, c, ungraded. `left_out`: session, reason, n.
    """

    scanner: str
    scores: pl.DataFrame
    signals: pl.DataFrame
    counts: pl.DataFrame
    left_out: pl.DataFrame


@dataclass(frozen=True)
class MarketScan:
    """The results by scanner, and the market gate, one row a session (None if not asked for).

    `gate`: session, level (0-100), status, kospi_status, kosdaq_status, kospi_close,
    kospi_change_pct (percent), kosdaq_close, kosdaq_change_pct, sectors (JSON), parts (JSON).
    """

    results: Mapping[str, ScanResult]
    gate: pl.DataFrame | None
