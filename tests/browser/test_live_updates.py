"""What is committed appears by itself, and nothing is missed while the server was away."""

from __future__ import annotations

import pytest
from api_market import SAMSUNG, WED, publish, publish_everything, publish_gate, signal
from api_server import serving
from browser_pages import SECONDS, live, row
from databases import emptied
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
# The browser tells of each attempt to connect while nobody listens.
REFUSED = ("ERR_CONNECTION_REFUSED", "WebSocket connection", "ERR_INTERNET_DISCONNECTED")


def test_a_publication_appears_without_a_reload(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    live(page)
    expect(row(page, "900003")).to_have_count(0)
    page.evaluate("window.same = true")
    publish(database, "vcp", WED, 4)
    expect(row(page, "900003")).to_be_visible()
    expect(row(page, "900003")).to_have_class("row fresh")
    publish_gate(database, WED, 33.0)
    expect(page.locator(".gate .big")).to_have_text("33")
    publish(database, "vcp", WED, 2)
    expect(row(page, "900003")).to_have_count(0)
    expect(page.locator("footer [aria-live]")).to_contain_text("2 withdrawn")
    assert page.evaluate("window.same") is True


def test_what_was_published_while_the_server_was_away_is_there_after_its_return(
    postgres_url, stack, pages
):
    pages.allowed = REFUSED
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    with serving(database) as served:
        port = served.port
        page = pages.open(served.url)
        live(page)
        page.evaluate("window.same = true")
    connection = page.locator("#connection")
    expect(connection).to_have_attribute("data-state", "waiting")
    expect(page.locator(".banners")).to_contain_text("No connection.", timeout=SECONDS)
    publish(database, "vcp", WED, 5)
    publish(database, "daytrading", WED, 6)
    publish_gate(database, WED, 12.0)
    with database.reader() as tx:
        last = tx.events.last_id()
    with serving(database, api_port=port):
        live(page)
        expect(connection).to_have_attribute("data-seen", str(last))
        expect(row(page, "900004")).to_be_visible()
        expect(page.locator(".tabs")).to_contain_text("Day trading6")
        expect(page.locator(".gate .big")).to_have_text("12")
        expect(page.locator(".banners .warn", has_text="No connection")).to_have_count(0)
    assert page.evaluate("window.same") is True


def test_without_a_network_the_page_says_so_and_comes_back(postgres_url, stack, pages):
    pages.allowed = REFUSED
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    live(page)
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    expect(page.locator(".banners")).to_contain_text("No connection.")
    page.context.set_offline(False)
    live(page)


def test_an_older_session_on_show_is_not_replaced_by_a_newer_one(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/signals?session=2026-02-03")
    live(page)
    expect(page.locator(".banners")).to_contain_text("You are looking at 2026-02-03")
    expect(row(page, "900003")).to_be_visible()  # of Tuesday's closing bets
    publish(database, "closing_bet", WED, 5)
    page.get_by_role("link", name="Show the newest").click()
    expect(page.locator(".group[data-scanner=closing_bet]")).to_contain_text("5 signals")


def test_of_2_700_signals_only_those_in_sight_are_drawn(postgres_url, stack, pages):
    rows = [signal("vcp", WED, n) | {"score": 100 - n / 100} for n in range(2_700)]
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    publish(database, "vcp", rows=rows)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/signals?scanner=vcp")
    group = page.locator(".group[data-scanner=vcp]")
    expect(group).to_contain_text("2700 signals", timeout=SECONDS)
    assert page.locator(".rows .row").count() < 80
    for _ in range(3):  # rows have a height of their own only once they were seen
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(row(page, "902699")).to_be_visible()
    assert page.locator(".rows .row").count() < 80
    publish(database, "vcp", WED, rows=rows[:-1])
    expect(page.locator(".tabs")).to_contain_text("VCP2699", timeout=SECONDS)


def test_a_server_that_can_be_reached_without_a_network_stays_live(served, pages):
    page = pages.open(served.url)
    live(page)
    page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    page.evaluate("void dispatchEvent(new Event('offline'))")
    expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    live(page)


def test_nothing_is_asked_for_before_the_server_has_greeted(served, pages):
    page = pages.open(served.url)
    held, said, sockets = [], [], []

    def between(socket):
        server = socket.connect_to_server()
        sockets.append(socket)
        server.on_message(lambda text: held.append(text) if sockets else socket.send(text))

        def say(text):
            said.append(text)
            server.send(text)

        socket.on_message(say)

    page.route_web_socket("**/ws?*", between)
    page.goto(f"{served.url}/#/stock/{SAMSUNG}")
    page.reload()
    expect(page.locator(".stock-head h1")).to_be_visible(timeout=SECONDS)
    assert said == []
    socket = sockets.pop()
    sockets.clear()
    for text in held:
        socket.send(text)
    live(page)
