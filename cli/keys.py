"""`closebell keys …`: who may read the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import AsJson, load_settings, print_json, working
from cli.tables import console
from db import open_database
from db.repositories import Repositories
from db.repositories.keys import StoredKey
from errors import ClosebellError

app = typer.Typer(help="Keys of the read API: who may read.", no_args_is_help=True)


def _scopes(text: str) -> str:
    from api.keys import SCOPES

    if text not in SCOPES:
        raise typer.BadParameter(f"{text!r} is no scope ({', '.join(SCOPES)})")
    return text


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose or what for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(parser=_scopes, help="read, live, metrics; repeatable. Default: read, live."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once. Only its hash is stored."""
    from api.keys import make_key

    key, scopes = make_key(), scope or ["read", "live"]
    with _unit_of_work(quiet=as_json) as tx:
        tx.keys.add(key.id, name, scopes, key.secret_hash)
    if as_json:
        print_json({"id": key.id, "name": name, "scopes": scopes, "key": key.text})
        return
    typer.echo(key.text)
    typer.echo(
        "Keep it: it is shown only now. Send it as X-API-Key. To end it: "
        f"closebell keys revoke {key.id}",
        err=True,
    )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every key ever made; the keys themselves aren't known here."""
    with _unit_of_work(quiet=as_json) as tx:
        keys = [_shown(key) for key in tx.keys.all()]
    if as_json:
        print_json(keys)
        return
    table = Table("id", "name", "scopes", "made", "revoked", header_style="bold")
    for key in keys:
        revoked = f"{key['revoked_at']:%Y-%m-%d %H:%M}" if key["revoked_at"] else ""
        made = f"{key['created_at']:%Y-%m-%d %H:%M}"
        table.add_row(key["id"], key["name"], " ".join(key["scopes"]), made, revoked)
    console().print(table if keys else "There is no key: closebell keys create NAME")


@app.command()
def revoke(
    number: Annotated[str, typer.Argument(metavar="ID", help="As `closebell keys list` shows.")],
    as_json: AsJson = False,
) -> None:
    """End a key, its sessions and its open connections at once."""
    with _unit_of_work(quiet=as_json) as tx:
        revoked = tx.keys.revoke(number)
    if not revoked:
        raise ClosebellError(
            f"there is no valid key {number}", remedy="closebell keys list shows them all"
        )
    if as_json:
        print_json({"id": number, "revoked": True})
    else:
        typer.echo(f"{number} is revoked.")


@contextmanager
def _unit_of_work(*, quiet: bool) -> Iterator[Repositories]:
    """Keys of both markets' readers are kept with the real market."""
    with (
        working(quiet=quiet) as say,
        open_database(load_settings(), say) as db,
        db.transaction() as tx,
    ):
        yield tx


def _shown(key: StoredKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
