"""One batch of stocks: its panel, what its stocks are compared by, and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from market.data import MarketData
from market.prices import upper_limit_expr
from market.scanners import SCANNERS
from scanners import (
    closing_bet,
    closing_bet_words,
    daytrading,
    daytrading_words,
    indicators,
    net_buying,
    vcp,
    vcp_words,
)
from scanners.contractions import Swings, find_swings, patterns
from scanners.daytrading import InSession
from scanners.grading import GRADES
from scanners.panel import Panel, build_panel
from scanners.ranks import CROSS
from scanners.rules import Rules

AT_ONCE = 2  # pieces of work; each uses several cores by itself where it can
# What words need of a cell beside its scores.
ORIGIN = (
    "row",
    "pos",
    "scale",
    "traded_close",
    "limit_base",
    "chg",
    "value20",
    "market_cap",
    "q",
    "provisional",
    "value_estimated",
    "adjusted",
    "pattern",
    "pivot_row",
)


@dataclass(frozen=True)
class Request:
    """What is asked of every batch; without `words` no signals are made."""

    data: MarketData
    schedule: pl.DataFrame
    first: int
    rules: Rules
    scanners: Collection[str]
    in_session: InSession | None
    keep_scores: bool
    sectors: pl.Enum
    words: bool = True

    @property
    def sessions(self) -> pl.Series:
        return self.schedule["session"]


@dataclass(frozen=True)
class Piece:
    """What one batch gives for one scanner."""

    scores: pl.DataFrame
    signals: pl.DataFrame
    counts: pl.DataFrame
    left_out: pl.DataFrame


def panel_of(request: Request, data: MarketData) -> Panel:
    return build_panel(
        data, request.sessions, request.first, request.sectors, request.rules.universe
    )


def _scored(panel: Panel) -> pl.Series:
    """Which of the panel's rows are to be scored."""
    inside = (panel.rows["pos"] >= panel.first).arg_true()
    chosen = inside.filter(panel.stocks["out"] == 0)
    mask = pl.repeat(False, len(panel.rows), dtype=pl.Boolean, eager=True)
    return mask.scatter(chosen, True) if len(chosen) else mask


def cross_section(panel: Panel, rules: Rules) -> pl.DataFrame:
    """What the eligible stocks are compared by."""
    rows = panel.rows.select("pos", "chg").hstack(indicators.for_ranks(panel.rows, rules))
    stocks = panel.stocks.filter(panel.stocks["out"] == 0).select("sector", "out_trading")
    return rows.filter(_scored(panel)).hstack(stocks).select(CROSS)


