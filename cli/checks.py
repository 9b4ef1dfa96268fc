"""One thing that doctor looked at, and how a list of them is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from cli.tables import console


@dataclass(frozen=True)
class Check:
    """One thing looked at; `remedy` is what to do when it isn't well."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def show_checks(checks: Sequence[Check]) -> None:
    """As a table."""
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("what", no_wrap=True)
    table.add_column("seen", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for check in checks:
        mark = "[green]ok[/green]" if check.ok else "[red]no[/red]"
        table.add_row(mark, check.name, check.detail, check.remedy or "")
    console().print(table)
