"""Importing real files, and what each kind gives."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest

from errors import BadFile
from market.calendar import TradingCalendar
from market.schemas import DailyBars, IndexBars, NetBuying
from sources.files import FileContent, read_file

COLLECTED = datetime(2026, 8, 22, 3, tzinfo=UTC)
CALENDAR = TradingCalendar()


def read(path: Path) -> FileContent:
    return read_file(
        path, calendar=CALENDAR, net_buying_known_at=time(18, 40), collected_at=COLLECTED
    )


@pytest.fixture(scope="module")
def raw(real_data: Path) -> FileContent:
    return read(real_data / "daily_raw_2026.parquet")


@pytest.fixture(scope="module")
def adjusted(real_data: Path) -> FileContent:
    return read(real_data / "daily_adjusted_2023_2025.parquet")


def one(frame: pl.DataFrame, **key: object) -> dict[str, object]:
    return frame.row(
        by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in key.items()), named=True
    )


def test_every_raw_bar_of_2026_is_good(raw: FileContent) -> None:
    assert (raw.kind, raw.rows_read, raw.bars.height) == ("daily_raw", 127_091, 127_091)
    assert raw.rejected.height == 0
    assert DailyBars.validate(raw.bars).height == 127_091
    assert raw.bars.select("session", "ticker").equals(
        raw.bars.select("session", "ticker").sort("session", "ticker")
    )


def test_a_raw_bar_keeps_the_exchanges_base_price(raw: FileContent) -> None:
    bar = one(raw.bars, session=date(2026, 1, 2), ticker="000020")
    assert bar == {
        "session": date(2026, 1, 2),
        "ticker": "000020",
        "open": 6250,
        "high": 6300,
        "low": 6190,
        "close": 6210,
        "volume": 73_031,
        "value": 454_875_500,
        "base": 6250,
        "listed_shares": 27_931_470,
        "market_cap": 173_454_428_700,
        "adjusted": False,
        "source": "marcap",
        "collected_at": COLLECTED,
    }


def test_the_base_differs_from_the_close_before_on_a_reverse_split(raw: FileContent) -> None:
    split = one(raw.bars, session=date(2026, 2, 10), ticker="009810")
    before = one(raw.bars, session=date(2026, 2, 9), ticker="009810")
    assert (before["close"], split["base"]) == (261, 1305)


def test_halted_stocks_are_bars_without_prices(raw: FileContent) -> None:
    halted = raw.bars.filter(pl.col("open") == 0)
    assert halted.height == 4972
    assert halted.select(pl.sum("high", "low", "volume")).row(0) == (0, 0, 0)
    assert halted["close"].min() == 72


def test_the_second_segment_of_kosdaq_is_kosdaq(raw: FileContent) -> None:
    markets = raw.observations.unique("ticker")["market"].value_counts()
    assert dict(markets.iter_rows()) == {"KOSPI": 959, "KOSDAQ": 1838, "KONEX": 115}


def test_a_name_ending_in_u_is_no_preferred_share_and_meritz_is_no_reit(raw: FileContent) -> None:
    kinds = dict(raw.observations.select("name", "kind").iter_rows())
    assert kinds["성우"] == kinds["메리츠금융지주"] == kinds["블리츠웨이엔터테인먼트"] == "common"
    assert kinds["SK리츠"] == kinds["이리츠코크렙"] == "reit"
    assert kinds["메리츠제1호스팩"] == "spac"
    assert kinds["삼성물산우B"] == "preferred"
    assert Counter(raw.observations.unique("ticker")["kind"]) == {
        "common": 2686,
        "preferred": 114,
        "spac": 87,
        "reit": 25,
    }


def test_a_renamed_stock_has_two_observations(raw: FileContent) -> None:
    seen = raw.observations.filter(pl.col("ticker") == "078860").drop("sector")
    assert seen.rows() == [
        ("078860", date(2026, 1, 2), date(2026, 1, 27), "엔에스이엔엠", "KOSDAQ", "common"),
        ("078860", date(2026, 1, 28), date(2026, 3, 20), "스테이지원엔터", "KOSDAQ", "common"),
    ]
    assert raw.observations.height == 2922
    assert raw.observations["ticker"].n_unique() == 2912


def test_flags_begin_and_end_where_the_file_shows_it(raw: FileContent) -> None:
    assert raw.flags is not None
    assert raw.flags.height == 145
    assert set(raw.flags["flag"]) == {"administrative", "caution"}
    assert raw.flags.filter(pl.col("ticker") == "031860").rows() == [
        ("031860", "caution", date(2026, 1, 2), date(2026, 2, 13)),
        ("031860", "administrative", date(2026, 2, 13), None),
    ]
    lifted = one(raw.flags, ticker="396270")
    assert (lifted["flag"], lifted["until"]) == ("caution", date(2026, 3, 18))
    new = one(raw.flags, ticker="018700")
    assert (new["flag"], new["since"], new["until"]) == ("caution", date(2026, 3, 20), None)


def test_the_adjusted_file_is_marked_so_and_invents_nothing(adjusted: FileContent) -> None:
    assert (adjusted.kind, adjusted.rows_read) == ("daily_adjusted", 986_298)
    assert adjusted.bars["adjusted"].all()
    for name in ("base", "value", "listed_shares", "market_cap"):
        assert adjusted.bars[name].null_count() == adjusted.bars.height
    assert adjusted.flags is None
    assert adjusted.bars["session"].n_unique() == 370
    assert adjusted.bars.filter(pl.col("open") == 0).height == 29_739


def test_rounding_is_mended_and_more_than_rounding_rejected(
    adjusted: FileContent, real_data: Path
) -> None:
    prices = ("open", "high", "low", "close")
    file = pl.read_parquet(real_data / "daily_adjusted_2023_2025.parquet")
    under = file.filter(pl.col("open") > 0, pl.col("high") < pl.max_horizontal(prices))
    assert under.height == 85
    # of the 85, eleven miss by 5 to 50 won, which is more than 2 won and more than 0.1 %
    assert adjusted.rejected.height == 11
    assert set(adjusted.rejected["reason"]) == {"prices out of order"}
    assert adjusted.bars.height == 986_287
    mended = one(adjusted.bars, session=date(2023, 12, 7), ticker="000670")
    assert (mended["high"], mended["close"]) == (52_110, 52_110)
    traded = adjusted.bars.filter(pl.col("open") > 0)
    assert traded.filter(pl.col("high") < pl.max_horizontal(prices)).height == 0


def test_a_rejected_row_is_given_with_its_place_and_content(
    adjusted: FileContent, real_data: Path
) -> None:
    row, reason, content = adjusted.rejected.row(0)
    assert (row, reason) == (6325, "prices out of order")
    assert json.loads(content)["code"] == "000215"
    assert json.loads(content)["date"] == "2024-01-25"
    file = pl.read_parquet(real_data / "daily_adjusted_2023_2025.parquet")
    assert file.row(row - 1, named=True)["high"] == json.loads(content)["high"] == 24_900


def test_index_bars_leave_out_the_twin_and_what_is_older_than_the_calendar(
    real_data: Path,
) -> None:
    content = read(real_data / "index_daily.parquet")
    assert (content.kind, content.rows_read) == ("index_bars", 32_356)
    assert dict(content.ignored) == {
        "index KRX1001 is KOSPI's twin": 7784,
        "before 1995-05-02, where the calendar begins": 1563,
    }
    assert content.index_bars.height == 32_356 - 7784 - 1563
    assert content.rejected.height == 0
    last = one(IndexBars.validate(content.index_bars), session=date(2026, 3, 20), index="KOSPI")
    assert (last["close"], last["high"]) == (5781.2, 5833.68)


def test_net_buying_in_won_is_known_the_same_evening(real_data: Path) -> None:
    content = read(real_data / "net_buying_won_2026.parquet")
    assert (content.kind, content.net_buying.height) == ("net_buying_won", 50_843)
    row = one(NetBuying.validate(content.net_buying), session=date(2026, 1, 5), ticker="000020")
    assert (row["foreign_won"], row["institution_won"]) == (-51_124_195, 3_053_210)
    assert row["foreign_shares"] is row["individual_won"] is None
    assert row["known_at"] == datetime(2026, 1, 5, 9, 40, tzinfo=UTC)
    assert row["provisional"] is False


def test_net_buying_in_shares_lacks_the_row_its_source_had_nothing_for(real_data: Path) -> None:
    content = read(real_data / "net_buying_shares_2025_2026.parquet")
    assert content.net_buying.height == 27_816
    assert content.rejected.select("row", "reason").rows() == [(6760, "null close")]
    row = one(content.net_buying, session=date(2026, 4, 6), ticker="000100")
    assert (row["foreign_shares"], row["institution_shares"]) == (-93_150, 19_084)
    assert row["foreign_won"] is None


def test_a_revision_is_known_from_its_publication(real_data: Path) -> None:
    content = read(real_data / "net_buying_revisions.parquet")
    assert content.net_buying.height == 2304
    versions = content.net_buying.filter(
        pl.col("session") == date(2026, 6, 4), pl.col("ticker") == "000100"
    )
    assert versions["known_at"].to_list() == [
        datetime(2026, 6, 4, 10, 18, 4, tzinfo=UTC),
        datetime(2026, 6, 5, 4, 33, 10, tzinfo=UTC),
    ]
    evening = pl.col("session").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=9, minutes=40)
    assert content.net_buying.filter(pl.col("known_at") < evening).height == 0
    # 189 versions were already out in the afternoon: known from the evening, not before
    assert content.net_buying.filter(pl.col("known_at") == evening).height == 189


def test_companies_tell_when_a_stock_was_listed(real_data: Path) -> None:
    content = read(real_data / "companies.parquet")
    assert (content.kind, content.attributes.height) == ("companies", 2879)
    assert one(content.attributes, ticker="060310") == {
        "ticker": "060310",
        "name": "3S",
        "market": "KOSDAQ",
        "kind": "common",
        "sector": None,
        "listed": date(2002, 4, 23),
        "delisted": None,
    }


def test_sectors_are_the_large_groups_and_unclassified_is_none(real_data: Path) -> None:
    content = read(real_data / "sectors.parquet")
    assert content.attributes.height == 2557
    assert one(content.attributes, ticker="005930")["sector"] == "반도체"
    assert one(content.attributes, ticker="005930")["market"] == "KOSPI"
    assert content.attributes["sector"].null_count() == 91
    assert content.attributes["sector"].drop_nulls().n_unique() == 28


def test_papers_with_other_codes_are_ignored_and_the_last_delisting_counts(
    real_data: Path,
) -> None:
    content = read(real_data / "delisted.parquet")
    assert content.attributes.height == 2315
    assert sum(content.ignored.values()) == 4104 - 2315
    twice = one(content.attributes, ticker="004481")
    assert (twice["listed"], twice["delisted"]) == (date(1997, 4, 28), date(1997, 12, 29))
    names = read(real_data / "names.parquet")
    assert names.attributes.height == 5194
    assert names.ignored == {"not a share's code, or no name": 1777}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("intraday_snapshots_2026_03", "intraday snapshots are replayed"),
        ("sessions", "a list of sessions isn.t imported; the trading calendar is"),
    ],
)
def test_files_that_are_not_for_import_say_what_they_are(
    real_data: Path, name: str, line: str
) -> None:
    with pytest.raises(BadFile, match=line):
        read(real_data / f"{name}.parquet")


def test_the_same_rows_as_csv_are_read_alike(
    raw: FileContent, real_data: Path, tmp_path: Path
) -> None:
    part = pl.read_parquet(real_data / "daily_raw_2026.parquet").head(5000)
    part.write_csv(tmp_path / "plain.csv")
    text = (tmp_path / "plain.csv").read_text("utf-8")
    (tmp_path / "korean.csv").write_bytes(text.encode("cp949"))
    (tmp_path / "marked.csv").write_text(text, "utf-8-sig")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text.encode()))
    pl.read_parquet(real_data / "daily_raw_2026.parquet").head(5000).write_csv(
        tmp_path / "zstd.csv.zst", compression="zstd", check_extension=False
    )
    expected = read(tmp_path / "plain.csv")
    assert expected.bars.height == 5000
    assert expected.bars.equals(raw.bars.head(5000))
    for name in ("korean.csv", "marked.csv", "packed.csv.gz", "zstd.csv.zst"):
        content = read(tmp_path / name)
        assert content.bars.equals(expected.bars), name
        assert content.observations.equals(expected.observations), name
