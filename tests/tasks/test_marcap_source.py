"""CLOSEBELL_SOURCE=marcap: the years that a run lacks are fetched and imported."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

import settings
from db import Database
from market.calendar import TradingCalendar
from market.clock import FixedClock
from tasks.collect import collect
from tasks.sources import open_source

CALENDAR = TradingCalendar()
DAYS = CALENDAR.sessions(date(2026, 3, 16), date(2026, 3, 20))
CLOCK = FixedClock(datetime(2026, 3, 21, tzinfo=UTC))


@pytest.fixture
def published(tmp_path: Path) -> Iterator[str]:
    """Where the files of 2025 and 2026 are served; both begin with the same stock."""
    folder = tmp_path / "published"
    folder.mkdir()
    one = ["Open", "High", "Low", "Close", "Volume", "Amount", "Marcap", "Stocks"]
    for year, days in ((2025, [date(2025, 3, 20)]), (2026, DAYS)):
        named = {"Date": days, "Code": "005930", "Name": "삼성전자", "Market": "KOSPI"}
        pl.DataFrame(named | dict.fromkeys(one, 1) | {"Changes": 0}).write_parquet(
            folder / f"marcap-{year}.parquet"
        )

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_run_imports_the_years_it_lacks(
    database: Database, published: str, tmp_path: Path
) -> None:
    config = settings.Settings(data_dir=tmp_path, marcap_base_url=published)
    with open_source("marcap", config, CALENDAR, database, CLOCK) as source:
        data = collect.fn(database, source, CALENDAR, DAYS[-1], DAYS[-1])
    assert data is not None
    assert data.bars.is_empty()
    with database.reader() as tx:
        assert tx.bars.sessions(date(2025, 1, 1), DAYS[-1]) == [date(2025, 3, 20), *DAYS]
        assert tx.sources.get("marcap").state == "ok"
