"""`closebell db …`: the version of the tables, backup and restore, PostgreSQL's own version."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.common import AsJson, load_settings, print_json, working
from cli.tables import console
from db import open_database
from db.backup import Backup, back_up
from db.backup import restore as restore_backup
from db.embedded.carry_over import carry_over as carry_database_over
from db.embedded.carry_over import due
from db.schema import Market
from errors import SettingsError

app = typer.Typer(
    help="The database: version of its tables, backup, restore.", no_args_is_help=True
)
MARKETS: tuple[Market, ...] = ("real", "sample")


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the tables to this program's version. The embedded database does so by itself."""
    config = load_settings()
    done = {}
    for market in MARKETS:
        with (
            working(quiet=as_json) as say,
            open_database(config, say, market=market, check=False) as db,
        ):
            before = db.status().current
            done[market] = {"before": before, **asdict(db.upgrade())}
    if as_json:
        print_json(done)
        return
    for market, status in done.items():
        moved = "up to date already" if status["before"] == status["current"] else "upgraded"
        console().print(f"{market} market: version {status['current']}, {moved}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Which version the tables are of, and which this program needs."""
    config = load_settings()
    found, where = {}, {}
    for market in MARKETS:
        with (
            working(quiet=as_json) as say,
            open_database(config, say, market=market, check=False) as db,
        ):
            state = db.status()
            found[market] = {**asdict(state), "up_to_date": state.up_to_date}
            where[market] = db.shown_url
    if as_json:
        print_json({"url": where["real"], **found})
        return
    out = console()
    out.print(where["real"], markup=False)
    for market, told in found.items():
        word = "up to date" if told["up_to_date"] else "closebell db upgrade is due"
        out.print(f"{market} market: version {told['current'] or 'none'} of {told['head']}, {word}")
    if config.database_url is None and (older := due(config.data_dir)):
        out.print(f"PostgreSQL {older} still runs it; a newer one is here: closebell db carry-over")


File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup file.")]


@app.command()
def backup(file: File, as_json: AsJson = False) -> None:
    """Write everything stored into FILE, as it is at one moment, while others work on.

    The file is PostgreSQL's custom archive format, readable by you alone. Schedule it like this:
    closebell db backup ~/backups/closebell-$(date +%F).dump
    """
    config = load_settings()
    with working(quiet=as_json) as say:
        done = back_up(config, file, say)
    _tell(done, "written", as_json=as_json)


@app.command()
def restore(file: File, as_json: AsJson = False) -> None:
    """Put a backup into a database that has no tables of closebell yet.

    Name another CLOSEBELL_DATA_DIR, or another CLOSEBELL_DATABASE_URL, to have one.
    """
    config = load_settings()
    with working(quiet=as_json) as say:
        done = restore_backup(config, file, say)
    _tell(done, "restored", as_json=as_json)


@app.command()
def carry_over(as_json: AsJson = False) -> None:
    """Move the embedded database to the newest bundled PostgreSQL; the old files are kept."""
    config = load_settings()
    if config.database_url is not None:
        raise SettingsError(
            "CLOSEBELL_DATABASE_URL is set: that database isn't the embedded one",
            remedy="upgrade it by its own means",
        )
    with working(quiet=as_json) as say:
        done = carry_database_over(config.data_dir, say)
    if as_json:
        print_json({**asdict(done), "old": str(done.old)} if done else None)
    elif done is None:
        console().print("nothing to do: the database is of the newest bundled PostgreSQL")
    else:
        console().print(
            f"{done.rows:,} rows carried over from PostgreSQL {done.before} to {done.after};"
            f" the old files stay in {done.old} until you remove them",
            markup=False,
            soft_wrap=True,
        )


def _tell(done: Backup, word: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(done), "file": str(done.file)})
        return
    console().print(
        f"{word}: {done.file}, {done.tables} tables, {done.size / 1e6:,.1f} MB",
        markup=False,
        soft_wrap=True,
    )
