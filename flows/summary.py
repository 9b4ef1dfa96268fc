"""What a run did, as `--json` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:  # Prefect must not be imported before its home is set
    from tasks.scan import Scanned


class ScannerSummary(BaseModel):
    """One scanner over the sessions of a run: scanned, signals, grades, and who was left out."""

    model_config = ConfigDict(frozen=True)

    scanned: int
    signals: int
    grades: Mapping[str, int]
    left_out: Mapping[str, int]


class RunSummary(BaseModel):
    """The outcome of `closebell run …` and `closebell backfill`."""

    model_config = ConfigDict(frozen=True)

    state: Literal["completed", "skipped", "failed"]
    reason: str | None = None
    sessions: Sequence[date] = ()
    as_of: str | None = None
    scanners: Mapping[str, ScannerSummary] = {}
    market_gate: str | None = None
    notes: Sequence[str] = ()
    seconds: float = 0.0
    flow_run_id: str | None = None


def summarise(
    scanned: Scanned,
    sessions: Sequence[date],
    *,
    notes: Sequence[str] = (),
    seconds: float,
    flow_run_id: str | None,
) -> RunSummary:
    """Sum up the scans of `sessions`; the gate is that of the last one."""
    chosen = pl.col("session").is_in(list(sessions))
    gate = scanned.scan.gate
    last = gate.filter(pl.col("session") == sessions[-1])["status"] if gate is not None else None
    return RunSummary(
        state="completed",
        sessions=sessions,
        as_of=str(scanned.slot),
        scanners={
            name: ScannerSummary(
                scanned=int(result.counts.filter(chosen)["scanned"].sum()),
                signals=result.signals.filter(chosen).height,
                grades={
                    grade: int(result.counts.filter(chosen)[grade.lower()].sum())
                    for grade in "SABC"
                },
                left_out=dict(
                    result.left_out.filter(chosen)
                    .group_by("reason")
                    .agg(pl.col("n").sum())
                    .sort("n", "reason", descending=[True, False])
                    .iter_rows()
                ),
            )
            for name, result in scanned.scan.results.items()
        },
        market_gate=last[0] if last is not None and last.len() else None,
        notes=notes,
        seconds=round(seconds, 3),
        flow_run_id=flow_run_id,
    )
