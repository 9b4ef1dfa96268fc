"""What became of signals, by scanner, grade and the market gate of the time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from api_market import SAMSUNG, WED, fill, publish, publish_everything, publish_gate
from api_server import serving
from browser_pages import SECONDS
from databases import emptied
from playwright.sync_api import expect

from market.calendar import TradingCalendar
from market.clock import FixedClock
from outcomes.rules import TradeRules
from tasks.settle import settle_signals

pytestmark = pytest.mark.browser


def test_outcomes_stand_by_scanner_and_grade_and_are_narrowed_by_the_gate(
    postgres_url, stack, pages
):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    with served.client() as client:
        told = client.get("/api/kr/performance").json()
    page = pages.open(f"{served.url}/#/performance")
    panel = page.locator("section").first
    expect(panel).to_contain_text(told["survivorship"])
    expect(panel).to_contain_text("about 0.31 % and slippage (ticks a side: 2)")
    kept = [group for group in told["groups"] if group["market_gate"] == "all"]
    assert kept
    expect(panel.locator("tbody tr")).to_have_count(len(kept))
    vcp = next(g for g in kept if (g["signal_type"], g["grade"]) == ("vcp", "all"))
    cells = panel.locator("tbody tr").first.locator("td")
    expect(cells.nth(1)).to_have_text(str(vcp["signals"]))
    page.get_by_label("Market gate at the time").select_option("RED")
    assert page.url.endswith("#/performance?gate=RED")


def test_before_any_session_after_a_signal_it_says_why_and_when(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    fill(database)
    publish(database, "vcp", WED, 3)
    publish_gate(database, WED)
    settle_signals(database, TradingCalendar(), TradeRules(), WED)
    clock = FixedClock(datetime(2026, 2, 4, 9, tzinfo=UTC))
    served = stack.enter_context(serving(database, clock=clock))
    page = pages.open(f"{served.url}/#/performance")
    told = page.locator("section").first
    expect(told).to_contain_text("Nothing can be told yet: 3 signals are followed")
    expect(told).to_contain_text("once the session after 2026-02-04 is stored and settled")
    expect(told).to_contain_text("That session is 2026-02-05.")
    assert told.locator("table").count() == 0
    korean = pages.open(f"{served.url}/#/performance", language="ko-KR")
    expect(korean.locator("section").first).to_contain_text("그 거래일은 2026-02-05입니다.")


def test_a_backtest_shows_its_figures_and_its_equity_curve(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    with served.client() as client:
        run = client.get("/api/kr/backtests").json()[0]
        equity = client.get(f"/api/kr/backtests/{run['id']}").json()["equity"]
    page = pages.open(f"{served.url}/#/performance")
    chart = page.locator(".equity .chart")
    expect(chart).to_have_attribute("data-points", str(len(equity)), timeout=SECONDS)
    line = page.locator("tr.chosen")
    expect(line).to_contain_text(f"{run['first']} – {run['last']}")
    expect(line.locator("td").nth(8)).to_have_text(str(run["figures"]["trades"]))
    expect(page.locator(".equity")).to_contain_text(run["facts"]["survivorship"]["words"])


def test_a_stocks_history_tells_its_outcomes(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/stock/{SAMSUNG}")
    history = page.locator(".history tbody")
    expect(history.get_by_text("target hit").first).to_be_visible()
