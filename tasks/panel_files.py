"""A panel as Arrow files that many processes map into memory instead of each reading its own."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from market.data import MarketData
from market.schemas import (
    DailyBars,
    IndexBars,
    InstrumentFlags,
    Instruments,
    NetBuying,
    News,
)

_SCHEDULE = "schedule"


def save(data: MarketData, schedule: pl.DataFrame, folder: Path) -> None:
    """Write every frame, uncompressed, so that it can be mapped."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(data):
        frame = getattr(data, field.name)
        if isinstance(frame, pl.DataFrame):
            frame.write_ipc(folder / f"{field.name}.arrow", compression="uncompressed")
    schedule.write_ipc(folder / f"{_SCHEDULE}.arrow", compression="uncompressed")


def load(folder: Path) -> tuple[MarketData, pl.DataFrame]:
    """The panel that was saved there, mapped: pages are shared by all who do so."""
    news = folder / "news.arrow"
    data = MarketData(
        bars=DailyBars.cast(_mapped(folder, "bars")),
        instruments=Instruments.cast(_mapped(folder, "instruments")),
        flags=InstrumentFlags.cast(_mapped(folder, "flags")),
        net_buying=NetBuying.cast(_mapped(folder, "net_buying")),
        index_bars=IndexBars.cast(_mapped(folder, "index_bars")),
        news=News.cast(_mapped(folder, "news")) if news.exists() else None,
    )
    return data, _mapped(folder, _SCHEDULE)


def _mapped(folder: Path, name: str) -> pl.DataFrame:
    """By pyarrow, since Polars reads a whole file into memory of its own."""
    with pa.memory_map(str(folder / f"{name}.arrow")) as file:
        frame = pl.from_arrow(ipc.open_file(file).read_all())
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a file of frames holds a table")
    return frame
