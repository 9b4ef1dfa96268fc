"""One server over one small market for the tests that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from api_market import publish_everything
from api_server import Served, serving
from databases import emptied


@pytest.fixture(scope="module")
def served(postgres_url: str) -> Iterator[Served]:
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as running:
            yield running


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as opened:
        yield opened
