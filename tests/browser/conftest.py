"""One Chromium for all tests of the dashboard, and pages that tell of every error."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from api_server import Served, serving
from browser_market import fill_market
from browser_pages import Pages
from databases import emptied
from playwright.sync_api import Browser, sync_playwright

from db import Database

CHROMIUM = Path("/usr/bin/chromium")
# It neither calls home nor needs a sandbox to open our own pages.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """A test that fails tells what was on its pages."""
    report = yield
    opened = getattr(item, "funcargs", {}).get("pages")
    if report.when == "call" and report.failed and isinstance(opened, Pages):
        folder = item.config.cache.mkdir("pages") if item.config.cache else Path(mkdtemp())
        name = re.sub(r"[^\w-]+", "-", item.name)
        report.sections.append(("on the page", opened.described(folder, name)))
    return report


@pytest.fixture(scope="module")  # Playwright's loop would be in the way of other modules
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("Chromium missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """For the servers and databases of one test: they outlive its pages."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def pages(chromium: Browser, stack: ExitStack) -> Iterator[Pages]:
    """Opens pages; at the end none may have had an error or broken the security policy."""
    opened = Pages(chromium)
    yield opened
    opened.close()
    assert opened.errors == []


@pytest.fixture(scope="module")
def market(postgres_url: str) -> Iterator[Database]:
    with emptied(postgres_url) as database:
        fill_market(database)
        yield database


@pytest.fixture(scope="module")
def served(market: Database) -> Iterator[Served]:
    with serving(market) as running:
        yield running
