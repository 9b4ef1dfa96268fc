"""`closebell import`: what it takes in, and what becomes of what it can't."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from commands import Outcome, in_this_process
from sqlalchemy import func, select

from cli.runs import _newest_session
from db.models import Import, RejectedRow
from market.calendar import TradingCalendar

DAY = date(2026, 3, 19)


@pytest.fixture
def closebell(database, tmp_path_factory, monkeypatch, capsys) -> Callable[..., Outcome]:
    """The command line in this process, over the test's database."""
    monkeypatch.setenv("CLOSEBELL_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", database.url)
    monkeypatch.delenv("CLOSEBELL_SOURCE", raising=False)
    return in_this_process(monkeypatch, capsys)


def write_bars(path: Path, *, closes: Sequence[str] = ("100", "n/a"), day: date = DAY) -> None:
    """A stock a row, with that close."""
    head = "date,code,name,market,open,high,low,close,volume,amount,marcap,shares,chg\n"
    rows = [
        f"{day},{n:05d}0,가나,KOSPI,100,100,100,{close},1,100,100,1,0\n"
        for n, close in enumerate(closes, 1)
    ]
    path.write_text(head + "".join(rows), "utf-8")


def write_snapshots(path: Path) -> None:
    pl.DataFrame({"snap_at": [1], "code": ["000010"], "close": [1]}).write_parquet(path)


def counted(database, model) -> int:
    with database.reader() as tx:
        return tx.events._connection.scalar(select(func.count()).select_from(model))


def test_a_bad_row_is_counted_by_its_reason_also_for_programs(closebell, tmp_path) -> None:
    write_bars(tmp_path / "bars.csv")
    told = closebell("import", str(tmp_path / "bars.csv"), "--json")
    assert told.code == 0, told.err
    assert told.json["rows_rejected"] == 1
    assert told.json["rejected"] == {"null close": 1}


def test_importing_the_same_file_again_changes_nothing(closebell, database, tmp_path) -> None:
    write_bars(tmp_path / "bars.csv")
    for _ in range(3):
        assert closebell("import", str(tmp_path / "bars.csv")).code == 0
    assert (counted(database, Import), counted(database, RejectedRow)) == (1, 1)


def test_a_file_whose_rows_are_stored_again_is_recorded_again(
    closebell, database, tmp_path
) -> None:
    first, other = tmp_path / "a.csv", tmp_path / "b.csv"
    write_bars(first, closes=["100"])
    other.write_text(first.read_text("utf-8").replace(",1,100,100,", ",2,200,100,"), "utf-8")
    for file in (first, other, first):
        assert closebell("import", str(file)).code == 0
    assert counted(database, Import) == 3


def test_two_files_of_one_name_are_both_named_where_they_are_skipped(closebell, tmp_path) -> None:
    write_bars(tmp_path / "b.csv")
    for year in ("2025", "2026"):
        (tmp_path / year).mkdir()
        write_snapshots(tmp_path / year / "a.parquet")
    told = closebell("import", str(tmp_path / "2025"), str(tmp_path / "2026"), "--json")
    assert len(told.json["skipped"]) == 2


def test_a_folder_is_imported_but_for_what_is_known_and_not_importable(closebell, tmp_path) -> None:
    write_snapshots(tmp_path / "a.parquet")
    write_bars(tmp_path / "b.csv")
    told = closebell("import", str(tmp_path), "--json")
    assert told.code == 0, told.err
    assert (told.json["files"], told.json["rows_stored"]) == (1, 1)
    assert list(told.json["skipped"]) == [str(tmp_path / "a.parquet")]
    assert (
        f"skipped {tmp_path / 'a.parquet'}: intraday snapshots are replayed"
        in closebell("import", str(tmp_path)).out
    )


def test_such_a_file_by_its_name_is_refused(closebell, tmp_path) -> None:
    write_snapshots(tmp_path / "a.parquet")
    told = closebell("import", str(tmp_path / "a.parquet"), "--json")
    assert told.code == 1
    assert json.loads(told.err)["error"] == "NotImportable"


def test_what_was_stored_before_a_bad_file_is_told(closebell, tmp_path) -> None:
    write_bars(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("colour,shape\n1,2\n")
    told = closebell("import", str(tmp_path), "--json")
    assert told.code == 1
    assert told.json["rows_stored"] == 1
    assert "b.csv" in json.loads(told.err)["detail"]


def test_an_empty_folder_is_an_error(closebell, tmp_path) -> None:
    told = closebell("import", str(tmp_path))
    assert told.code == 1
    assert "no Parquet or CSV files" in told.err


@pytest.mark.parametrize("years", ["marcap:abc", "marcap:2030..2020", "marcap:1066"])
def test_years_that_are_none_are_a_usage_error(closebell, years) -> None:
    told = closebell("import", years)
    assert told.code == 2
    assert years in told.err


def test_a_session_to_come_is_refused_and_the_default_run_takes_the_newest_before(
    closebell, database, tmp_path
) -> None:
    coming = TradingCalendar().next(date(2098, 1, 1))
    write_bars(tmp_path / "coming.csv", closes=["100"], day=coming)
    write_bars(tmp_path / "past.csv", closes=["100"])
    told = closebell("import", str(tmp_path), "--json")
    assert told.json["rejected"] == {"a session not over yet": 1}
    with database.reader() as tx:
        assert tx.bars.newest(coming) == DAY
    assert _newest_session(database, "stored", TradingCalendar()) == DAY


def test_a_mistake_of_ours_is_one_line_and_its_traceback_is_for_the_log(
    closebell, tmp_path, monkeypatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("surprising\nindeed")

    monkeypatch.setattr("cli.imports.import_files", broken)
    write_bars(tmp_path / "bars.csv")
    told = closebell("import", str(tmp_path / "bars.csv"), "--json")
    assert told.code == 1
    assert json.loads(told.err)["detail"] == "RuntimeError: surprising indeed"
    monkeypatch.setenv("CLOSEBELL_LOG_LEVEL", "debug")
    assert "in broken" in closebell("import", str(tmp_path / "bars.csv"), "--json").err


def test_a_misspelt_setting_in_the_environment_is_named(closebell, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLOSEBELL_SAUCE", "sample")
    write_bars(tmp_path / "bars.csv")
    told = closebell("import", str(tmp_path / "bars.csv"))
    assert told.code == 0
    assert "CLOSEBELL_SAUCE" in told.err
