"""What is kept in the browser isn't lost: not to a limit, nor to a text that can't be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_market import SAMSUNG, SPLIT
from browser_pages import row
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
KEPT = "closebell.notebook"


def notebook(count: int, first: int = 100_000, **more: Any) -> str:
    stocks = [{"ticker": str(first + n), "name": "x"} for n in range(count)]
    book = {"closebell": "notebook", "version": 1, "stocks": stocks, "trades": []} | more
    return json.dumps(book)


def keep(page: Page, text: str) -> None:
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEPT, text])
    page.reload()


def kept(page: Page, key: str = KEPT) -> Any:
    return page.evaluate("key => localStorage.getItem(key)", key)


def import_file(page: Page, text: str) -> None:
    page.locator("#import").set_input_files(
        {"name": "book.json", "mimeType": "application/json", "buffer": text.encode()}
    )


def test_what_would_be_too_much_is_refused_and_the_list_stays(served, pages):
    page = pages.open(f"{served.url}/#/watch")
    import_file(page, notebook(1_001))
    expect(page.locator(".told.wrong")).to_contain_text("nothing was added")
    assert kept(page) is None
    page.get_by_role("link", name="Signals").click()
    keep(page, notebook(999))
    row(page, SAMSUNG).get_by_role("button").click()
    expect(row(page, SAMSUNG).get_by_role("button")).to_have_attribute("aria-pressed", "true")
    row(page, SPLIT).get_by_role("button").click()
    expect(page.locator(".banners")).to_contain_text("nothing was added")
    expect(row(page, SPLIT).get_by_role("button")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(row(page, SAMSUNG).get_by_role("button")).to_have_attribute("aria-pressed", "true")
    assert len(json.loads(kept(page))["stocks"]) == 1000


def test_a_list_that_was_let_grow_too_long_is_still_read(served, pages):
    page = pages.open(served.url)
    keep(page, notebook(1_100, stocks=[{"ticker": SAMSUNG, "name": "x"}] * 1_100))
    expect(row(page, SAMSUNG).get_by_role("button")).to_have_attribute("aria-pressed", "true")


def test_a_text_that_cant_be_read_is_put_aside_until_it_is_given_up(served, pages):
    page = pages.open(served.url)
    unread = notebook(2, trades=[{"ticker": "?"}])
    keep(page, unread)
    expect(page.locator(".banners")).to_contain_text("can’t be read")
    row(page, SAMSUNG).get_by_role("button").click()
    assert kept(page, f"{KEPT}.unread") == unread
    assert [one["ticker"] for one in json.loads(kept(page))["stocks"]] == [SAMSUNG]
    page.get_by_role("link", name="Watch list").first.click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save it as a file").click()
    assert downloading.value.path().read_text() == unread
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("can’t be read")).to_have_count(0)
    assert kept(page, f"{KEPT}.unread") is None
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_second_text_that_cant_be_read_isnt_saved_over_either(served, pages):
    page = pages.open(served.url)
    keep(page, "first")
    expect(page.locator(".banners")).to_contain_text("can’t be read")
    keep(page, "second")
    row(page, SAMSUNG).get_by_role("button").click()
    expect(page.locator(".banners")).to_contain_text("nothing was saved over it")
    assert (kept(page, f"{KEPT}.unread"), kept(page)) == ("first", "second")


def test_a_full_storage_is_told(served, pages):
    page = pages.open(served.url)
    page.evaluate("void (Storage.prototype.setItem = () => { throw new DOMException('full') })")
    row(page, SAMSUNG).get_by_role("button").click()
    expect(page.locator(".banners")).to_contain_text("storage is full or closed")
    expect(row(page, SAMSUNG).get_by_role("button")).to_have_attribute("aria-pressed", "false")
