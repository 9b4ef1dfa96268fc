"""Net buying as it was known at each session's as-of, and what the scanners make of it.

A scan of session t reads the figures of t as known at t's own as-of, and those of an earlier
session as known at the as-of of the session after it. A later revision isn't used, so that a
scan made that evening and one made years later read the same.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.data import MarketData
from scanners.indicators import near
from scanners.universe import SPAN

WON = ("foreign_won", "institution_won")
SHARES = ("foreign_shares", "institution_shares")
SESSIONS = 5
TRADED = ("key", "pos", "row", "segment", "value", "volume", "scale")
COLUMNS = {
    "q": pl.Int32,
    "foreign_share": pl.Float64,
    "institution_share": pl.Float64,
    "streak": pl.Int32,
    "net5": pl.Float64,
    "foreign_q": pl.Float64,
    "institution_q": pl.Float64,
    "provisional": pl.Boolean,
}


def for_rows(
    rows: pl.DataFrame,
    scored: pl.Series,
    data: MarketData,
    tickers: pl.Enum,
    schedule: pl.DataFrame,
) -> pl.DataFrame:
    """For each scored row: q (position of the newest session with known figures: t, or t-1's row).

    `foreign_share`, `institution_share`: five-session net buying up to q over what was traded
    (won over value, else shares over volume); `streak`: sessions in a row up to q, at most
    five, in which both together bought; `net5`: both, five sessions, won; `foreign_q`,
    `institution_q`: of session q alone over what was traded in it; `provisional`: whether q's
    figures are. Null where a figure isn't known.
    """
    known = None
    # Only the rows that a scored row's sums reach back to are needed.
    rows, scored = near(rows.select(TRADED), scored, SESSIONS + 2)
    if len(data.net_buying) and len(rows):
        known = _known(data, tickers, schedule, rows["pos"])
    if known is None or not len(known):
        count = int(scored.sum())
        return pl.select(
            pl.repeat(None, count, dtype=dtype).alias(name) for name, dtype in COLUMNS.items()
        )
    joined = rows.join(known, on="key", how="left", maintain_order="left")
    shares = [f"{when}_{name}" for when in ("own", "fin") for name in SHARES]
    measured = _measured(joined.with_columns(pl.col(name) / pl.col("scale") for name in shares))
    return measured.filter(scored)


def _known(
    data: MarketData, tickers: pl.Enum, schedule: pl.DataFrame, places: pl.Series
) -> pl.DataFrame:
    """By key, the figures as known at the own as-of (own_…) and at the next session's (fin_…)."""
    calendar = schedule.with_row_index("pos").with_columns(next_as_of=pl.col("as_of").shift(-1))
    net = (
        data.net_buying.select("session", "ticker", "known_at", *WON, *SHARES, "provisional")
        .join(calendar.filter(pl.col("pos") >= places.min()), on="session", how="inner")
        .filter(pl.col("ticker").is_in(tickers.categories.implode()))
    )
    code = pl.col("ticker").cast(tickers).to_physical().cast(pl.Int64)
    net = net.with_columns(key=code * SPAN + pl.col("pos").cast(pl.Int64)).sort("key", "known_at")

    def versions(prefix: str, moment: str) -> pl.DataFrame:
        return (
            net.filter(pl.col("known_at") <= pl.col(moment))
            .unique("key", keep="last", maintain_order=True)
            .select(
                "key", *[pl.col(c).alias(f"{prefix}_{c}") for c in (*WON, *SHARES, "provisional")]
            )
        )

    own = versions("own", "as_of")
    final = versions("fin", "next_as_of")
    return final.join(own, on="key", how="full", coalesce=True)


def _measured(rows: pl.DataFrame) -> pl.DataFrame:
    def both(prefix: str, names: tuple[str, str]) -> pl.Expr:
        return pl.col(f"{prefix}_{names[0]}") + pl.col(f"{prefix}_{names[1]}")

    def net(prefix: str) -> pl.Expr:
        return pl.coalesce(both(prefix, WON), both(prefix, SHARES))

    rows = rows.with_columns(own_net=net("own"), fin_net=net("fin"))
    rows = rows.with_columns(
        today=pl.col("own_net").is_not_null(),
        before=pl.col("fin_net").shift(1).is_not_null() & (pl.col("row") > pl.col("segment")),
    )
    today = pl.col("today")

    def at_q(pick: Callable[[bool], pl.Expr]) -> pl.Expr:
        return pl.when(today).then(pick(True)).when("before").then(pick(False))

    def five(name: str) -> pl.Expr:
        def pick(of_today: bool) -> pl.Expr:
            return sum(_five(name, of_today), start=pl.lit(0))

        return at_q(pick)

    def traded(name: str) -> pl.Expr:
        whole = pl.col(name).rolling_sum(SESSIONS)
        return at_q(lambda of_today: whole if of_today else whole.shift(1))

    def single(name: str, over: str) -> pl.Expr:
        return at_q(
            lambda of_today: (
                pl.col(f"own_{name}") / pl.col(over)
                if of_today
                else (pl.col(f"fin_{name}") / pl.col(over)).shift(1)
            )
        )

    rows = rows.with_columns(
        q=at_q(lambda of_today: pl.col("pos") if of_today else pl.col("pos").shift(1)),
        streak=at_q(_streak),
        provisional=at_q(
            lambda of_today: (
                pl.col("own_provisional") if of_today else pl.col("fin_provisional").shift(1)
            )
        ),
        f_won=five(WON[0]),
        i_won=five(WON[1]),
        f_shares=five(SHARES[0]) / traded("volume"),
        i_shares=five(SHARES[1]) / traded("volume"),
        traded_won=traded("value"),
        f_q=single(WON[0], "value"),
        i_q=single(WON[1], "value"),
        f_q_shares=single(SHARES[0], "volume"),
        i_q_shares=single(SHARES[1], "volume"),
    )
    won = pl.col("f_won").is_not_null() & pl.col("i_won").is_not_null()
    won_q = pl.col("f_q").is_not_null() & pl.col("i_q").is_not_null()
    shares = pl.col("f_shares").is_not_null() & pl.col("i_shares").is_not_null()
    shares_q = pl.col("f_q_shares").is_not_null() & pl.col("i_q_shares").is_not_null()

    def chosen(in_won: pl.Expr, in_shares: str, ok: pl.Expr, ok_shares: pl.Expr) -> pl.Expr:
        return pl.when(ok).then(in_won).when(ok_shares).then(in_shares)

    return rows.select(
        "q",
        foreign_share=chosen(pl.col("f_won") / pl.col("traded_won"), "f_shares", won, shares),
        institution_share=chosen(pl.col("i_won") / pl.col("traded_won"), "i_shares", won, shares),
        streak="streak",
        net5=(pl.col("f_won") + pl.col("i_won")).cast(pl.Float64),
        foreign_q=chosen(pl.col("f_q"), "f_q_shares", won_q, shares_q),
        institution_q=chosen(pl.col("i_q"), "i_q_shares", won_q, shares_q),
        provisional="provisional",
    )


def _five(name: str, of_today: bool) -> list[pl.Expr]:
    """A figure of sessions q, q-1 … q-4; null where the segment began later."""
    lags = range(0 if of_today else 1, SESSIONS + (0 if of_today else 1))
    known = {0: pl.col(f"own_{name}")}
    in_segment = pl.col("row") - pl.col("segment")
    return [
        known.get(lag, pl.when(in_segment >= lag).then(pl.col(f"fin_{name}").shift(lag)))
        for lag in lags
    ]


def _streak(of_today: bool) -> pl.Expr:
    nets = _five("net", of_today)
    going = (nets[0] > 0).fill_null(False)
    length = going.cast(pl.Int32)
    for net in nets[1:]:
        going = going & (net > 0).fill_null(False)
        length = length + going.cast(pl.Int32)
    return length
