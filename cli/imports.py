"""`closebell import`: files, or years of the marcap dataset, into the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from cli.common import AsJson, load_settings, print_json, working
from cli.tables import console
from errors import SettingsError
from market.calendar import TradingCalendar
from market.clock import SystemClock
from settings import Settings
from tasks.importing import Imported, import_files
from tasks.markets import open_market

REAL = "stored"


def import_(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH… | marcap:YEAR[..YEAR]",
            help="Parquet or CSV files, folders of them, or years of the marcap dataset.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Load daily bars, net buying, index bars and instruments of the real market.

    Understood are the columns of the marcap dataset as published, and of daily, index, net-buying,
    company, sector, name and delisting tables. Every row is checked: bad ones are kept aside with
    the reason (table rejected_rows), the good ones are stored. Importing twice changes nothing.
    """
    config = load_settings()
    if config.source == "sample":
        raise SettingsError(
            "CLOSEBELL_SOURCE is sample, and the sample market takes no files",
            remedy="unset it, or set it to stored",
        )
    paths = [path for one in what for path in _paths(one, config, quiet=as_json)]
    with working(quiet=as_json) as say, open_market(config, REAL, say) as (db, _):
        done = import_files(
            db,
            paths,
            calendar=TradingCalendar(config.extra_holidays),
            clock=SystemClock(),
            settings=config,
            progress=lambda path, one: say(
                f"reading {path.name}" if one is None else _line(path, one)
            ),
        )
    if as_json:
        print_json(asdict(done))
        return
    out = console()
    out.print(
        f"{done.files} files: {done.rows_read:,} rows read, {done.rows_stored:,} stored, "
        f"{done.rows_unchanged:,} unchanged, {done.rows_rejected:,} rejected"
    )
    for reason, rows in done.rejected.items():
        out.print(f"  rejected {rows:,}: {reason}")
    for reason, rows in done.ignored.items():
        out.print(f"  not kept {rows:,}: {reason}")
    out.print("Next: closebell run end-of-day, or closebell backfill --from … --to …")


def _line(path: Path, done: Imported | None) -> str:
    if done is None:
        return f"reading {path.name}"
    return (
        f"{path.name}: {done.rows_read:,} rows, {done.rows_stored:,} stored, "
        f"{done.rows_rejected:,} rejected"
    )


def _paths(text: str, config: Settings, *, quiet: bool) -> list[Path]:
    if text.startswith("marcap:"):
        return _download(text, config, quiet=quiet)
    path = Path(text).expanduser()
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix in (".parquet", ".csv", ".gz", ".zst"))
    return [path]


def _download(text: str, config: Settings, *, quiet: bool) -> list[Path]:
    from sources.marcap import download, parse_years

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
        return list(
            download(
                parse_years(text),
                config.data_dir / "downloads",
                config.marcap_base_url,
                progress=tell,
            )
        )
