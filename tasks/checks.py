"""May these sessions' bars be published? Each check says what it saw, in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from market.calendar import TradingCalendar
from settings import Settings

LIMIT = 0.30  # the exchange's daily limit, as a fraction of the base price
ROUNDING = 0.01  # adjusted prices are rounded, limits are rounded to ticks
NEW_LISTING = 5  # sessions for which a new listing has other limits
STALE_SHARE = 0.5  # of the traded stocks repeating the session before to the share
MEAN_OF = 20  # sessions


@dataclass(frozen=True)
class Check:
    """One finding about one session's bars."""

    session: date
    name: str
    ok: bool
    detail: str


def check_sessions(
    bars: pl.DataFrame,
    flags: pl.DataFrame,
    sessions: Sequence[date],
    *,
    calendar: TradingCalendar,
    settings: Settings,
) -> list[Check]:
    """Check the bars of `sessions`, each against the stored sessions before it.

    Args:
        bars: market.schemas.DailyBars of the sessions and of at least twenty before the first.
        flags: market.schemas.InstrumentFlags; stocks in liquidation have no limits.
        sessions: which sessions to check; one without bars fails its coverage.
        calendar: knows when each session closed.
        settings: the limits (min_coverage, partial_volume_…, max_unexplained_jumps).
    """
    order = bars.select(pl.col("session").unique().sort()).with_row_index("no")
    numbered = bars.join(order, on="session").sort("ticker", "no")
    asked = pl.DataFrame({"session": list(sessions)}, schema={"session": pl.Date})
    figures = (
        asked.join(_coverage(numbered, order), on="session", how="left")
        .join(_volume(bars), on="session", how="left")
        .join(_jumps(numbered, flags), on="session", how="left")
        .join(_collected(bars), on="session", how="left")
        .sort("session")
    )
    return [
        check
        for row in figures.iter_rows(named=True)
        for check in _judge(row, calendar=calendar, settings=settings)
    ]


def _coverage(numbered: pl.DataFrame, order: pl.DataFrame) -> pl.DataFrame:
    """session, stocks, before (stocks of the session before), kept, traded, same."""
    last = numbered.select("ticker", no=pl.col("no") + 1, last_close="close", last_volume="volume")
    joined = numbered.join(last, on=["ticker", "no"], how="left")
    counts = joined.group_by("no").agg(
        pl.len().alias("stocks"),
        pl.col("last_close").is_not_null().sum().alias("kept"),
        (pl.col("volume") > 0).sum().alias("traded"),
        (
            (pl.col("volume") > 0)
            & (pl.col("close") == pl.col("last_close"))
            & (pl.col("volume") == pl.col("last_volume"))
        )
        .sum()
        .alias("same"),
    )
    return (
        order.join(counts, on="no")
        .sort("no")
        .with_columns(pl.col("stocks").shift(1).alias("before"))
        .drop("no")
    )


def _volume(bars: pl.DataFrame) -> pl.DataFrame:
    """session, and how its volume compares: medians over the stocks of each one's own ratio.

    (The median of the ratios, not the ratio of the medians: on real data only the former
    tells a session saved before its end from a quiet one.)
    """
    before = pl.col("volume").shift(1)
    return (
        bars.filter(pl.col("volume") > 0)
        .sort("ticker", "session")
        .select(
            "session",
            (pl.col("volume") / before).over("ticker").alias("of_last"),
            (pl.col("volume") / before.rolling_mean(MEAN_OF)).over("ticker").alias("of_mean"),
        )
        .group_by("session")
        .agg(pl.len().alias("volume_of"), pl.col("of_last", "of_mean").median())
    )


