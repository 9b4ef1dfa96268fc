"""What daily bars say of instruments: names, markets, kinds and flags, and since when."""

from __future__ import annotations

import polars as pl

from market.schemas import FLAGS, KINDS, MARKETS
from sources.files_order import by_ticker

OBSERVATIONS = pl.Schema(
    {
        "ticker": pl.String(),
        "since": pl.Date(),
        "last_seen": pl.Date(),
        "name": pl.String(),
        "market": pl.Enum(MARKETS),
        "kind": pl.Enum(KINDS),
        "sector": pl.String(),
    }
)
FLAG_ROWS = pl.Schema(
    {
        "ticker": pl.String(),
        "flag": pl.Enum(FLAGS),
        "since": pl.Date(),
        "until": pl.Date(),
    }
)
ATTRIBUTES = ("name", "market", "dept")

# KOSDAQ's 소속부; KOSPI stocks have none, so their designations can't be seen here.
FLAG_OF_DEPT = {"관리종목": "administrative", "투자주의환기종목": "caution"}

SPAC = "스팩"
REIT = r"(^|[^메블])리츠"  # but 메리츠 (Meritz) and 블리츠웨이 (Blitzway) are companies


def observe(bars: pl.DataFrame, *, tells_flags: bool) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Instruments and flags seen in rows of ticker, session, name, market and dept.

    One row per stretch of sessions over which an instrument was the same (`OBSERVATIONS`),
    and one per stretch under a flag (`FLAG_ROWS`); `until` is the first session it was seen
    without it, null if that didn't come. Flags are None when the file can't tell.
    """
    ordered = by_ticker(bars.select("ticker", "session", *ATTRIBUTES)).rename({"session": "since"})
    seen = _stretches(ordered.with_columns(last_seen="since"), ATTRIBUTES)
    texts = pl.col("name", "dept").cast(pl.String).str.strip_chars()
    seen = seen.with_columns(texts.replace("", None)).drop_nulls("name").sort("ticker", "since")
    instruments = seen.with_columns(kind(), sector=pl.lit(None, pl.String))
    instruments = _stretches(instruments, ("name", "market", "kind"))
    return (
        instruments.select(OBSERVATIONS.names()).cast(OBSERVATIONS),
        _flags(seen) if tells_flags else None,
    )


def kind() -> pl.Expr:
    """The kind of an instrument, from `ticker`, `name` and `dept`.

    Common stocks end in 0, which held for all 2,771 codes of 2026-02-20; a name ending in 우
    doesn't make a preferred share.
    """
    spac = pl.col("name").str.contains(SPAC, literal=True)
    spac |= pl.col("dept").str.starts_with("SPAC").fill_null(False)
    return (
        pl.when(spac)
        .then(pl.lit("spac"))
        .when(~pl.col("ticker").str.ends_with("0"))
        .then(pl.lit("preferred"))
        .when(pl.col("name").str.contains(REIT))
        .then(pl.lit("reit"))
        .otherwise(pl.lit("common"))
        .cast(pl.Enum(KINDS))
        .alias("kind")
    )


def _stretches(rows: pl.DataFrame, attributes: tuple[str, ...]) -> pl.DataFrame:
    """Neighbouring rows that are equal become one, from the first's since to the last's end."""
    changed = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("ticker", *attributes)
    )
    starts = rows.select(start=changed | (pl.int_range(pl.len()) == 0))["start"]
    ends = starts.shift(-1, fill_value=True)
    return rows.filter(starts).with_columns(rows.filter(ends)["last_seen"])


def _flags(seen: pl.DataFrame) -> pl.DataFrame:
    dept = pl.col("dept").str.replace(r"\(.*", "")
    flag = dept.replace_strict(FLAG_OF_DEPT, default=None, return_dtype=pl.Enum(FLAGS))
    stretches = _stretches(seen.with_columns(flag=flag), ("flag",))
    return (
        stretches.with_columns(until=pl.col("since").shift(-1).over("ticker"))
        .filter(pl.col("flag").is_not_null())
        .select(FLAG_ROWS.names())
        .cast(FLAG_ROWS)
    )
