"""A server with keys: nothing is shown without one, and it stays out of scripts' reach."""

from __future__ import annotations

import pytest
from api_market import WED, publish
from api_server import serving
from browser_market import fill_market
from browser_pages import live, row
from databases import emptied
from playwright.sync_api import expect

from api.keys import NewKey, make_key
from db import Database

pytestmark = pytest.mark.browser


def test_a_key_opens_the_page_and_its_live_updates_until_it_is_revoked(postgres_url, stack, pages):
    pages.allowed = ("401", "1008", "WebSocket")
    database = stack.enter_context(emptied(postgres_url))
    fill_market(database)
    key = add_key(database)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
    expect(page.locator(".row")).to_have_count(0)
    page.get_by_label("API key").fill("cb_wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("This key isn’t valid.")
    page.get_by_label("API key").fill(key.text)
    page.get_by_role("button", name="Open").click()
    expect(row(page, "005930")).to_be_visible()
    live(page)
    assert key.text not in page.url
    assert page.evaluate("document.cookie") == ""
    publish(database, "vcp", WED, 5)
    expect(row(page, "900004")).to_be_visible()
    with database.transaction() as tx:
        assert tx.keys.revoke(key.id)
    publish(database, "vcp", WED, 4)
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()


def test_a_forgotten_key_closes_the_page(postgres_url, stack, pages):
    pages.allowed = ("401", "1008", "WebSocket")
    database = stack.enter_context(emptied(postgres_url))
    fill_market(database)
    key = add_key(database)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    page.get_by_label("API key").fill(key.text)
    page.get_by_role("button", name="Open").click()
    expect(row(page, "005930")).to_be_visible()
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()


def add_key(database: Database) -> NewKey:
    key = make_key()
    with database.transaction() as tx:
        tx.keys.add(key.id, "page", ("read", "live"), key.secret_hash)
    return key
