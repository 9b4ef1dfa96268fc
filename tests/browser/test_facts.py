"""What the server says of its figures in English is Korean on a Korean page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from amounts_in_korean import AMOUNTS
from api_market import publish_everything
from api_server import serving
from browser_pages import SECONDS
from databases import emptied
from playwright.sync_api import expect

from backtest.facts import conditions, cost_words
from backtest.plan import plan_of
from outcomes.rules import TradeRules
from outcomes.survivorship import Survivorship
from scanners.rules import Rules

pytestmark = pytest.mark.browser
FIRST, LAST = date(2018, 1, 2), date(2025, 12, 30)
TOLD = """async texts => {
  const app = document.querySelector("[src$='/app.js']").src;
  const { fact } = await import(app.replace("app.js", "words/facts.js"));
  return texts.map(fact).map(({ lang, textContent }) => [lang, textContent]);
}"""
REASON = """async texts => {
  const app = document.querySelector("[src$='/app.js']").src;
  const { reason } = await import(app.replace("app.js", "words/reasons.js"));
  return texts.map(text => reason(text, "ko"));
}"""
NOTES = [
    "12% of the bars were adjusted by their source: their prices and shares "
    "are not those traded, so ticks, limits and whole shares are approximate there",
    "traded value is estimated as close x volume where the source gives none",
    "net buying was known for 81% of the signals; elsewhere that part is missing",
    "3 of 40 sales were of more than 2% of their session's volume",
    "no news: that part of closing_bet is missing, and blocking news stop nothing",
]


def sentences() -> list[str]:
    held = Survivorship(FIRST, LAST, 2_600, 240, 0, True)
    judged = [held, replace(held, held=None), replace(held, held=False), replace(held, left=3)]
    judged += [replace(held, few=True)]
    judged += [replace(one, missing=17) for one in judged]
    found = [one.sentence for one in judged] + NOTES
    for scanner in ("vcp", "daytrading", "closing_bet"):
        changes = {"outcomes.closing_bet.exit": "next_0930"}
        plan = plan_of(scanner, FIRST, LAST, rules=Rules(), trades=TradeRules(), changes=changes)
        found += [cost_words(plan), *conditions(plan)]
    return found


def test_every_fact_is_translated(served, pages):
    page = pages.open(f"{served.url}/#/scans", language="ko-KR")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    told = page.evaluate(TOLD, sentences())
    assert len(told) > 20
    for english, (lang, korean) in zip(sentences(), told, strict=True):
        assert lang == "", english
        assert re.search("[가-힣]", korean), english
        assert "$" not in korean
    assert page.evaluate(TOLD, ["something new"]) == [["en", "something new"]]


def test_amounts_are_told_as_koreans_do(served, pages):
    page = pages.open(f"{served.url}/#/scans", language="ko-KR")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    told = page.evaluate(REASON, [f"{billions} billion won traded" for billions, _ in AMOUNTS])
    assert told == [f"거래대금 {korean}" for _, korean in AMOUNTS]


def test_a_korean_backtest_page_has_no_english_sentence(postgres_url, stack, pages):
    database = stack.enter_context(emptied(postgres_url))
    publish_everything(database)
    served = stack.enter_context(serving(database))
    page = pages.open(f"{served.url}/#/performance", language="ko-KR")
    facts = page.locator(".equity .reasons li")
    expect(facts.first).to_be_visible(timeout=SECONDS)
    assert facts.count() >= 6
    assert page.locator("main [lang=en]").count() == 0
