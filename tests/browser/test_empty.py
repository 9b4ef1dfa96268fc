"""Where there is nothing, a sentence says why."""

from __future__ import annotations

import polars as pl
import pytest
from api_market import SIGNAL_SCHEMA, WED, fill, new_run, publish_gate
from api_server import serving
from databases import emptied
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_an_empty_list_says_why_in_a_sentence(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    fill(database)
    publish_gate(database)
    with database.transaction() as tx:
        run = tx.runs.add([new_run("vcp", WED)])[0]
        nothing = pl.DataFrame(schema=SIGNAL_SCHEMA)
        tx.signals.replace("vcp", "close", {WED: run}, nothing, rules_hash="abc")
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    empty = page.locator(".nothing")
    words = "2,000 stocks were scanned, none reached grade B (4 got grade C)."
    expect(empty.nth(0)).to_contain_text(words)
    expect(empty.nth(0)).to_contain_text("Most left out: halted 1.")
    expect(empty.nth(1)).to_contain_text("Day trading has not been scanned yet.")
    expect(empty.nth(1).locator("code")).to_have_text("closebell run end-of-day")


def test_before_the_first_scan_every_page_says_what_to_do(postgres_url, stack, pages):
    pages.allowed = ("404",)
    database = stack.enter_context(emptied(postgres_url))
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    expect(page.locator(".gate .empty")).to_contain_text("was never computed")
    expect(page.locator(".nothing").first).to_contain_text("VCP has not been scanned yet.")
    page.get_by_role("link", name="Scans").click()
    expect(page.locator(".empty code")).to_have_text("closebell run end-of-day")
    page.get_by_role("link", name="Performance").click()
    expect(page.locator(".empty")).to_have_count(2)
    page.get_by_role("link", name="Watch list").click()
    expect(page.locator(".empty")).to_have_count(2)
