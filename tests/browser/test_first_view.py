"""What is seen at once: market, gate, freshness, signals by scanner, and why there are none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from api_market import SAMSUNG
from api_server import serving
from browser_pages import SECONDS, live, row
from playwright.sync_api import expect

from market.clock import SEOUL, FixedClock

pytestmark = pytest.mark.browser
NOON = FixedClock(datetime(2026, 2, 4, 12, 0, tzinfo=SEOUL))


def test_market_gate_freshness_and_signals_are_there_without_a_click(served, pages):
    page = pages.open(served.url)
    gate = page.locator(".gate")
    expect(gate.locator(".big")).to_have_text("61")
    expect(gate).to_contain_text("Yellow")
    expect(gate).to_contain_text("2,731.50")
    expect(gate).to_contain_text("12.1 / 20")
    expect(gate).to_contain_text("전기전자")
    for name in ("VCP", "Day trading", "Closing bet"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    samsung = row(page, SAMSUNG)
    expect(samsung.locator(".grade")).to_have_text("S")
    expect(samsung.locator(".score")).to_contain_text("59 / 70")
    expect(samsung.locator(".entry")).to_have_text("72,100")
    expect(samsung.locator(".target")).to_have_text("79,500+10.3 %")
    expect(samsung.locator(".stop")).to_have_text("68,400−5.1 %")
    expect(samsung.locator(".change")).to_have_text("upgraded")
    expect(samsung.locator(".cap")).to_have_text("–")  # missing isn't 0
    vcp = page.locator(".group[data-scanner=vcp]")
    expect(vcp).to_contain_text("1 new · 1 upgraded · 1 carried · 0 downgraded · 3 gone")
    expect(vcp).to_contain_text("2026-02-04 close")
    expect(page.locator(".group[data-scanner=closing_bet]")).to_contain_text(
        "0.31 %"
    )  # as the server says
    live(page)


def test_what_is_gone_since_the_scan_before_is_shown_on_demand(served, pages):
    page = pages.open(served.url)
    page.get_by_role("button", name="Show the 3 gone").click()
    gone = page.locator(".row.gone")
    expect(gone).to_have_count(3)
    expect(gone.first.locator(".change")).to_have_text("gone")
    assert "gone=1" in page.url


def test_an_open_market_counts_down_to_its_close_and_to_the_next_flow(market, stack, pages):
    served = stack.enter_context(serving(market, clock=NOON))
    page = pages.open(served.url)
    hours = page.locator(".hours")
    expect(hours).to_contain_text("Market open")
    expect(hours).to_contain_text("closes in 3:2")
    expect(hours).to_contain_text("Next: end of day 15:30, in 3:2")


def test_a_holiday_says_when_trading_begins_again(market, stack, pages):
    seollal = FixedClock(datetime(2026, 2, 17, 12, 0, tzinfo=SEOUL))
    served = stack.enter_context(serving(market, clock=seollal))
    hours = pages.open(served.url, language="ko-KR").locator(".hours")
    expect(hours).to_contain_text("장 마감")
    expect(hours).to_contain_text("개장까지 1일 20:5")
    expect(hours.locator(".told")).to_contain_text("휴장")


@pytest.mark.parametrize("width", [1280, 1024, 800, 360])
def test_the_next_flow_and_every_figure_are_in_sight_at_any_width(market, stack, pages, width):
    served = stack.enter_context(serving(market, clock=NOON))
    page = pages.open(served.url, viewport={"width": width, "height": 800})
    expect(page.locator(".hours .next")).to_be_visible()
    for name in ("entry", "target", "stop", "value20", "cap"):
        expect(row(page, SAMSUNG).locator(f".{name}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_stale_scan_is_said_aloud(market, stack, pages):
    later = FixedClock(datetime(2026, 2, 4, 12, 0, tzinfo=SEOUL) + timedelta(days=5))
    served = stack.enter_context(serving(market, clock=later))
    page = pages.open(served.url)
    expect(page.locator(".banners .warn").first).to_contain_text(
        "the last scan is of 2026-02-04", timeout=SECONDS
    )


def test_korean_is_spoken_to_a_korean_browser_and_can_be_switched(served, pages):
    page = pages.open(served.url, language="ko-KR")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("link", name="관심 목록")).to_be_visible()
    expect(row(page, SAMSUNG).locator(".change")).to_have_text("상향")
    page.get_by_role("button", name="설정").click()
    page.get_by_role("radio", name="English").check()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("link", name="Watch list")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Watch list")).to_be_visible()


def test_prices_that_rise_are_red_in_korea_and_green_by_choice(served, pages):
    page = pages.open(served.url)
    change = page.locator(".indices td.up").first
    red = change.evaluate("e => getComputedStyle(e).color")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Green up, red down").check()
    green = page.locator(".indices td.up").first.evaluate("e => getComputedStyle(e).color")
    assert _strongest(red) == "red"
    assert _strongest(green) == "green"


def test_dark_and_light_follow_the_system_until_one_is_chosen(served, pages):
    page = pages.open(served.url, color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Light").check()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark, light) == ("rgb(13, 17, 22)", "rgb(243, 245, 247)")


@pytest.mark.parametrize("place", ["", "#/watch", "#/performance", "#/scans", f"#/stock/{SAMSUNG}"])
def test_nothing_is_wider_than_a_phone(served, pages, place):
    pages.allowed = ("404",)  # nothing was settled yet
    phone = {"width": 360, "height": 740}
    page = pages.open(f"{served.url}/{place}", viewport=phone, has_touch=True, is_mobile=True)
    live(page)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def _strongest(colour: str) -> str:
    red, green, blue = (int(one) for one in colour.removeprefix("rgb(").rstrip(")").split(","))
    return max((red, "red"), (green, "green"), (blue, "blue"))[1]


def test_health_that_is_refused_breaks_nothing_on_the_page(served, pages):
    pages.allowed = ("429",)
    page = pages.open(f"{served.url}/#/scans")
    problem = {"type": "urn:closebell:problem:too-many-requests", "status": 429, "detail": "slower"}
    page.route("**/health", lambda route: route.fulfill(status=429, json=problem))
    with page.expect_response("**/health"):
        page.goto(f"{served.url}/#/signals")
        page.reload()
    live(page)
    expect(page.locator("[aria-labelledby=fresh-title], #fresh-title").first).to_be_visible()
    expect(page.locator(".rows .row[data-ticker]").first).to_be_visible()
