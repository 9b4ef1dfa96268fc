"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
