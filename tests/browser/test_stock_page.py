"""One stock: the chart with its signal, the score check by check, what texts can't do."""

from __future__ import annotations

import pytest
from api_market import SAMSUNG, WED, fill, publish, publish_gate, signal
from api_server import serving
from browser_market import (
    HOSTILE,
    HOSTILE_TICKER,
    LONG_SESSIONS,
    fill_long,
    publish_failure,
)
from browser_pages import SECONDS, live, row
from databases import emptied
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PAINTED = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const colours = new Set();
  for (let n = 0; n < data.length; n += 4) {
    colours.add(data[n] << 16 | data[n + 1] << 8 | data[n + 2]);
  }
  return colours.size;
}"""


def test_the_chart_shows_candles_volume_net_buying_contractions_and_levels(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    chart = page.locator("#chart")
    expect(chart).to_have_attribute("data-bars", "160", timeout=SECONDS)
    expect(chart).to_have_attribute("data-contractions", "3")
    expect(chart).to_have_attribute("data-panes", "4")
    expect(chart.get_by_role("img")).to_have_attribute(
        "aria-label", "Price chart: 160 sessions from 2025-06-13 to 2026-02-04; last close 72,600."
    )
    expect(chart.locator(".legend")).to_contain_text("MA 20")
    assert max(canvas.evaluate(PAINTED) for canvas in chart.locator("canvas").all()) > 8
    notice = page.get_by_role("link", name="Charts by TradingView")
    assert notice.get_attribute("href") == "https://www.tradingview.com/"


def test_each_check_tells_its_points_and_a_missing_part_is_missing(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp")
    checks = page.locator(".checks tr")
    expect(checks).to_have_count(6)
    expect(checks.nth(0)).to_contain_text("20 / 20")
    expect(checks.nth(0)).to_contain_text("8 of 8 conditions, RS 91")
    expect(checks.nth(5)).to_contain_text("missing: net buying isn't known for all sessions")
    expect(checks.nth(5).locator(".bar")).to_have_class("bar  missing")
    gates = page.locator(".gates li")
    expect(gates.nth(0)).to_contain_text("Contraction pattern")
    expect(gates.nth(2)).to_contain_text("unknown")
    expect(page.locator(".levels")).to_contain_text("79,500")
    expect(page.locator(".history tbody tr")).to_have_count(4)


def test_a_past_signal_can_be_put_on_the_chart(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    expect(page.locator("#chart")).to_have_attribute("data-contractions", "3", timeout=SECONDS)
    page.locator(".history").get_by_role("button", name="2026-02-03").click()
    expect(page.locator(".score header")).to_contain_text("2026-02-03")
    assert page.url.endswith("?scanner=vcp&session=2026-02-03&as_of=close")


def test_korean_readers_are_told_the_reasons_in_korean(served, pages):
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp", language="ko-KR")
    expect(page.locator(".reasons")).to_have_text("수축 3회: 12.1 %")
    smart_money = page.locator(".checks tr").nth(5)
    expect(smart_money).to_contain_text("없음: 모든 거래일의 수급이 알려지지 않았음")


def test_a_stock_that_was_never_seen_says_so(served, pages):
    pages.allowed = ("404",)
    page = pages.open(f"{served.url}/#/stock/ZZZZZZ")
    expect(page.locator("#content")).to_contain_text("No stock ZZZZZZ was ever seen.")
    page.goto(f"{served.url}/#/stock/..%2F..%2Fmetrics")
    expect(page.locator("#content")).to_contain_text("was ever seen")


def test_texts_from_data_are_never_markup(market, served, pages):
    publish_failure(market)
    page = pages.open(f"{served.url}/#/signals?scanner=vcp")
    expect(row(page, HOSTILE_TICKER).locator("a")).to_have_text(HOSTILE)
    expect(row(page, HOSTILE_TICKER).locator(".notes")).to_contain_text(HOSTILE)
    row(page, HOSTILE_TICKER).locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.locator(".reasons li")).to_have_text(HOSTILE)
    expect(page.locator(".gates")).to_contain_text(HOSTILE)
    page.keyboard.press("/")
    page.keyboard.insert_text("<img")
    expect(page.get_by_role("option")).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    page.locator(".stock-head .star").click()
    page.goto(f"{served.url}/#/watch")
    expect(page.locator("tbody tr")).to_contain_text(HOSTILE)
    page.goto(f"{served.url}/#/scans?scanner=daytrading")
    expect(page.locator("tbody tr").first).to_contain_text(HOSTILE)
    expect(page.locator("tbody tr").first.locator("a")).to_have_count(0)
    assert page.locator("img").count() == 0
    live(page)
    assert page.title() == "Scans · closebell"


def test_levels_that_are_missing_are_explained_by_the_pivot_only_where_it_is_why(
    postgres_url, stack, pages
):
    database = stack.enter_context(emptied(postgres_url))
    fill(database)
    publish_gate(database)
    none = {"entry": None, "target": None, "stop": None}
    extended = {"reasons": ["extended: too far above the pivot, no levels"]}
    publish(database, "vcp", rows=[signal("vcp", WED, 0) | none | extended])
    publish(database, "daytrading", rows=[signal("daytrading", WED, 0) | none])
    served = stack.enter_context(serving(database))
    for scanner, why in (("vcp", "too far above the pivot"), ("daytrading", "see the reasons")):
        page = pages.open(f"{served.url}/#/stock/{SAMSUNG}?scanner={scanner}")
        expect(page.locator(".score .empty")).to_have_text(f"No levels: {why}")


def test_each_range_ends_with_the_newest_bar_however_many_are_loaded(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    fill_long(database)
    publish_gate(database)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    chart = page.locator("#chart")
    for days, loaded in ((120, 320), (60, 260), (250, 450), (500, 560), (60, 260)):
        page.get_by_role("button", name=str(days), exact=True).click()
        expect(chart).to_have_attribute("data-bars", str(loaded), timeout=SECONDS)
        first = LONG_SESSIONS[-days].isoformat()
        expect(chart).to_have_attribute("data-first", first)


def test_an_address_of_nothing_shows_the_newest_but_a_failure_is_told(served, pages):
    pages.allowed = ("503", "422")
    place = f"{served.url}/#/stock/{SAMSUNG}?scanner=vcp&session=2020-02-30&as_of=close"
    page = pages.open(place)
    expect(page.locator(".score header")).to_contain_text(WED.isoformat())
    page = pages.open(f"{served.url}/#/signals")
    refused = {"status": 503, "json": {"detail": "closed for now"}}
    page.route("**/api/kr/signals?ticker=*", lambda route: route.fulfill(**refused))
    page.goto(place)
    expect(page.locator("#content")).to_contain_text("Something went wrong")
