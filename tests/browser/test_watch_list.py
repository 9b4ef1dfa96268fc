"""The watch list and what was taken: kept in the browser alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime

import httpx
import pytest
from api_market import SAMSUNG, SPLIT, TUE, WED, publish
from api_server import eventually, serving
from browser_market import fill_market
from browser_pages import live, row
from databases import emptied
from playwright.sync_api import expect
from sqlalchemy import text

from market.clock import SEOUL, FixedClock

pytestmark = pytest.mark.browser
EVENING = FixedClock(datetime(2026, 2, 4, 18, 0, tzinfo=SEOUL))
NEXT_MORNING = FixedClock(datetime(2026, 2, 5, 8, 50, tzinfo=SEOUL))


def take(page, price: str, shares: str, stop: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Price").fill(price)
    dialog.get_by_label("Shares").fill(shares)
    dialog.get_by_label("Own stop").fill(stop)
    dialog.get_by_role("button", name="Save").click()


def test_a_taken_stock_shows_todays_result_and_the_distance_to_its_stop(market, stack, pages):
    served = stack.enter_context(serving(market, clock=EVENING))
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp")
    page.get_by_role("button", name="I took this").click()
    expect(page.get_by_role("dialog").get_by_label("Price")).to_have_value("72100")
    take(page, "72,000", "10", "73000")
    expect(page.get_by_role("alert")).to_have_text(
        "The stop is a whole number of won, below the price, or empty."
    )
    take(page, "72,000", "10", "70000")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="I took this").click()
    page.get_by_role("dialog").get_by_label("Session").fill(TUE.isoformat())
    take(page, "72,000", "10", "70000")
    page.get_by_role("link", name="Watch list").first.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    before, same_day = page.locator("tbody tr").all()
    expect(before).to_contain_text("삼성전자")
    cells = before.locator("td")
    expect(cells.nth(4)).to_have_text("72,600 02-04")
    expect(cells.nth(5)).to_have_text("+3,000")  # 300 won up today, ten shares
    expect(cells.nth(6)).to_have_text("+6,000 +0.83 %")
    expect(cells.nth(8)).to_have_text("+3.6 %")
    expect(same_day.locator("td").nth(5)).to_have_text("+6,000")  # since it was bought today
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_price_of_an_older_session_says_nothing_of_today(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp")
    page.get_by_role("button", name="I took this").click()
    take(page, "72,000", "10", "70000")
    page.get_by_role("link", name="Watch list").first.click()
    cells = page.locator("tbody tr").first.locator("td")
    expect(cells.nth(4)).to_have_text("72,600 02-04")
    expect(cells.nth(5)).to_have_text("–")


def test_a_closing_bet_reminds_of_its_exit_at_the_next_opening(market, stack, pages):
    served = stack.enter_context(serving(market, clock=NEXT_MORNING))
    page = pages.open(f"{served.url}/#/signals?scanner=closing_bet")
    expect(row(page, SPLIT)).to_be_visible()
    row(page, SPLIT).locator("a").focus()
    page.keyboard.press("t")
    expect(page.get_by_role("dialog").get_by_label("Session")).to_have_value(WED.isoformat())
    take(page, "104000", "3", "")
    page.get_by_role("link", name="Watch list").first.click()
    exit_due = page.locator(".flag.exit")
    expect(exit_due).to_have_text("Exit due today, at the opening auction")
    page.get_by_role("link", name="Signals").click()
    expect(page.locator(".banners")).to_contain_text("opening auction: SK하이닉스")


def test_an_exit_before_the_timetables_reach_is_overdue_not_misdated(market, stack, pages):
    served = stack.enter_context(serving(market, clock=NEXT_MORNING))
    page = pages.open(f"{served.url}/#/signals?scanner=closing_bet")
    row(page, SPLIT).locator("a").focus()
    page.keyboard.press("t")
    page.get_by_role("dialog").get_by_label("Session").fill("2025-11-03")
    take(page, "104000", "3", "")
    page.get_by_role("link", name="Watch list").first.click()
    expect(page.locator(".flag.exit")).to_have_text("Exit is overdue")
    stored = json.loads(page.evaluate("localStorage.getItem('closebell.notebook')"))
    assert stored["trades"][0]["exit"] is None


def test_the_newest_signals_are_shown_whatever_session_the_list_was_turned_to(served, pages):
    page = pages.open(f"{served.url}/#/signals?session=2026-02-03&scanner=vcp")
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").first.click()
    line = page.locator("tbody tr").last
    expect(line).to_contain_text("72,100")  # Wednesday's entry
    expect(line.locator(".badge").first).to_have_text("S")


def test_a_long_list_keeps_its_connection(served, pages):
    pages.allowed = ("404",)
    page = pages.open(served.url)
    live(page)
    stocks = [{"ticker": str(100_000 + n), "name": "x"} for n in range(100)]
    book = {"closebell": "notebook", "version": 1, "stocks": stocks, "trades": []}
    page.evaluate("book => localStorage.setItem('closebell.notebook', book)", json.dumps(book))
    page.reload()
    live(page)
    asked, sent = Counter(), []
    page.on("request", lambda request: asked.update(re.findall(r"/stocks/(\d+)$", request.url)))
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(text)))
    for name in ("Watch list", "Scans", "Watch list"):
        page.get_by_role("link", name=name).click()
        live(page)
    expect(page.locator("tbody tr")).to_have_count(100)
    eventually(lambda: any(len(client.topics) > 100 for client in served.services.notifier.clients))
    assert not any("subscribe" in str(frame) for frame in sent)
    assert 'code="1009"' not in httpx.get(f"{served.url}/metrics").text, "the server hung up"
    page.wait_for_timeout(1500)  # a refresh would have begun
    assert max(asked.values()) <= 2, "once a visit"


def watching(postgres_url, stack, pages):
    """A database, and a page whose watch list has one of its stocks and is live."""
    database = stack.enter_context(emptied(postgres_url))
    fill_market(database)
    served = stack.enter_context(serving(database, clock=EVENING))
    page = pages.open(served.url)
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").first.click()
    live(page)
    return database, page


def test_events_of_a_moment_ask_for_every_price_once(postgres_url, stack, pages):
    database, page = watching(postgres_url, stack, pages)
    expect(page.locator("tbody tr").last).to_contain_text("72,600")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    about = {"session": WED.isoformat(), "as_of": "close", "signal_type": "vcp"}
    counts = {"new": 0, "changed": 1, "withdrawn": 0}
    with page.expect_response(f"**/stocks/{SAMSUNG}"), database.transaction() as tx:
        for _ in range(12):
            tx.events.append("signal:vcp", "signal_update", about | counts)
    page.wait_for_timeout(2500)
    assert 1 <= sum(url.endswith(f"/stocks/{SAMSUNG}") for url in asked) <= 2


def test_prices_are_asked_for_anew_after_a_scan(postgres_url, stack, pages):
    database, page = watching(postgres_url, stack, pages)
    line = page.locator("tbody tr").last
    expect(line).to_contain_text("72,600")
    star = line.get_by_role("button")
    star.focus()
    with database.connection() as connection:
        later = (
            "UPDATE daily_bars SET close = 73300, high = 73300 WHERE ticker = :t AND session = :d"
        )
        connection.execute(text(later), {"t": SAMSUNG, "d": WED})
        connection.commit()
    publish(database, "vcp", WED, 4)
    expect(line).to_contain_text("73,300")
    expect(star).to_be_focused()


def test_the_notebook_goes_into_a_file_and_comes_out_of_it_elsewhere(served, pages, tmp_path):
    page = pages.open(served.url)
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").first.click()
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
    "other",
    [
        "not json",
        '{"closebell": "notebook", "version": 2}',
        '{"closebell": "notebook", "version": 1, "stocks": [{"ticker": "../x"}], "trades": []}',
        '{"closebell": "notebook", "version": 1, "stocks": [], "trades": [{"ticker": "005930",'
        ' "price": 1, "shares": -1, "stop": null, "session": "2026-02-04", "exit": null}]}',
    ],
)
def test_another_file_is_refused_and_nothing_is_taken_over(served, pages, tmp_path, other):
    file = tmp_path / "other.json"
    file.write_text(other)
    page = pages.open(f"{served.url}/#/watch")
    page.locator("#import").set_input_files(file)
    expect(page.locator(".told.wrong")).to_contain_text("is no watch list of closebell")
    assert page.evaluate("localStorage.getItem('closebell.notebook')") is None


def test_nothing_of_it_is_sent_to_the_server(served, pages):
    page = pages.open(served.url)
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.post_data)))
    row(page, SAMSUNG).get_by_role("button").click()
    page.get_by_role("link", name="Watch list").first.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert {method for method, _ in sent} <= {"GET"}


def test_over_plain_http_a_stock_can_be_taken_and_the_link_copied(served, pages):
    """As where the page came from another machine by http: neither is there then."""
    page = pages.open(served.url)
    page.context.add_init_script(
        "delete Crypto.prototype.randomUUID; delete Navigator.prototype.clipboard"
    )
    page.goto(f"{served.url}/#/signals")
    page.reload()
    row(page, SAMSUNG).locator("a").focus()
    page.keyboard.press("t")
    take(page, "72,000", "10", "")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    page.get_by_role("link", name="Watch list").first.click()
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
