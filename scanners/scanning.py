"""One pass over the market: panel, ranks, scores, signals, counts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import partial

import polars as pl

from market.data import MarketData
from market.scanners import SCANNERS
from scanners import market_gate
from scanners.batch import Piece, Request, cross_section, panel_of, score
from scanners.batches import batches_of
from scanners.closing_bet_words import sized
from scanners.daytrading import InSession
from scanners.ranks import ranked
from scanners.results import MarketScan, ScanResult
from scanners.rules import Rules
from scanners.universe import REASONS, sectors_of

ALL = (*SCANNERS, "market_gate")
# More rows than this are scored in batches of stocks, of half as many rows each.
BATCH_ROWS = 1_200_000


def scan(
    data: MarketData,
    schedule: pl.DataFrame,
    score_from: date,
    rules: Rules,
    *,
    previous_gate: str | None = None,
    scanners: Collection[str] = ALL,
    in_session: InSession | None = None,
    keep_scores: bool = True,
    batch_rows: int = BATCH_ROWS,
) -> MarketScan:
    """Score every stock in every session of `schedule` from `score_from` on.

    `schedule` (market.schemas.Schedule) lists every exchange session from the first bar to the
    last session scored, each with its as-of; bars before it or after it are not read. Results
    are exact when LOOKBACK sessions lie before `score_from`. `previous_gate` is the market
    gate's colour in the session before. `in_session` says that the newest session isn't over.
    Without `keep_scores` the frames of scores stay empty, for ranges of many years. More than
    `batch_rows` bars are scored in batches of stocks, with the same results.

    Raises:
        ValueError: a scanner that doesn't exist.
    """
    if unknown := set(scanners) - set(ALL):
        raise ValueError(f"no such scanner: {', '.join(sorted(unknown))}")
    first = int(schedule["session"].search_sorted(score_from, side="left"))
    request = Request(
        data, schedule, first, rules, scanners, in_session, keep_scores, sectors_of(data)
    )
    if len(data.bars) <= batch_rows:
        panel = panel_of(request, data)
        cross = cross_section(panel, rules)
        pieces = [score(panel, partial(ranked, cross, rules), request, data)]
    else:
        batches = batches_of(data, batch_rows // 2)
        crosses = [cross_section(panel_of(request, part), rules) for part in batches]
        cross = pl.concat(crosses)
        ranks = ranked(cross, rules)
        starts = [0]
        for one in crosses:
            starts.append(starts[-1] + len(one))
        del crosses
        pieces = [
            score(panel_of(request, part), partial(ranks.slice, start, end - start), request, part)
            for part, start, end in zip(batches, starts, starts[1:], strict=False)
        ]
    gate = None
    if "market_gate" in scanners:
        gate = market_gate.gate(
            data.index_bars,
            market_gate.breadth(cross, rules.market_gate),
            request.sessions,
            first,
            rules.market_gate,
            previous_gate,
        )
    results = {
        name: _merged(name, [piece[name] for piece in pieces], request, gate)
        for name in SCANNERS
        if name in scanners
    }
    return MarketScan(results, gate)


def _merged(
    name: str, pieces: list[Piece], request: Request, gate: pl.DataFrame | None
) -> ScanResult:
    """One scanner's result from those of all batches."""
    signals = pl.concat([piece.signals for piece in pieces]).sort(
        "session",
        pl.col("score") / pl.col("out_of"),
        "out_of",
        "value20",
        "ticker",
        descending=[False, True, True, True, False],
        nulls_last=True,
    )
    if name == "closing_bet":
        signals = sized(signals, gate, request.rules)
    scored = pl.DataFrame({"session": request.sessions[request.first :]})
    counts = pl.concat([piece.counts for piece in pieces]).group_by("session").sum()
    left_out = (
        pl.concat([piece.left_out for piece in pieces])
        .group_by("pos", "reason")
        .agg(pl.col("n").sum())
        .select(
            session=pl.lit(request.sessions).gather(pl.col("pos")),
            reason=pl.col("reason").replace_strict(
                dict(enumerate(REASONS)), return_dtype=pl.String
            ),
            n=pl.col("n").cast(pl.Int64),
        )
        .sort("session", "reason")
    )
    return ScanResult(
        scanner=name,
        scores=pl.concat([piece.scores for piece in pieces]),
        signals=signals,
        counts=scored.join(counts, on="session", how="left", maintain_order="left").with_columns(
            pl.exclude("session").fill_null(0).cast(pl.Int64)
        ),
        left_out=left_out,
    )
