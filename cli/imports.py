"""`closebell import`: files, or years of the marcap dataset, into the database."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from cli.common import AsJson, load_settings, print_json, working
from cli.tables import console
from cli.words import Words, words_of
from db import Database
from errors import BadFile, ClosebellError, SettingsError
from flows.home import prepare
from market.calendar import TradingCalendar
from market.clock import SystemClock
from scanners import LOOKBACK
from settings import Settings
from sources.marcap import parse_years
from tasks.importing import Imported, import_files
from tasks.markets import open_market
from tasks.sources import fetch_marcap

REAL = "stored"
HISTORY = re.compile(r"(?:(?P<source>marcap|krx|kiwoom):)?history(?::(?P<sessions>\d{1,4}))?")


def import_(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH… | marcap:YEAR[..YEAR] | [SOURCE:]history[:SESSIONS]",
            help="Parquet or CSV files, folders of them, years of the marcap dataset, or the last "
            "sessions from where they come fastest (SOURCE: only from marcap, krx or kiwoom).",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Load daily bars, net buying, index bars and instruments of the real market.

    Understood are the columns of the marcap dataset as published, and of daily, index, net-buying,
    company, sector, name and delisting tables. Every row is checked: bad ones are kept aside with
    the reason (table rejected_rows), the good ones are stored. Importing twice changes nothing.

    `history` fetches the sessions that scanners look back on and goes on where it was when it is
    started again: seconds from marcap, a quarter of an hour from KRX, an hour from Kiwoom.
    """
    config = load_settings()
    if config.source == "sample":
        raise SettingsError(
            "CLOSEBELL_SOURCE is sample, and the sample market takes no files",
            remedy="unset it, or set it to stored",
        )
    if wanted := HISTORY.fullmatch(" ".join(what)):
        _history(wanted, config, as_json=as_json)
        return
    years = _years_of(what)
    folders = {one: _files_in(path) for one in what if (path := _path(one)).is_dir()}
    words = words_of(config.language)
    done = Imported()
    with working(quiet=as_json, words=words) as say, open_market(config, REAL, say) as (db, _):

        def tell(path: Path, one: Imported | None) -> None:
            nonlocal done
            done += one or Imported()
            say(f"reading {path.name}" if one is None else _line(path, one))

        paths: list[Path] = []
        for one in what:
            if one in years:
                paths += _download(years[one], config, db, quiet=as_json)
            else:
                paths += folders.get(one, [_path(one)])
        try:
            import_files(
                db,
                paths,
                calendar=TradingCalendar(config.extra_holidays),
                clock=SystemClock(),
                settings=config,
                may_skip=frozenset(path for inside in folders.values() for path in inside),
                progress=tell,
            )
        except ClosebellError:
            if done.files:  # what was stored before the file that is wrong
                _show(done, words, as_json=as_json)
            raise
    _show(done, words, as_json=as_json)
    if not as_json:
        console().print(
            words("Next: closebell run end-of-day, or closebell backfill --from … --to …")
        )


def _show(done: Imported, words: Words, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done))
        return
    out = console()
    counts = ("rows_read", "rows_stored", "rows_unchanged", "rows_rejected")
    out.print(
        words(
            "{files} files: {rows_read} rows read, {rows_stored} stored, "
            "{rows_unchanged} unchanged, {rows_rejected} rejected",
            files=done.files,
            **{name: f"{getattr(done, name):,}" for name in counts},
        )
    )
    for reason, rows in done.rejected.items():
        why = words.told(reason)
        out.print("  " + words("rejected {n}: {why}", n=f"{rows:,}", why=why), markup=False)
    for reason, rows in done.ignored.items():
        why = words.told(reason)
        out.print("  " + words("not kept {n}: {why}", n=f"{rows:,}", why=why), markup=False)
    for file, reason in done.skipped.items():
        why = words.told(reason)
        out.print("  " + words("skipped {file}: {why}", file=file, why=why), markup=False)


def _line(path: Path, done: Imported) -> str:
    if done.skipped:
        return f"skipped {path.name}"
    return (
        f"{path.name}: {done.rows_read:,} rows, {done.rows_stored:,} stored, "
        f"{done.rows_rejected:,} rejected"
    )


def _history(wanted: re.Match[str], config: Settings, *, as_json: bool) -> None:
    """Run the flow; its progress is told by the log, here and in Prefect."""
    os.environ.setdefault("CLOSEBELL_LOG_LEVEL", "error" if as_json else "info")
    prepare(config.data_dir)
    from flows.first_history import first_history
    from tasks.history import FASTEST

    sources = [wanted["source"]] if wanted["source"] else list(FASTEST)
    words = words_of(config.language)
    with (
        working(quiet=as_json, words=words) as say,
        open_market(config, REAL, say),
    ):  # held open for the run
        done = first_history(sources, int(wanted["sessions"] or LOOKBACK))
    if as_json:
        print_json(asdict(done))
        return
    out = console()
    came = [words("{n} from {source}", n=n, source=name) for name, n in done.sessions.items() if n]
    told = ", ".join(came) or words("nothing was missing")
    out.print(words("{first} to {last}: {told}", first=done.first, last=done.last, told=told))
    out.print("  " + words("net buying of {n} stocks near a signal", n=done.net_buying))
    if done.missing:
        missing = "still missing {n} sessions, from {first} on"
        out.print("  " + words(missing, n=len(done.missing), first=done.missing[0]))
    for note in done.notes:
        out.print(words("note: {note}", note=words.told(note)), markup=False, style="yellow")
    out.print(words("Next: closebell run end-of-day"))


def _years_of(what: Sequence[str]) -> Mapping[str, range]:
    """Years that were asked for, by how; wrong ones are a usage error."""
    try:
        return {text: parse_years(text) for text in what if text.startswith("marcap:")}
    except SettingsError as error:
        raise typer.BadParameter(". ".join(filter(None, (error.detail, error.remedy)))) from error


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _files_in(folder: Path) -> Sequence[Path]:
    found = sorted(p for p in folder.iterdir() if p.suffix in (".parquet", ".csv", ".gz", ".zst"))
    if not found:
        raise BadFile(f"{folder}: the folder has no Parquet or CSV files")
    return found


def _download(years: range, config: Settings, db: Database, *, quiet: bool) -> list[Path]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    tasks: dict[int, TaskID] = {}

    def tell(year: int, received: int, expected: int | None) -> None:
        task = (
            tasks.setdefault(year, bar.add_task(f"marcap {year}", total=None))
            if year not in tasks
            else tasks[year]
        )
        bar.update(task, completed=received, total=expected)

    with bar:
        return list(fetch_marcap(years, config, db, tell))
