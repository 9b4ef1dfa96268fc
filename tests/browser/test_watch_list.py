"""The watch list and what was taken: kept in the browser alone."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from api_market import SAMSUNG, SPLIT, WED
from api_server import serving
from browser_pages import row
from playwright.sync_api import expect

from market.clock import SEOUL, FixedClock

pytestmark = pytest.mark.browser
NEXT_MORNING = FixedClock(datetime(2026, 2, 5, 8, 50, tzinfo=SEOUL))


def take(page, price: str, shares: str, stop: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Price").fill(price)
    dialog.get_by_label("Shares").fill(shares)
    dialog.get_by_label("Own stop").fill(stop)
    dialog.get_by_role("button", name="Save").click()


def test_a_taken_stock_shows_todays_result_and_the_distance_to_its_stop(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp")
    page.get_by_role("button", name="I took this").click()
    expect(page.get_by_role("dialog").get_by_label("Price")).to_have_value("72100")
    take(page, "72,000", "10", "73000")
    expect(page.get_by_role("alert")).to_have_text(
        "The stop is a whole number of won, below the price, or empty."
    )
    take(page, "72,000", "10", "70000")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Watch list").click()
    line = page.locator("tbody tr").first
    expect(line).to_contain_text("삼성전자")
    cells = line.locator("td")
    expect(cells.nth(4)).to_have_text("72,600")
    expect(cells.nth(5)).to_have_text("+3,000")  # 300 won up today, ten shares
    expect(cells.nth(6)).to_have_text("+6,000 +0.83 %")
    expect(cells.nth(8)).to_have_text("+3.6 %")
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_closing_bet_reminds_of_its_exit_at_the_next_opening(market, stack, pages):
    served = stack.enter_context(serving(market, clock=NEXT_MORNING))
    page = pages.open(f"{served.url}/#/signals?scanner=closing_bet")
    expect(row(page, SPLIT)).to_be_visible()
    row(page, SPLIT).locator("a").focus()
    page.keyboard.press("t")
    expect(page.get_by_role("dialog").get_by_label("Session")).to_have_value(WED.isoformat())
    take(page, "104000", "3", "")
    page.get_by_role("link", name="Watch list").click()
    exit_due = page.locator(".flag.exit")
    expect(exit_due).to_have_text("Exit due today, at the opening auction")


def test_the_notebook_goes_into_a_file_and_comes_out_of_it_elsewhere(served, pages, tmp_path):
    page = pages.open(served.url)
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export file").click()
    saved = tmp_path / "notebook.json"
    downloading.value.save_as(saved)
    assert json.loads(saved.read_text())["stocks"] == [{"ticker": SAMSUNG, "name": "삼성전자"}]

    other = pages.open(f"{served.url}/#/watch")
    expect(other.locator(".empty")).to_have_count(2)
    other.locator("#import").set_input_files(saved)
    expect(other.get_by_text("1 stocks and 0 trades imported.")).to_be_visible()
    expect(other.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        '{"closebell": "notebook", "version": 2}',
        '{"closebell": "notebook", "version": 1, "stocks": [{"ticker": "../x"}], "trades": []}',
        '{"closebell": "notebook", "version": 1, "stocks": [], "trades": [{"ticker": "005930",'
        ' "price": 1, "shares": -1, "stop": null, "session": "2026-02-04", "exit": null}]}',
    ],
)
def test_another_file_is_refused_and_nothing_is_taken_over(served, pages, tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    page = pages.open(f"{served.url}/#/watch")
    page.locator("#import").set_input_files(file)
    expect(page.locator(".told.wrong")).to_contain_text("is no watch list of closebell")
    assert page.evaluate("localStorage.getItem('closebell.notebook')") is None


def test_nothing_of_it_is_sent_to_the_server(served, pages):
    page = pages.open(served.url)
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.post_data)))
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert {method for method, _ in sent} <= {"GET"}
