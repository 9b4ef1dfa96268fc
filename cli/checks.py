"""One thing that doctor looked at, and how a list of them is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from cli.tables import console
from cli.words import ENGLISH, Words


@dataclass(frozen=True)
class Check:
    """One thing looked at; `remedy` is what to do when it isn't well."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def show_checks(checks: Sequence[Check], words: Words = ENGLISH) -> None:
    """As a table."""
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column(words("what"), no_wrap=True)
    table.add_column(words("seen"), overflow="fold")
    table.add_column(words("what to do"), overflow="fold")
    for check in checks:
        mark = Text(words("ok"), "green") if check.ok else Text(words("no"), "red")
        told = (check.name, check.detail, check.remedy or "")
        table.add_row(mark, *(Text(words.told(one)) for one in told))
    console().print(table)
