"""Frames and summaries as tables for a terminal."""

from __future__ import annotations

import json
import sys

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.words import ENGLISH, Words
from flows.summary import RunSummary

PIPED_WIDTH = 132  # characters, where there is no terminal to ask
GRADE_STYLES = {"S": "bold red", "A": "red", "B": "yellow"}
GATE_STYLES = {"GREEN": "bold green", "YELLOW": "bold yellow", "RED": "bold red"}


def console() -> Console:
    """Standard output, wide enough for a table when it is piped."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def won(value: int | float | None) -> str:
    """Won with thousands separators; a dash where missing."""
    return "-" if value is None else f"{value:,.0f}"


def print_signals(
    out: Console, signals: pl.DataFrame, words: Words = ENGLISH, *, each: int | None = None
) -> None:
    """A table a scanner, best first by score/out_of, prices in won as traded in their session.

    Args:
        each: at most so many of each scanner; what isn't shown is counted.
    """
    for (scanner,), found in signals.group_by(["scanner"], maintain_order=True):
        grades = ", ".join(f"{found.filter(pl.col('grade') == g).height} {g}" for g in "SABC")
        title = "{scanner}: {count} signals ({grades})"
        out.print(words(title, scanner=scanner, count=found.height, grades=grades), style="bold")
        shown = found.head(each or found.height)
        out.print(_signals_table(shown, words))
        if shown.height < found.height:
            more = "… and {count} more: closebell signals --scanner {scanner}"
            out.print(words(more, count=found.height - shown.height, scanner=scanner))


def _signals_table(signals: pl.DataFrame, words: Words) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("ticker", "name", "score", "grade", "entry", "target", "stop"):
        right = name in ("score", "entry", "target", "stop")
        table.add_column(words(name), justify="right" if right else "left", no_wrap=True)
    table.add_column(words("reasons"), overflow="fold", ratio=1)
    for row in signals.iter_rows(named=True):
        table.add_row(
            row["ticker"],
            row["name"],
            f"{row['score']:g}/{row['out_of']:g}",
            Text(row["grade"], style=GRADE_STYLES.get(row["grade"], "")),
            won(row["entry"]),
            won(row["target"]),
            won(row["stop"]),
            "; ".join(map(words.told, json.loads(row["reasons"]))),
        )
    return table


def gate_line(gate: dict[str, object], words: Words = ENGLISH) -> Text:
    """The market gate in one line: colour, level, the two indices."""
    status = str(gate["status"] or "unknown")
    line = Text(words("market gate "))
    line.append(words(status), style=GATE_STYLES.get(status, ""))
    if isinstance(level := gate["level"], float):
        line.append(f" {int(level + 0.5)}/100")
    for name in ("kospi", "kosdaq"):
        close, change = gate[f"{name}_close"], gate[f"{name}_change_pct"]
        if isinstance(close, float):
            line.append(f" · {name.upper()} {close:,.2f}")
            line.append(f" {change:+.2f} %" if isinstance(change, float) else "")
    return line


def scanned_table(summary: RunSummary, words: Words = ENGLISH) -> Table:
    """What was scanned, how it was graded, and who was left out and why.

    No grade: too little was known to give one.
    """
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scanner", "scanned", "S", "A", "B", "C", "no grade", "signals"):
        table.add_column(words(name), justify="left" if name == "scanner" else "right")
    table.add_column(words("left out"), overflow="fold", ratio=1)
    for name, scanner in summary.scanners.items():
        left_out = sorted(scanner.left_out.items(), key=lambda item: -item[1])
        table.add_row(
            name,
            f"{scanner.scanned:,}",
            *(f"{scanner.grades.get(grade, 0):,}" for grade in "SABC"),
            f"{scanner.scanned - sum(scanner.grades.values()):,}",
            f"{scanner.signals:,}",
            ", ".join(f"{words(reason)} {n:,}" for reason, n in left_out) or words("none"),
        )
    return table
