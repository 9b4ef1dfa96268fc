"""The panel: every stock's traded rows on one price scale, and what each stock was when."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from market.adjustment import factor_expr, scale_expr
from market.data import MarketData
from scanners.grading import TOLERANCE, above
from scanners.rules import UniverseRules
from scanners.universe import (
    EVERYWHERE,
    NOT_TRADED,
    SPAN,
    code_of,
    coded,
    designated,
    first_reason,
    listed_counts,
    period_of,
    periods,
)

# Exchange sessions read before the first one scored; no window reaches further back.
LOOKBACK = 280


@dataclass(frozen=True)
class Panel:
    """Traded rows sorted by stock and session, and what is known of those to be scored.

    `rows`: one row a stock and session with volume > 0 and open > 0, of the stocks that are
    scanned in any session to be scored; the others would only cost time. `code` is the
    stock's place in `tickers`, `pos` the session's in `sessions`, `row` the row's own number,
    `segment` the row where its segment starts, `n` the segment's rows in the last LOOKBACK
    sessions. open, high, low, close (won) and volume (shares) are adjusted to the panel's
    end, price as traded = price / `scale`; `activity` is volume over the stock's mean.
    `traded_close`, `limit_base`, `market_cap` (won) and `value` (won) are as traded. `chg` is
    the change against the base price, a fraction.

    `stocks`: for the rows from the first scored session on, in the same order: `out` and
    `out_trading` (codes of REASONS: why vcp, or daytrading and closing_bet, leave it out),
    sector and designations. `left_out`: pos, out, out_trading, n of all other rows, and of
    instruments without a row.
    """

    rows: pl.DataFrame
    stocks: pl.DataFrame
    left_out: pl.DataFrame
    tickers: pl.Enum
    sessions: pl.Series
    first: int


def build_panel(
    data: MarketData,
    sessions: pl.Series,
    first: int,
    sectors: pl.Enum,
    rules: UniverseRules,
) -> Panel:
    """The panel over `sessions`, of which those from position `first` on are to be scored."""
    tickers, codes = coded(data)
    bars = _placed(data, codes, sessions, rules)
    spans = periods(data, tickers, sessions)
    tail = _sorted(bars.select("key", "code", "pos", "traded", "bad"), bars["pos"] >= first)
    tail = _described(tail, data, spans, tickers, sessions, sectors)
    scanned = pl.repeat(False, len(tickers.categories), dtype=pl.Boolean, eager=True)
    scanned = scanned.scatter(tail["code"].filter(tail["out"] == 0).unique(), True)
    rows = _traded(_scaled(_sorted(bars, scanned.gather(bars["code"]))), rules)
    inside = tail["traded"] & scanned.gather(tail["code"])
    later = rows.select("row", "key", "pos", "stock").filter(rows["pos"] >= first)
    history = later.select(history=_rows_in_reach(later, rows, "stock"))
    return Panel(
        rows=rows.drop("stock"),
        stocks=_scanned(tail.filter(inside), history, rules),
        left_out=_outside(tail.filter(~inside), tail, spans, first, len(sessions)),
        tickers=tickers,
        sessions=sessions,
        first=first,
    )


def _placed(
    data: MarketData, codes: pl.Series, sessions: pl.Series, rules: UniverseRules
) -> pl.DataFrame:
    """Every stored row with its stock and session, in no order, and whether it traded."""
    bars: pl.DataFrame = data.bars
    calendar = pl.DataFrame({"session": sessions}).with_row_index("pos")
    pos = bars.select("session").join(calendar, on="session", how="left", maintain_order="left")
    off = pl.max_horizontal(pl.col("highest") - pl.col("high"), pl.col("low") - pl.col("lowest"))
    moved = (pl.col("volume") > 0) & (pl.col("open") > 0)
    wrong = (off > rules.bar_tolerance_won) & above(off, pl.col("close") * rules.bar_tolerance)
    frame = (
        bars.lazy()
        .with_columns(
            pos["pos"].cast(pl.Int32),
            codes.alias("code"),
            highest=pl.max_horizontal("open", "high", "low", "close"),
            lowest=pl.min_horizontal("open", "high", "low", "close"),
        )
        .select(
            "code",
            "pos",
            "open",
            "highest",
            "lowest",
            "close",
            "volume",
            "value",
            "base",
            "market_cap",
            "adjusted",
            key=pl.col("code").cast(pl.Int64) * SPAN + pl.col("pos"),
            traded=moved & ~wrong,
            bad=moved & wrong,
        )
        .collect()
    )
    return frame.filter(frame["pos"].is_not_null()) if frame["pos"].null_count() else frame


def _sorted(bars: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """The rows that are `wanted`, by stock and session."""
    places = wanted.arg_true()
    keys = bars["key"].gather(places)
    if keys.is_sorted():
        return bars if len(places) == len(bars) else bars.filter(wanted)
    return bars[places.gather(keys.arg_sort())]


def _scaled(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars by stock and session with the `scale` of their prices."""
    steps = bars.select("adjusted", "base", "close", ticker="code", ordinal="pos")
    steps = steps.with_columns(factor=factor_expr())
    # Few stocks ever change their scale.
    changed = steps["ticker"].filter(steps["factor"] != 1).unique()
    places = steps["ticker"].is_in(changed.implode()).arg_true()
    scale = pl.repeat(1.0, len(bars), dtype=pl.Float64, eager=True)
    if len(places):
        scale = scale.scatter(places, steps[places].select(s=scale_expr())["s"])
    return bars.with_columns(scale=scale)