def _jumps(numbered: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """session, jumps: how many moved beyond the limits, and the first few tickers."""
    liquidation = flags.filter(pl.col("flag").cast(pl.String) == "liquidation").select(
        "ticker", "since", "until"
    )
    beyond = numbered.with_columns(
        pl.int_range(pl.len()).over("ticker").alias("seen"),
        pl.col("no").min().over("ticker").alias("first_no"),
        pl.col("close").shift(1).over("ticker").alias("last"),
        pl.col("volume").shift(1).over("ticker").alias("last_volume"),
    ).filter(
        (pl.col("volume") > 0)
        & (pl.col("last_volume") > 0)
        & ((pl.col("first_no") == 0) | (pl.col("seen") >= NEW_LISTING))
        & ((pl.col("close") / pl.coalesce("base", "last") - 1).abs() > LIMIT + ROUNDING)
    )
    excused = beyond.join(liquidation, on="ticker").filter(
        (pl.col("since") <= pl.col("session"))
        & (pl.col("until").is_null() | (pl.col("until") > pl.col("session")))
    )
    return (
        beyond.join(excused, on=["ticker", "session"], how="anti")
        .group_by("session")
        .agg(pl.len().alias("jumps"), pl.col("ticker").sort().head(5).alias("jumped"))
    )


def _collected(bars: pl.DataFrame) -> pl.DataFrame:
    # The newest: what is collected again unchanged keeps the time it was first seen.
    return bars.group_by("session").agg(pl.col("collected_at").max())


def _judge(row: dict[str, object], *, calendar: TradingCalendar, settings: Settings) -> list[Check]:
    session = row["session"]
    assert isinstance(session, date)
    if not row["stocks"]:
        return [Check(session, "coverage", False, f"no bars of {session}")]
    return [
        Check(session, name, *verdict)
        for name, verdict in (
            ("coverage", _judge_coverage(row, settings)),
            ("collected after the close", _judge_collected(row, calendar)),
            ("volume", _judge_volume(row, settings)),
            ("price limits", _judge_jumps(row, settings)),
            ("own session", _judge_same(row)),
        )
    ]


def _judge_coverage(row: dict[str, object], settings: Settings) -> tuple[bool, str]:
    stocks, before, kept = row["stocks"], row["before"], row["kept"]
    assert isinstance(kept, int)
    if not isinstance(before, int):
        return True, f"{stocks} stocks, no earlier session to compare with"
    share = kept / before
    return share >= settings.min_coverage, (
        f"{kept} of the {before} stocks of the session before ({share:.1%}), "
        f"at least {settings.min_coverage:.0%} needed"
    )


def _judge_collected(row: dict[str, object], calendar: TradingCalendar) -> tuple[bool, str]:
    session, seen = row["session"], row["collected_at"]
    assert isinstance(session, date)
    assert isinstance(seen, datetime)
    close = calendar.hours(session).close
    return seen >= close, (
        f"collected {seen.astimezone(close.tzinfo):%Y-%m-%d %H:%M:%S}, "
        f"close {close:%Y-%m-%d %H:%M} KST"
    )


def _judge_volume(row: dict[str, object], settings: Settings) -> tuple[bool, str]:
    of_last, of_mean = row["of_last"], row["of_mean"]
    if not row["volume_of"]:
        return False, "no stock traded"
    if not isinstance(of_last, float) or not isinstance(of_mean, float):
        return True, f"fewer than {MEAN_OF} earlier sessions to compare with"
    partial = (
        of_last < settings.partial_volume_previous and of_mean < settings.partial_volume_mean20
    )
    return not partial, (
        f"the median stock traded {of_last:.2f} of its session before and {of_mean:.2f} of its "
        f"mean of {MEAN_OF}; partial under {settings.partial_volume_previous:.2f} and "
        f"{settings.partial_volume_mean20:.2f}"
    )


def _judge_jumps(row: dict[str, object], settings: Settings) -> tuple[bool, str]:
    jumps, jumped = row["jumps"] or 0, row["jumped"] or []
    assert isinstance(jumps, int)
    assert isinstance(jumped, list)
    named = f" ({', '.join(jumped)}{', …' if jumps > len(jumped) else ''})" if jumps else ""
    return jumps <= settings.max_unexplained_jumps, (
        f"{jumps} stocks moved beyond ±30 % of their base price{named}, "
        f"at most {settings.max_unexplained_jumps} tolerated"
    )


def _judge_same(row: dict[str, object]) -> tuple[bool, str]:
    same, traded = row["same"], row["traded"]
    assert isinstance(same, int)
    assert isinstance(traded, int)
    return traded == 0 or same / traded < STALE_SHARE, (
        f"{same} of {traded} traded stocks repeat the session before to the share"
    )
