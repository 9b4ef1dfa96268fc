"""Signals as trades the account may take: followed to their end, with costs, best first."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from backtest.limits import Limits
from backtest.portfolio import WHOLE, Candidate
from backtest.prices import Prices
from market.data import MarketData
from outcomes.costs import buying_expr, selling_expr
from outcomes.follow import follow_in
from outcomes.rows import Rows, markets_of
from outcomes.rules import TradeRules

PIVOT = "$.pivot.price"
LATE = ("time_limit", "session_close", "next_close", "delisted")


def followed(
    signals: pl.DataFrame,
    gate: pl.DataFrame,
    data: MarketData,
    rows: Rows,
    trades: TradeRules,
) -> pl.DataFrame:
    """The signals that were filled, with what became of them, the gate's colour, costs, and
    the volume of the session of purchase. `rows` hold the signals' stocks.

    Sorted by session of purchase, then best first: score/out_of, out_of, traded value, ticker.
    """
    told = signals.select(
        "session",
        "ticker",
        "scanner",
        "grade",
        "score",
        "out_of",
        "value20",
        "entry",
        "target",
        "stop",
        pivot=pl.col("parts").str.json_path_match(PIVOT).cast(pl.Float64, strict=False),
    ).with_columns(pivot=pl.coalesce("pivot", "entry"))
    ends = follow_in(told, rows, trades)
    outcome = ends.select(
        "status",
        "reason",
        "filled_session",
        "filled_price",
        "closed_session",
        "closed_price",
        "factor",
        "gross_return",
        "sessions_held",
    )
    colours = gate.select("session", gate="status")
    market = markets_of(data.instruments)
    bought, sold = pl.col("filled_price"), pl.col("closed_price")
    filled = told.hstack(outcome).filter(pl.col("filled_session").is_not_null())
    place = ["ticker", "filled_session"]
    volumes = data.bars.select("ticker", "volume", filled_session="session").join(
        filled.select(place).unique(), on=place, how="semi"
    )
    return (
        filled.join(volumes, on=place, how="left", maintain_order="left")
        .join(colours, on="session", how="left", maintain_order="left")
        .join(market, on="ticker", how="left", maintain_order="left")
        .with_columns(
            buy_rate=buying_expr(bought, pl.col("filled_session"), pl.col("market"), trades.costs),
            sell_rate=selling_expr(sold, pl.col("closed_session"), pl.col("market"), trades.costs),
        )
        .sort(
            "filled_session",
            pl.col("score") / pl.col("out_of"),
            "out_of",
            "value20",
            "session",
            "ticker",
            descending=[False, True, True, True, True, False],
            nulls_last=True,
        )
    )


def candidates(filled: pl.DataFrame, prices: Prices, limits: Limits) -> list[Candidate]:
    """Those made and bought within the sessions of `prices`; later sales are not known there.

    `filled` as `followed` gives them.
    """
    first, last = prices.sessions[0], prices.sessions[-1]
    inside = filled.filter(pl.col("session") >= first, pl.col("filled_session") <= last)
    return [_candidate(row, prices, limits) for row in inside.iter_rows(named=True)]


def _candidate(row: dict[str, Any], prices: Prices, limits: Limits) -> Candidate:
    closed = row["closed_session"]
    known = closed is not None and closed <= prices.sessions[-1]
    return Candidate(
        code=prices.code[row["ticker"]],
        ticker=row["ticker"],
        filled=prices.place[row["filled_session"]],
        bought_at=math.ceil(row["filled_price"] - WHOLE),
        volume=row["volume"] or 0,
        closed=prices.place[closed] if known else None,
        sold_at=math.floor(row["closed_price"] + WHOLE) if known else None,
        buy_rate=row["buy_rate"],
        sell_rate=row["sell_rate"] if known else 0.0,
        reason=row["reason"] or "",
        fraction=limits.size(row["grade"], row["gate"]),
        value20=row["value20"],
        row=row,
        late=row["reason"] in LATE,
    )
