"""`closebell db …`: the version of the tables."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cli.common import AsJson, load_settings, print_json, working
from cli.tables import console
from db import open_database
from db.schema import Market

app = typer.Typer(help="The database's tables: their version.", no_args_is_help=True)
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
    found = {}
    for market in MARKETS:
        with (
            working(quiet=as_json) as say,
            open_database(config, say, market=market, check=False) as db,
        ):
            state = db.status()
            found[market] = {**asdict(state), "up_to_date": state.up_to_date}
            where = db.shown_url
    if as_json:
        print_json({"url": where, **found})
        return
    out = console()
    out.print(where, markup=False)
    for market, told in found.items():
        word = "up to date" if told["up_to_date"] else "closebell db upgrade is due"
        out.print(f"{market} market: version {told['current'] or 'none'} of {told['head']}, {word}")
