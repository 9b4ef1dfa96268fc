"""What a run leaves to read in the Prefect UI."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.publish import counts_of, left_out_of
from tasks.scan import Scanned
from tasks.step import step

SHOWN = ["ticker", "scanner", "score", "out_of", "grade", "entry", "target", "stop"]


@step("artifacts", timeout=60, retries=1)
def leave_artifacts(scanned: Scanned, session: date, notes: Sequence[str]) -> None:
    """The signals, the gate and what was left out, as artifacts of this run."""
    of_session = pl.col("session") == session
    signals = pl.concat(
        [result.signals.filter(of_session).select(*SHOWN, "reasons")
         for result in scanned.scan.results.values()]
    )  # fmt: skip
    create_table_artifact(
        key="signals",
        table=signals.with_columns(pl.col("reasons").list.join("; ")).to_dicts(),
        description=f"Signals of {session}, {scanned.slot}",
    )
    create_table_artifact(
        key="left-out",
        table=[
            {"scanner": name, "reason": reason, "stocks": n}
            for name in scanned.scan.results
            for reason, n in left_out_of(scanned, name, session).items()
        ],
        description=f"Stocks not scanned in {session}",
    )
    create_markdown_artifact(
        key="market-gate",
        markdown=_gate(scanned, session, notes),
        description=f"Market gate of {session}",
    )


def _gate(scanned: Scanned, session: date, notes: Sequence[str]) -> str:
    gate = scanned.scan.gate
    assert gate is not None
    rows = gate.filter(pl.col("session") == session).to_dicts()
    status = rows[0]["status"] if rows else None
    level = rows[0]["level"] if rows else None
    lines = [
        f"# {status or 'unknown'}" + (f" {int(level + 0.5)}/100" if level is not None else ""),
        "",
        "| scanner | scanned | S | A | B | C |",
        "|---|---|---|---|---|---|",
    ]
    for name in scanned.scan.results:
        stocks, grades = counts_of(scanned, name, session)
        lines.append(f"| {name} | {stocks} | " + " | ".join(f"{grades[g]}" for g in "SABC") + " |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)])