def _traded(bars: pl.DataFrame, rules: UniverseRules) -> pl.DataFrame:
    """The traded rows, adjusted, in segments, with n and chg."""
    scale = pl.col("scale")
    rows = (
        bars.with_columns(stored_row=(~pl.col("bad")).cum_sum().cast(pl.Int32))
        .filter("traded")
        .with_row_index("row")
        .select(
            pl.col("row").cast(pl.Int32),
            "key",
            "code",
            "pos",
            "stored_row",
            "scale",
            "adjusted",
            "market_cap",
            "base",
            open=pl.col("open") * scale,
            high=pl.col("highest") * scale,
            low=pl.col("lowest") * scale,
            close=pl.col("close") * scale,
            volume=pl.col("volume") / scale,
            traded_close=pl.col("close"),
            value=pl.coalesce("value", pl.col("close") * pl.col("volume")).cast(pl.Float64),
            value_estimated=pl.col("value").is_null(),
        )
    )
    rows = rows.with_columns(
        activity=pl.col("volume") / pl.col("volume").mean().over("code"),
        move=pl.col("close") / pl.col("close").shift(1) - 1,
    )
    rows = rows.with_columns(
        segment=pl.when(_starts(rules)).then(pl.col("row")).otherwise(0).cum_max(),
        stock=pl.when(_another_stock()).then(pl.col("row")).otherwise(0).cum_max(),
    )
    inside = pl.col("row") > pl.col("segment")
    previous = pl.when(inside).then(pl.col("traded_close").shift(1))
    rows = rows.with_columns(
        chg=pl.when("adjusted")
        .then(pl.when(inside).then("move"))
        .otherwise(pl.col("traded_close") / pl.col("base") - 1),
        limit_base=pl.when("adjusted").then(previous).otherwise(pl.col("base")),
        n=_rows_in_reach(rows, rows, "segment"),
    )
    return rows.drop("stored_row", "move", "base")


def _starts(rules: UniverseRules) -> pl.Expr:
    """Where a segment starts: another stock, a hole, a long halt, a failed adjustment."""
    halted = pl.col("stored_row") - pl.col("stored_row").shift(1) - 1
    missing = pl.col("pos") - pl.col("pos").shift(1) - 1 - halted
    jump = (
        (halted > 0)
        & pl.col("adjusted")
        & (pl.col("move").abs() > rules.max_adjusted_jump * (1 + TOLERANCE))
    )
    broken = (missing > rules.max_missing) | (halted > rules.max_halt) | jump
    return (_another_stock() | broken).fill_null(True)


def _another_stock() -> pl.Expr:
    return (pl.col("code") != pl.col("code").shift(1)).fill_null(True)