def score(
    panel: Panel, ranks: Callable[[], pl.DataFrame], request: Request, data: MarketData
) -> dict[str, Piece]:
    """The scanners' verdicts on one batch of stocks.

    What doesn't need the other is worked out at the same time: Polars keeps several cores busy
    only within one expression, and most of these take one.
    """
    wanted = [name for name in SCANNERS if name in request.scanners]
    if not wanted:
        return {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        cells, swings = _cells(panel, ranks, request, data, wanted, threads)
        trading = cells
        if panel.stocks["out_trading"].max() != 0 and (cells["out_trading"] > 0).any():
            trading = cells.filter(pl.col("out_trading") == 0)
        pieces = {
            name: threads.submit(
                _piece, name, cells if name == "vcp" else trading, panel, swings, request, data
            )
            for name in wanted
        }
        return {name: piece.result() for name, piece in pieces.items()}


def _cells(
    panel: Panel,
    ranks: Callable[[], pl.DataFrame],
    request: Request,
    data: MarketData,
    wanted: Collection[str],
    threads: ThreadPoolExecutor,
) -> tuple[pl.DataFrame, Swings]:
    """Everything that is known of the rows to be scored, and the swing highs of all."""
    rules, rows = request.rules, panel.rows
    scored = _scored(panel)
    measured = threads.submit(indicators.for_scores, rows, scored, rules, wanted)
    swings = find_swings(rows, rules.vcp.contractions)
    found = threads.submit(patterns, rows, scored, swings, rules.vcp.contractions)
    ranked = threads.submit(ranks)
    net = net_buying.for_rows(rows, scored, data, panel.tickers, request.schedule)
    stocks = panel.stocks.filter(panel.stocks["out"] == 0)
    parts = [rows.filter(scored), measured.result(), net, stocks, ranked.result()]
    if "vcp" in wanted or "closing_bet" in wanted:
        parts.append(found.result())
    cells = pl.concat(parts, how="horizontal")
    # Lazily here and in the scanners: an expression met twice is computed once.
    limit = upper_limit_expr(pl.col("limit_base"))
    cells = cells.rechunk().lazy().with_columns(upper_limit=limit).collect()
    cells = cells.with_columns(
        session=request.sessions.gather(cells["pos"]),
        ticker=panel.tickers.categories.gather(cells["code"]),
    )
    return cells, swings


def _piece(
    name: str,
    cells: pl.DataFrame,
    panel: Panel,
    swings: Swings,
    request: Request,
    data: MarketData,
) -> Piece:
    rules = request.rules
    if name == "vcp":
        scores = vcp.score(cells, rules)
    elif name == "daytrading":
        newest = len(request.sessions) - 1
        scores = daytrading.score(cells, rules, request.in_session, newest)
    else:
        news = closing_bet.news_of(data, panel.tickers, request.schedule, rules.closing_bet)
        scores = closing_bet.score(cells, rules, news, data.news_of)
    told = (
        _signals(name, cells, scores, panel, swings, request) if request.words else pl.DataFrame()
    )
    return Piece(
        scores=_presented(cells, scores) if request.keep_scores else pl.DataFrame(),
        signals=told,
        counts=_counts(cells, scores),
        left_out=_left_out(panel, "out" if name == "vcp" else "out_trading"),
    )


def _signals(
    name: str,
    cells: pl.DataFrame,
    scores: pl.DataFrame,
    panel: Panel,
    swings: Swings,
    request: Request,
) -> pl.DataFrame:
    """The signals of one scanner, with words, not yet in order."""
    rules, sessions = request.rules, request.sessions
    lowest = GRADES.categories.to_list().index(getattr(rules, name).min_grade)
    chosen = (scores["grade"].to_physical() <= lowest).fill_null(False)
    marks = [
        flag for flag in ("caution", "single_price", "risk", "warning") if flag in cells.columns
    ]
    origin = [c for c in (*ORIGIN, *marks) if c in cells.columns and c not in scores.columns]
    extra = {"traded_value": pl.col("value")}
    if "pivot_low" in cells.columns:
        extra["open_low"] = pl.col("pivot_low")
    # In one chunk: Polars 2.1 overruns when text is made of columns cut up differently.
    some = pl.concat(
        [
            scores.filter(chosen),
            cells.filter(chosen).select("session", "ticker", *origin, **extra),
        ],
        how="horizontal",
    ).rechunk()
    if name == "vcp":
        words = vcp_words.describe(some, panel.rows, swings, sessions, rules)
    elif name == "daytrading":
        words = daytrading_words.describe(some, sessions, rules)
    else:
        asked = request.data.news_of is not None
        words = closing_bet_words.describe(some, sessions, rules, by_name=asked)
    return some.hstack(words).select(
        "session",
        "ticker",
        pl.lit(name).alias("scanner"),
        "score",
        "out_of",
        "grade",
        "entry",
        "target",
        "stop",
        "parts",
        "reasons",
        "flags",
        close="traded_close",
        change="chg",
        value20="value20",
        market_cap="market_cap",
        net_buying_session=sessions.gather(some["q"]),
        position_size=pl.lit(None, pl.Float64),
    )


def _presented(cells: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    shown = [column for column in scores.iter_columns() if column.name != "epoch"]
    return pl.DataFrame([cells["session"], cells["ticker"], *shown])


def _counts(cells: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    grade = pl.col("grade").to_physical()
    return (
        pl.DataFrame([cells["session"], scores["grade"]])
        .group_by("session")
        .agg(
            scanned=pl.len(),
            **{g.lower(): (grade == i).sum() for i, g in enumerate(GRADES.categories)},
            ungraded=grade.is_null().sum(),
        )
    )


def _left_out(panel: Panel, column: str) -> pl.DataFrame:
    """pos, reason (code) and n of the stocks of this batch that a scanner leaves out."""
    pos = panel.rows["pos"]
    pos = pos.filter(pos >= panel.first)
    traded = (
        panel.stocks.select(reason=column)
        .with_columns(pos=pos)
        .filter(pl.col("reason") > 0)
        .group_by("pos", "reason")
        .len("n")
    )
    resting = panel.left_out.select("pos", "n", reason=column)
    return pl.concat([traded.select("pos", "n", "reason"), resting])
