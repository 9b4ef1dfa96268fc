"""What is on show, and where the focus is, stays while something else changes or fails."""

from __future__ import annotations

import pytest
from api_market import SAMSUNG, TUE, WED, publish, publish_everything, publish_gate, signal
from api_server import serving
from browser_pages import SECONDS, live, row
from databases import emptied
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PRESSED = """async star => {
  document.querySelector(star).click();
  await new Promise(requestAnimationFrame);
  return document.querySelector(star).getAttribute("aria-pressed");
}"""


def test_the_focus_stays_on_what_was_pressed(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    expect(page.locator("#chart[data-bars]")).to_be_visible(timeout=SECONDS)
    star = page.locator(".stock-head .star")
    star.focus()
    page.keyboard.press("Enter")
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(star).to_be_focused()
    longer = page.get_by_role("button", name="250", exact=True)
    longer.focus()
    with page.expect_response("**/chart?days=450"):
        page.keyboard.press("Enter")
    expect(longer).to_have_attribute("aria-pressed", "true")
    expect(longer).to_be_focused()


def test_a_star_is_filled_at_once(served, pages):
    page = pages.open(served.url)
    live(page)
    star = row(page, SAMSUNG).get_by_role("button")
    expect(star).to_have_attribute("aria-pressed", "false")
    for pressed in ("true", "false"):
        assert page.evaluate(PRESSED, f".rows .row[data-ticker='{SAMSUNG}'] button") == pressed


def test_a_failed_reload_leaves_the_stock_on_show(served, pages):
    pages.allowed = ("503",)
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    expect(page.locator("#chart[data-bars]")).to_be_visible(timeout=SECONDS)
    page.route("**/flow?*", lambda route: route.fulfill(status=503, json={"detail": "x"}))
    page.get_by_role("button", name="60", exact=True).click()
    expect(page.locator(".stock-head")).to_contain_text("not up to date")
    expect(page.locator("#chart[data-bars]")).to_be_visible()
    page.unroute("**/flow?*")
    page.get_by_role("button", name="120", exact=True).click()
    expect(page.locator(".stock-head")).not_to_contain_text("not up to date")


def test_an_update_of_others_leaves_the_chart_alone(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    expect(page.locator("#chart[data-bars]")).to_be_visible(timeout=SECONDS)
    live(page)
    canvas = page.locator("#chart .canvas")
    canvas.evaluate("element => { element.same = true }")
    with (
        page.expect_response("**/chart?*adjusted=false"),
        page.expect_response("**/flow?*"),
        page.expect_response(f"**/{SAMSUNG}/signals?*"),
    ):
        publish(database, "vcp", rows=[signal("vcp", WED, n) for n in (0, 1, 2, 7)])
    page.wait_for_timeout(500)  # it would have been drawn
    assert canvas.evaluate("element => element.same") is True
    publish(database, "vcp", rows=[signal("vcp", WED, 0) | {"score": 88.0}])
    expect(page.locator(".score header + *")).to_be_visible()
    expect(page.locator(".score")).to_contain_text("88 of 100")


def test_an_address_names_the_slot_and_history_has_a_line_a_session(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    publish(database, "vcp", TUE, base=40.0)
    for slot, base in (("10:05", 61.0), ("10:10", 62.0)):
        publish(database, "vcp", WED, slot=slot, base=base)
    served = stack.enter_context(serving(database))
    place = f"#/stock/{SAMSUNG}?scanner=vcp&session={WED}&as_of=10:05"
    page = pages.open(f"{served.url}/{place}")
    expect(page.locator(".score header")).to_contain_text("2026-02-04 10:05")
    expect(page.locator(".score")).to_contain_text("61 of 100")
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    lines = page.locator(".history tbody tr")
    expect(lines).to_have_count(5)  # two scanners once, vcp and closing bets on two sessions
    expect(lines.filter(has_text="10:05")).to_have_count(0)


def test_older_signals_are_shown_on_demand(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(served.url)
    page.route(
        f"**/{SAMSUNG}/signals?limit=60*",
        lambda route: route.continue_(url=route.request.url.replace("limit=60", "limit=2")),
    )
    page.goto(f"{served.url}/#/stock/{SAMSUNG}")
    expect(page.locator(".history tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Older signals").click()
    expect(page.locator(".history tbody tr")).to_have_count(4)
    expect(page.get_by_role("button", name="Older signals")).to_have_count(0)


def test_a_search_that_was_overtaken_says_nothing(served, pages):
    page = pages.open(served.url)
    held = []
    page.route("**/api/kr/stocks?*", lambda route: held.append(route))
    page.locator("#search").fill("00")
    eventually_held(page, held)
    page.locator("#search").fill("")
    page.wait_for_timeout(400)
    expect(page.locator("#found")).to_be_hidden()
    page.unroute("**/api/kr/stocks?*")
    page.locator("#search").fill("삼성")
    expect(page.locator("#found li")).to_contain_text("삼성전자")
    page.locator("#search").press_sequentially("x")
    page.keyboard.press("Enter")
    assert "/stock/" not in page.url, "what was found is of another text"


def eventually_held(page, held) -> None:
    for _ in range(100):
        if held:
            return
        page.wait_for_timeout(50)
    raise AssertionError("it was never asked")


def test_gone_signals_are_filtered_sorted_and_exported_and_need_no_others(
    postgres_url, stack, pages
):
    database = stack.enter_context(emptied(postgres_url))
    publish_gate(database)
    publish(database, "vcp", TUE, 6)
    publish(database, "vcp", WED, rows=[])
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/signals?scanner=vcp")
    page.get_by_role("button", name="Show the 6 gone").click()
    gone = page.locator(".row.gone")
    expect(gone).to_have_count(6)
    page.locator(".head").get_by_role("button", name="Entry").click()
    expect(page.locator(".head [aria-sort=descending]")).to_have_text("Entry")
    assert gone.first.get_attribute("data-ticker") == "900005"
    page.get_by_role("group", name="Grade").get_by_role("button", name="S", exact=True).click()
    expect(gone).to_have_count(2)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export CSV").click()
    lines = downloading.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert all(",gone," in one for one in lines[1:])
