"""The names of the scanners that score stocks, in the order they are shown in."""

from __future__ import annotations

from typing import Final, Literal, get_args

ScannerName = Literal["vcp", "daytrading", "closing_bet"]
SCANNERS: Final[tuple[str, ...]] = get_args(ScannerName)
