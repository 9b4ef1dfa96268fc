"""What a run did, as `--json` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict


class ScannerSummary(BaseModel):
    """One scanner over the run's sessions: stocks scanned, signals, all grades, who was left out."""

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
    scanners: Mapping[str, ScannerSummary] = {}
    market_gate: str | None = None
    notes: Sequence[str] = ()
    seconds: float = 0.0
    flow_run_id: str | None = None
