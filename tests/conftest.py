"""Fixtures every test may use."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from db.database import Database

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _logger_as_it_was() -> Iterator[None]:
    """The program's logger is set up anew by every command; the next test finds it as before."""
    logger = logging.getLogger("closebell")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data; skipped where it is absent, required in CI."""
    folder = Path(os.environ.get("CLOSEBELL_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "sessions.parquet").is_file():
        message = f"real market data missing: {folder} (set CLOSEBELL_REAL_DATA)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A real Prefect server of its own, once for the whole session."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded PostgreSQL for the whole session, its tables up to date."""
    from databases import migrated

    from db.embedded import embedded_server

    folder = tmp_path_factory.mktemp("postgres")
    with embedded_server(folder, options={"fsync": "off"}) as url, migrated(url):
        yield url


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """That server's database, empty."""
    from databases import emptied

    with emptied(postgres_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def debian_postgres_url() -> Iterator[str]:
    """Debian's PostgreSQL 15 with tables up to date; skipped where it isn't installed."""
    from databases import DEBIAN, debian_postgres, migrated

    if not (DEBIAN / "postgres").is_file():
        pytest.skip("Debian's PostgreSQL 15 missing: apt-get install postgresql-15")
    with (
        tempfile.TemporaryDirectory(prefix="closebell-") as folder,
        debian_postgres(Path(folder)) as url,
        migrated(url),
    ):
        yield url
