"""Bad rows and bad files: each named, the good rows kept."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest

from errors import BadFile
from market.calendar import TradingCalendar
from sources.files import FileContent, read_file

GOLDEN = Path(__file__).parent / "golden"
BAR = ["open", "high", "low", "close", "volume", "value", "base", "listed_shares", "market_cap"]


def read(path: Path) -> FileContent:
    return read_file(
        path,
        calendar=TradingCalendar(),
        net_buying_known_at=time(18, 40),
        collected_at=datetime(2026, 3, 20, 9, tzinfo=UTC),
    )


def write(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "file.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


def daily(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "date": [date(2026, 3, 19)],
        "code": ["000010"],
        "name": ["가나전자"],
        "market": ["KOSPI"],
        "open": [100.0],
        "high": [100.0],
        "low": [100.0],
        "close": [100.0],
        "volume": [1],
        "amount": [100],
        "marcap": [100],
        "shares": [1],
        "chg": [0.0],
    }
    return {name: value for name, value in {**row, **changes}.items() if value is not None}


def test_every_bad_row_is_named_and_every_good_one_kept() -> None:
    expected = json.loads((GOLDEN / "marcap_bad_rows.json").read_text("utf-8"))
    content = read(GOLDEN / "marcap_bad_rows.csv")
    assert (content.kind, content.rows_read) == ("marcap", 23)
    assert [list(row) for row in content.rejected.select("row", "reason").rows()] == (
        expected["rejected"]
    )
    bars = {bar.pop("ticker"): bar for bar in content.bars.select("ticker", *BAR).to_dicts()}
    assert bars == expected["bars"]
    assert set(content.bars["source"]) == {"marcap"}
    kinds = content.observations.select("ticker", "kind")
    assert dict(kinds.iter_rows()) == expected["kinds"]


def test_a_rejected_csv_row_is_kept_word_for_word() -> None:
    content = read(GOLDEN / "marcap_bad_rows.csv")
    row = json.loads(content.rejected.filter(pl.col("row") == 20)["content"].item())
    assert (row["Name"], row["Close"], row["Dept"]) == ("조초가구", "n/a", None)


def test_a_flag_is_seen_only_where_the_dept_names_it() -> None:
    flags = read(GOLDEN / "marcap_bad_rows.csv").flags
    assert flags is not None
    assert flags.rows() == [("000150", "administrative", date(2026, 3, 19), None)]


def test_a_file_without_dept_tells_nothing_of_flags(tmp_path: Path) -> None:
    assert read(write(tmp_path, daily())).flags is None


def test_not_a_number_is_nothing(tmp_path: Path) -> None:
    content = read(write(tmp_path, daily(chg=[float("nan")])))
    assert content.bars["base"].to_list() == [None]
    content = read(write(tmp_path, daily(close=[float("nan")])))
    assert content.rejected["reason"].to_list() == ["null close"]


def test_an_unbounded_number_is_nothing(tmp_path: Path) -> None:
    content = read(write(tmp_path, daily(close=[float("inf")])))
    assert content.rejected["reason"].to_list() == ["null close"]


@pytest.mark.parametrize("column", ["amount", "chg", "shares", "marcap"])
def test_a_number_that_can_not_be_read_is_not_taken_for_a_missing_one(
    tmp_path: Path, column: str
) -> None:
    for text, reasons in (("n/a", ["unreadable number"]), ("1e30", ["unreadable number"])):
        content = read(write(tmp_path, daily(**{column: [text]})))
        assert content.rejected["reason"].to_list() == reasons
    for empty in ("", " ", None):
        column_of_text = pl.Series(column, [empty], dtype=pl.String)
        assert read(write(tmp_path, daily(**{column: column_of_text}))).bars.height == 1


def test_net_buying_that_can_not_be_read_is_rejected(tmp_path: Path) -> None:
    columns: dict[str, object] = {
        "date": [date(2026, 3, 19)],
        "code": ["000010"],
        "foreign_net_krw": ["1,000"],
        "inst_net_krw": ["-"],
    }
    content = read(write(tmp_path, columns))
    assert content.rejected["reason"].to_list() == ["unreadable number"]


def test_a_session_that_is_not_over_is_rejected(tmp_path: Path) -> None:
    content = read(write(tmp_path, daily(date=[date(2026, 3, 23)])))
    assert content.rejected["reason"].to_list() == ["a session not over yet"]
    net: dict[str, object] = {
        "date": [date(2026, 3, 23)],
        "code": ["000010"],
        "foreign_net_krw": [1],
        "inst_net_krw": [1],
    }
    content = read(write(tmp_path, net))
    assert content.rejected["reason"].to_list() == ["a session not over yet"]


def test_a_stock_without_prices_that_traded_is_no_halted_one(tmp_path: Path) -> None:
    nothing: dict[str, object] = {"open": [0.0], "high": [0.0], "low": [0.0]}
    content = read(write(tmp_path, daily(**nothing)))
    assert content.rejected["reason"].to_list() == ["prices out of order"]
    assert read(write(tmp_path, daily(**nothing, volume=[0]))).bars.height == 1


def test_three_rows_of_one_key_are_all_rejected_and_a_fault_of_its_own_is_named_first(
    tmp_path: Path,
) -> None:
    thrice = {name: list(value) * 3 for name, value in daily().items()}  # type: ignore[call-overload]
    thrice["volume"] = [1, -1, 2]
    content = read(write(tmp_path, thrice))
    assert content.rejected["reason"].to_list() == ["duplicate", "negative volume", "duplicate"]
    assert content.bars.height == 0
    assert content.observations.height == 0


def test_a_session_may_be_a_moment_at_midnight(tmp_path: Path) -> None:
    content = read(write(tmp_path, daily(date=[datetime(2026, 3, 19)])))  # noqa: DTZ001
    assert content.bars["session"].to_list() == [date(2026, 3, 19)]


def test_the_bars_are_sorted_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [
        daily(date=[date(2026, 3, day)], code=[code], name=[name])
        for day, code, name in [
            (20, "00001K", "나"),
            (19, "000020", "다"),
            (20, "000020", "다"),
            (19, "00001K", "가"),
        ]
    ]
    columns = {name: [row[name][0] for row in rows] for name in rows[0]}  # type: ignore[index]
    content = read(write(tmp_path, columns))
    assert content.bars.select("session", "ticker").rows() == [
        (date(2026, 3, 19), "00001K"),
        (date(2026, 3, 19), "000020"),
        (date(2026, 3, 20), "00001K"),
        (date(2026, 3, 20), "000020"),
    ]
    assert content.observations.select("ticker", "since", "last_seen", "name").rows() == [
        ("00001K", date(2026, 3, 19), date(2026, 3, 19), "가"),
        ("00001K", date(2026, 3, 20), date(2026, 3, 20), "나"),
        ("000020", date(2026, 3, 19), date(2026, 3, 20), "다"),
    ]


def test_a_name_that_comes_back_is_a_third_stretch(tmp_path: Path) -> None:
    rows = [daily(date=[date(2026, 3, 16 + i)], name=[name]) for i, name in enumerate("가나가")]
    columns = {name: [row[name][0] for row in rows] for name in rows[0]}  # type: ignore[index]
    assert read(write(tmp_path, columns)).observations["name"].to_list() == ["가", "나", "가"]


def test_two_figures_published_at_once_for_a_session_are_both_rejected(tmp_path: Path) -> None:
    content = read(
        write(
            tmp_path,
            {
                "date": [date(2026, 3, 19)] * 2 + [date(2026, 3, 18)] * 2,
                "code": ["000010"] * 4,
                "foreign_net_krw": [1.0, 2.0, None, 0.5],
                "inst_net_krw": [1.0, 2.0, None, 3.0],
            },
        )
    )
    assert content.rejected.select("row", "reason").rows() == [
        (1, "duplicate"),
        (2, "duplicate"),
        (3, "no figures"),
        (4, "fractional price or amount"),
    ]


def test_a_revision_without_a_readable_time_is_rejected(tmp_path: Path) -> None:
    content = read(
        write(
            tmp_path,
            {
                "date": [date(2026, 3, 19)] * 2,
                "code": ["000010"] * 2,
                "close": [1.0, 1.0],
                "foreign_net": [1.0, 1.0],
                "inst_net": [1.0, None],
                "commit_at": ["yesterday", "2026-03-20T10:00:00+08:00"],
            },
        )
    )
    assert content.rejected["reason"].to_list() == ["unreadable time of publication"]
    assert content.net_buying["known_at"].to_list() == [datetime(2026, 3, 20, 2, tzinfo=UTC)]
    assert content.net_buying["institution_shares"].to_list() == [None]


def test_a_time_of_publication_may_be_a_real_moment(tmp_path: Path) -> None:
    published = datetime(2026, 3, 20, 2, tzinfo=UTC)
    columns: dict[str, object] = {
        "date": [date(2026, 3, 19)],
        "code": ["000010"],
        "close": [1.0],
        "foreign_net": [-7],
        "inst_net": [3],
        "commit_at": [published],
    }
    content = read(write(tmp_path, columns))
    assert content.net_buying.select("known_at", "foreign_shares").rows() == [(published, -7)]


def test_a_file_without_one_readable_date_is_rejected_row_by_row(tmp_path: Path) -> None:
    content = read(write(tmp_path, daily(date=["soon"])))
    assert content.rejected["reason"].to_list() == ["unreadable date"]


def test_an_unknown_index_and_one_out_of_order_are_rejected(tmp_path: Path) -> None:
    content = read(
        write(
            tmp_path,
            {
                "date": [date(2026, 3, 19)] * 3,
                "code": ["KOSPI", "KOSDAQ", "NIKKEI"],
                "open": [100.0, 100.0, 1.0],
                "high": [101.0, 99.0, 1.0],
                "low": [99.0, 98.0, 1.0],
                "close": [100.5, 98.5, 1.0],
                "volume": [1.0, 1.0, 1.0],
                "amount": [1.0, None, 1.0],
            },
        )
    )
    assert content.rejected.select("row", "reason").rows() == [
        (2, "prices out of order"),
        (3, "unknown index"),
    ]
    assert content.index_bars["index"].to_list() == ["KOSPI"]


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (daily(close=None, volume=None), "looks like daily_raw, but lacks the columns close, vol"),
        (daily(chg=None), "lacks the columns chg"),
        ({"a": [1], "b": [2]}, "no known format has its columns \\(a, b\\)"),
        (daily(code=[5930]), "column code must hold text"),
        (daily(close=[[1, 2]]), "column close must hold numbers, not List"),
        (daily(date=[1.5]), "column date must hold dates, not Float64"),
    ],
)
def test_a_file_with_wrong_columns_is_refused_in_one_line(
    tmp_path: Path, columns: dict[str, object], line: str
) -> None:
    path = write(tmp_path, columns)
    with pytest.raises(BadFile, match=line) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_bars_as_traded_that_lack_a_column_are_not_taken_for_adjusted(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="looks like daily_raw"):
        read(write(tmp_path, daily(marcap=None, shares=None, chg_pct=[0.0])))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "the file is empty"),
        (b"Code,Name\n", "the file has no rows"),
        (b"PAR1 and then nothing of it", "can't be read"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "neither Parquet nor text"),
        (b"\x1f\x8b\x08 broken", "can't be read"),
        (b"a,b\n\xff\xfe\xff,1\n", "can't be read"),
        (b"a,b\n1,2,3,4\n", "can't be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    tmp_path: Path, content: bytes, line: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=line) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        read(tmp_path / "missing.parquet")
    with pytest.raises(BadFile, match="directory"):
        read(tmp_path)


def test_an_exported_index_column_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("﻿,code,name,market\n0,005930,삼성전자,KOSPI\n1,,이름뿐,KOSPI\n", "utf-8")
    content = read(path)
    assert content.kind == "names"
    assert content.attributes["ticker"].to_list() == ["005930"]
    assert dict(content.ignored) == {"not a share's code, or no name": 1}


def test_when_it_was_collected_must_have_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        read_file(
            GOLDEN / "marcap_bad_rows.csv",
            calendar=TradingCalendar(),
            net_buying_known_at=time(18, 40),
            collected_at=datetime(2026, 3, 20),  # noqa: DTZ001
        )