def _rows_in_reach(some: pl.DataFrame, rows: pl.DataFrame, start: str) -> pl.Series:
    """For `some` rows, those from `start` on that lie in their last LOOKBACK sessions."""
    since = some["row"] - some[start]
    gaps = (some["pos"] - rows["pos"].gather(some[start])) != since
    n = (since + 1).clip(upper_bound=LOOKBACK)
    places = gaps.arg_true()
    if not len(places):
        return n
    late = some.select("key", "row")[places]
    oldest = rows["key"].search_sorted(late["key"] - (LOOKBACK - 1), side="left")
    within = late["row"] - oldest.cast(pl.Int32) + 1
    both = pl.select(pl.min_horizontal(n.gather(places), within)).to_series()
    return n.scatter(places, both)


def _described(
    tail: pl.DataFrame,
    data: MarketData,
    spans: pl.DataFrame,
    tickers: pl.Enum,
    sessions: pl.Series,
    sectors: pl.Enum,
) -> pl.DataFrame:
    """The stored rows to be scored with what the instrument was, and `out` so far."""
    tail = tail.select("key", "code", "pos", "traded", "bad")
    at = period_of(tail, spans)
    flags = designated(data, tail, tickers, sessions)
    tail = tail.with_columns(
        kind_out=spans["kind_out"].gather(at),
        sector=spans["sector"].cast(sectors).gather(at),
        market=spans["market"].gather(at),
        listed_pos=spans["listed_pos"].gather(at),
        listed=(tail["pos"] >= spans["from_pos"].gather(at))
        & (tail["pos"] < spans["to_pos"].gather(at)),
        **flags,
    )
    reasons = [
        (pl.col("kind_out").is_null(), code_of("unknown_instrument")),
        (pl.col("kind_out") > 0, pl.col("kind_out")),
    ]
    reasons += [(pl.col(flag), code_of(flag)) for flag in EVERYWHERE if flag in flags]
    reasons += [
        (pl.col("bad"), code_of("bad_prices")),
        (~pl.col("traded"), code_of("halted")),
    ]
    return tail.with_columns(out=first_reason(reasons))


def _scanned(traded: pl.DataFrame, history: pl.DataFrame, rules: UniverseRules) -> pl.DataFrame:
    """The traded rows to be scored, with `out` and `out_trading`."""
    age = pl.col("pos") - pl.col("listed_pos")
    out = first_reason(
        [
            (pl.col("out") > 0, pl.col("out")),
            ((age >= 0) & (age < rules.new_listing_sessions), code_of("new_listing")),
            (pl.col("history") < rules.min_rows, code_of("short_history")),
        ]
    )
    stocks = traded.hstack(history).with_columns(out=out)
    flags = [flag for flag in NOT_TRADED if flag in stocks.columns]
    trading = first_reason(
        [(pl.col("out") > 0, pl.col("out")), *[(pl.col(f), code_of(f)) for f in flags]]
    )
    return stocks.with_columns(out_trading=trading).drop(
        "key", "code", "pos", "history", "traded", "bad", "kind_out", "listed_pos", "listed"
    )


def _outside(
    others: pl.DataFrame, tail: pl.DataFrame, spans: pl.DataFrame, first: int, sessions: int
) -> pl.DataFrame:
    """pos, out, out_trading, n: stored rows outside the panel, and instruments without row."""
    halted = others.group_by("pos", "out").len("n")
    stored = tail.filter("listed").group_by("pos").len("stored")
    listed = pl.DataFrame({"listed": listed_counts(spans, sessions)}).with_row_index("pos")
    absent = (
        listed.with_columns(pl.col("pos").cast(pl.Int32))
        .filter(pl.col("pos") >= first)
        .join(stored, on="pos", how="left")
        .select(
            "pos",
            out=code_of("no_data"),
            n=(pl.col("listed") - pl.col("stored").fill_null(0)).cast(pl.UInt32),
        )
        .filter(pl.col("n") > 0)
    )
    both = pl.concat([halted.select("pos", "out", pl.col("n").cast(pl.UInt32)), absent])
    return both.with_columns(out_trading="out")
