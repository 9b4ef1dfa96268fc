"""The JavaScript of docs/api.md in a page of the server's own address, in Chromium."""

from __future__ import annotations

import pytest
from api_market import WED, publish, publish_everything
from api_server import eventually, serving
from databases import emptied
from doc_examples import examples
from playwright.sync_api import sync_playwright

from api.keys import make_key

pytestmark = pytest.mark.browser
EXAMPLES = {one.title: one.text for one in examples("api.md") if one.language == "javascript"}
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture
def database(postgres_url):
    with emptied(postgres_url) as opened:
        publish_everything(opened)
        yield opened


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_page(bypass_csp=True)  # that of an answer in JSON lets nothing in
        browser.close()


def run(page, title: str) -> list[str]:
    """What an example writes to the console; it may go on doing so."""
    lines: list[str] = []
    page.on("console", lambda said: lines.append(said.text) if said.type == "log" else None)
    page.evaluate(f"async () => {{ {EXAMPLES[title]} }}")
    return lines


def test_the_newest_signals_are_fetched(page, database):
    with serving(database) as server:
        page.goto(f"{server.url}/health/live")
        lines = run(page, "newest.js")
    assert lines[-1] == "005930 삼성전자 B 0.5 10000"
    assert len(lines) == 3


def test_a_page_is_told_what_is_published_also_after_a_break(page, database):
    with serving(database) as server:
        page.goto(f"{server.url}/health/live")
        lines = run(page, "follow.js")
        eventually(lambda: server.services.notifier.clients)
        publish(database, "vcp", WED, 4)
        waiting(page, lambda: "vcp 2026-02-04 4 signals" in lines)
        for client in list(server.services.notifier.clients):
            server.loop.call_soon_threadsafe(client.end, 1001, "a break")
        waiting(page, lambda: not server.services.notifier.clients)
        publish(database, "vcp", WED, 5)
        waiting(page, lambda: "vcp 2026-02-04 5 signals" in lines)
    assert lines == ["vcp 2026-02-04 4 signals", "vcp 2026-02-04 5 signals"]


def test_a_key_is_exchanged_for_a_cookie(page, database):
    key = make_key()
    with database.transaction() as tx:
        tx.keys.add(key.id, "page", ["read", "live"], key.secret_hash)
    with serving(database) as server:
        page.goto(f"{server.url}/health/live")
        page.on("dialog", lambda dialog: dialog.accept(key.text))
        assert run(page, "login.js") == ["200"]
        assert len(run(page, "newest.js")) == 3
        assert page.evaluate("document.cookie") == ""


def waiting(page, true) -> None:
    """Wait for it, letting the page's messages in meanwhile."""
    eventually(lambda: page.wait_for_timeout(50) or true())
